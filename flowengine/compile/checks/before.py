"""What was said already in the same answer when a call comes to a state: states that do not wait
speak together.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.graph import QUESTIONS, callee, callees, calls, components
from flowengine.compile.program import CompiledState, Program
from flowengine.model import Memory
from flowengine.pace import paced
from flowengine.states.fetch import CompiledFetch
from flowengine.states.prompt import Plan

Measure = Callable[[Plan], int]


class Before(NamedTuple):
    """The most that may have been said, and the states that said it."""

    size: int
    states: tuple[str, ...]


NONE = Before(0, ())
Arrivals = dict[str, Before]
Leads = Mapping[str, tuple[tuple[str, str], ...]]  # by state: exits and where they lead


class Returned(NamedTuple):
    """By outcome: what was said in a flow that never waited, and what was said since it waited
    last.
    """

    through: Mapping[str, Before]
    late: Mapping[str, Before]


def arrivals(
    programs: Mapping[str, Program], measure: Measure, memory: Memory
) -> dict[str, Arrivals]:
    """By flow and state: the most said before it in one answer. Circles are walked once."""
    calling = calls(programs)
    leading = {name: [callee(state) for state in states] for name, states in paced(calling.items())}
    order = [name for circle in components(leading) for name in paced(circle)]
    walks = {
        name: Walk(
            program, measure, *memory.recall(("walked", name), program, partial(forward, program))
        )
        for name, program in programs.items()
    }
    back: dict[str, Returned] = {}
    for name in order:
        used = {flow: back[flow] for flow in callees(programs[name]) if flow in back}
        back[name] = memory.recall(
            (measure, "back", name), (programs[name], used), partial(walks[name].back, used)
        )
    entered: dict[str, Before] = {}
    found: dict[str, Arrivals] = {}
    for name in reversed(order):
        used, begun = (
            {flow: back[flow] for flow in callees(programs[name])},
            entered.get(name, NONE),
        )
        before = memory.recall(
            (measure, "in", name),
            (programs[name], used, begun),
            partial(walks[name].entered, begun, used),
        )
        found[name] = before
        for state in calling[name]:
            entered[callee(state)] = max(
                entered.get(callee(state), NONE), after(state, before[state.name], measure)
            )
    return found


class Walk(NamedTuple):
    """One flow, its states in an order in which each comes after those that lead to it."""

    program: Program
    measure: Measure
    order: list[str]
    leads: Leads

    def back(self, used: Mapping[str, Returned]) -> Returned:
        return Returned(
            self.returned({}, used), self.returned(dict.fromkeys(self.program.states, NONE), used)
        )

    def entered(self, begun: Before, used: Mapping[str, Returned]) -> Arrivals:
        """The most said before each state, when so much was said before the flow."""
        return self.arrive(
            {**dict.fromkeys(self.program.states, NONE), self.program.start: begun}, used
        )

    def returned(self, begun: Arrivals, back: Mapping[str, Returned]) -> dict[str, Before]:
        """By outcome: the most said when the flow comes back to its caller."""
        ends = [state for state in self.program.states.values() if state.kind == "return"]
        before = self.arrive({self.program.start: NONE, **begun}, back) if ends else {}
        found: dict[str, Before] = {}
        for state in ends:
            if state.name in before:
                # the kind says that it is a return
                outcome = state.verb.outcome  # type: ignore[attr-defined]
                found[outcome] = max(
                    found.get(outcome, NONE), after(state, before[state.name], self.measure)
                )
        return found

    def arrive(self, found: Arrivals, back: Mapping[str, Returned]) -> Arrivals:
        """The most said before each state, from those on where something is known to have been
        said.
        """
        seen: set[str] = set()
        for name in self.order:
            seen.add(name)
            state = self.program.states[name]
            if name in found:
                said = after(state, found[name], self.measure)
                for exit_, target in self.leads[name]:
                    for more in (
                        went(said, back.get(callee(state)), exit_.removeprefix("outcome "))
                        if target not in seen
                        else ()
                    ):
                        found[target] = max(found.get(target, NONE), more)
        return found


def went(said: Before, called: Returned | None, outcome: str) -> Iterator[Before]:
    """What was said after this exit; words before a subflow that waits belong to an earlier answer."""
    if called is None:
        yield said
    elif outcome in called.through:
        more = called.through[outcome]
        yield Before(said.size + more.size, said.states + more.states)
    if called and outcome in called.late:
        yield called.late[outcome]


def after(state: CompiledState, before: Before, measure: Measure) -> Before:
    size = measure(state.preamble.say) if state.preamble and state.preamble.say else 0
    return Before(before.size + size, (*before.states, state.name)) if size else before


def together(program: Program, state: CompiledState) -> Iterator[tuple[str, str]]:
    """The exits that lead on within the same answer; an error exit where failing is likely."""
    if state.verb.waits or state.kind in QUESTIONS:
        return
    yield from (
        (name, target.state) for name, target in state.exits.items() if target.via == "same"
    )
    own = "error" in program.document.at(state.path)
    if state.error and (own or (isinstance(state.verb, CompiledFetch) and not state.verb.fails)):
        yield "error", state.error


def forward(program: Program) -> tuple[list[str], Leads]:
    """The states, each after all that lead to it; a circle is opened where it is entered. And where
    each leads within an answer.
    """
    leading = {name: tuple(together(program, state)) for name, state in program.states.items()}
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
