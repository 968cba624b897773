"""The most that was said earlier in the same answer when a call comes to a state: states that do
not wait speak together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.program_graph import (
    list_entered_flows,
    list_flow_links,
    order_by_entry,
    order_by_use,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.model import CompileCache
from flowengine.states.prompt import CompiledPrompt

PromptMeasure = Callable[[CompiledPrompt], int]


class SpeechBefore(NamedTuple):
    """The most that may have been said, and the states that said it."""

    size: int
    states: tuple[str, ...]


NO_SPEECH = SpeechBefore(0, ())
SpeechByState = dict[str, SpeechBefore]
ExitsByState = Mapping[str, tuple[tuple[str, str], ...]]  # by state: exits and where they lead


class SpeechAtReturn(NamedTuple):
    """By outcome: what was said in a flow that never waited, and what was said since it waited
    last.
    """

    without_waiting: Mapping[str, SpeechBefore]
    after_waiting: Mapping[str, SpeechBefore]


def compute_speech_before(
    programs: Mapping[str, Program], measure: PromptMeasure, memory: CompileCache
) -> dict[str, SpeechByState]:
    """By flow and state: the most said before it in one answer. Cycles of states are walked once,
    flows that go over to each other twice.
    """
    links = list_flow_links(programs)
    walks = {
        name: FlowOrder(
            program,
            measure,
            *program.compute_once(order_states),
        )
        for name, program in programs.items()
    }
    back: dict[str, SpeechAtReturn] = {}
    for name in order_by_use(programs):
        used = {flow: back[flow] for flow in list_entered_flows(programs[name]) if flow in back}
        back[name] = memory.get_or_compute(
            ("speech at return", (name, measure.__name__)),
            (programs[name], used),
            partial(walks[name].compute_returns, used),
        )
    entered: dict[str, SpeechBefore] = {}
    found: dict[str, SpeechByState] = {}
    # callers first: what they have said counts in the flow that they begin, if nothing waits in
    # between
    for name in list_flow_walks(programs, links):
        used, begun = (
            {flow: back[flow] for flow in list_entered_flows(programs[name])},
            entered.get(name, NO_SPEECH),
        )
        before = memory.get_or_compute(
            ("speech before", (name, measure.__name__)),
            (programs[name], used, begun),
            partial(walks[name].compute_arrivals, begun, used),
        )
        found[name] = before
        for state in links[name]:
            entered[state.verb.entered_flow] = max(
                entered.get(state.verb.entered_flow, NO_SPEECH),
                add_speech(state, before[state.name], measure),
            )
    return found


def list_flow_walks(
    programs: Mapping[str, Program], links: Mapping[str, Sequence[CompiledState]]
) -> Iterator[str]:
    """The flows in the order in which they are walked, callers first."""
    for cycle in order_by_entry(programs):
        begun = {state.verb.entered_flow for name in cycle for state in links[name]}
        yield from cycle * (1 if begun.isdisjoint(cycle) else 2)


class FlowOrder(NamedTuple):
    """One flow, its states in an order in which each comes after those that lead to it."""

    program: Program
    measure: PromptMeasure
    order: list[str]
    exits: ExitsByState

    def compute_returns(self, used: Mapping[str, SpeechAtReturn]) -> SpeechAtReturn:
        return SpeechAtReturn(
            self.compute_outcomes({}, used),
            self.compute_outcomes(dict.fromkeys(self.program.states, NO_SPEECH), used),
        )

    def compute_arrivals(
        self, begun: SpeechBefore, used: Mapping[str, SpeechAtReturn]
    ) -> SpeechByState:
        """The most said before each state, when so much was said before the flow."""
        return self.propagate_speech(
            {**dict.fromkeys(self.program.states, NO_SPEECH), self.program.start: begun}, used
        )

    def compute_outcomes(
        self, begun: SpeechByState, back: Mapping[str, SpeechAtReturn]
    ) -> dict[str, SpeechBefore]:
        """By outcome: the most said when the flow comes back to its caller."""
        ends = [state for state in self.program.states.values() if state.verb.returned_outcome]
        before = (
            self.propagate_speech({self.program.start: NO_SPEECH, **begun}, back) if ends else {}
        )
        found: dict[str, SpeechBefore] = {}
        for state in ends:
            if state.name in before:
                outcome = state.verb.returned_outcome
                found[outcome] = max(
                    found.get(outcome, NO_SPEECH),
                    add_speech(state, before[state.name], self.measure),
                )
        return found

    def propagate_speech(
        self, found: SpeechByState, back: Mapping[str, SpeechAtReturn]
    ) -> SpeechByState:
        """The most said before each state, from those on where something is known to have been
        said.
        """
        seen: set[str] = set()
        for name in self.order:
            seen.add(name)
            state = self.program.states[name]
            if name in found:
                said = add_speech(state, found[name], self.measure)
                for exit_, target in self.exits[name]:
                    # an exit that leads back is not followed: a cycle would never end
                    for more in (
                        follow_exit(
                            said, back.get(state.verb.callee), exit_.removeprefix("outcome ")
                        )
                        if target not in seen
                        else ()
                    ):
                        found[target] = max(found.get(target, NO_SPEECH), more)
        return found


def follow_exit(
    said: SpeechBefore, called: SpeechAtReturn | None, outcome: str
) -> Iterator[SpeechBefore]:
    """What was said after this exit; words before a subflow that waits belong to an earlier answer."""
    if called is None:
        yield said
    elif outcome in called.without_waiting:
        more = called.without_waiting[outcome]
        yield SpeechBefore(said.size + more.size, said.states + more.states)
    if called and outcome in called.after_waiting:
        yield called.after_waiting[outcome]


def add_speech(state: CompiledState, before: SpeechBefore, measure: PromptMeasure) -> SpeechBefore:
    size = measure(state.preamble.say) if state.preamble and state.preamble.say else 0
    return SpeechBefore(before.size + size, (*before.states, state.name)) if size else before


def iterate_immediate_exits(program: Program, state: CompiledState) -> Iterator[tuple[str, str]]:
    """The exits that lead on within the same answer, as those of a queue that takes nobody; an error
    exit where failing is likely.
    """
    if state.verb.is_question:
        return
    yield from (
        (name, target.state) for name, target in state.exits.items() if target.via == "same"
    )
    if state.verb.waits:
        return
    own = "error" in program.document.get_value(state.path)
    if state.error and (own or (state.verb.is_failure_likely)):
        yield "error", state.error


def order_states(program: Program) -> tuple[list[str], ExitsByState]:
    """The states, each after all that lead to it; a cycle is opened where it is entered. And where
    each leads within an answer.
    """
    leading = {
        name: tuple(iterate_immediate_exits(program, state))
        for name, state in program.states.items()
    }
    placed: list[str] = []
    seen: set[str] = set()
    for root in program.states:
        todo = [(root, iter(leading[root]))] if root not in seen else []
        seen.add(root)
        while todo:
            name, leads = todo[-1]
            target = next(
                (target for _, target in leads if target in program.states and target not in seen),
                "",
            )
            if target:
                seen.add(target)
                todo.append((target, iter(leading[target])))
            else:
                placed.append(name)
                todo.pop()
    return placed[::-1], leading
