"""All paths of a call through the flows, walked flow by flow: the callers of a subflow know only
how it ends.
"""

import itertools
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush
from typing import Any, NamedTuple, TypeVar

import msgspec

from flowengine.compile.checks.program_graph import (
    find_reachable,
    list_entered_flows,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.model import CompileCache

ValueT = TypeVar("ValueT", bound=Hashable)
EVENT_CONTEXTS = frozenset({"dice", "notify", "keys"})
CALLBACK_CONTEXTS = ("ice", "ace", "pie", "notify", "dice", "keys")
FAILURE_OUTCOME = ""  # the outcome of a subflow in which something fails that nothing there catches


class StateUnderCallback(NamedTuple):
    """A state under a callback."""

    state: str
    context: str


class FlowUse(NamedTuple):
    """A flow, and the callback under which another flow uses it or goes over to it; without one it is
    begun by calls and events.
    """

    flow: str
    context: str


class SubflowOutcome(NamedTuple):
    """An outcome of a subflow, and the callback under which it comes back."""

    outcome: str
    context: str


OutcomesByUse = Mapping[FlowUse, tuple[SubflowOutcome, ...]]


class FlowPaths(msgspec.Struct, frozen=True, eq=False):
    """All ways through one flow: what leads to each node first, and by which exit; where other
    flows are used; how it ends.
    """

    program: Program
    predecessors: Mapping[StateUnderCallback, tuple[StateUnderCallback | None, str]]
    calls: Mapping[FlowUse, StateUnderCallback]
    outcomes: tuple[SubflowOutcome, ...]

    def count_steps(self, node: StateUnderCallback) -> int:
        count, at = 0, self.predecessors[node][0]
        while at:
            count, at = count + 1, self.predecessors[at][0]
        return count


class PathWalk(msgspec.Struct):
    """A walk in progress, nearest states first, so that the first way found to a node is the
    shortest.
    """

    program: Program
    outcomes_by_use: OutcomesByUse
    # of all flows of a project: the ways through them are much alike
    intern_table: dict[Hashable, Any] = msgspec.field(default_factory=dict)
    predecessors: dict[StateUnderCallback, tuple[StateUnderCallback | None, str]] = msgspec.field(
        default_factory=dict
    )
    todo: deque[StateUnderCallback] = msgspec.field(default_factory=deque)
    calls: dict[FlowUse, StateUnderCallback] = msgspec.field(default_factory=dict)
    outcomes: set[SubflowOutcome] = msgspec.field(default_factory=set)

    def add_node(
        self, node: StateUnderCallback, before: StateUnderCallback | None, label: str
    ) -> None:
        if node not in self.predecessors and node.state in self.program.states:
            node = self.intern(node)
            self.predecessors[node] = self.intern((before, label))
            self.todo.append(node)

    def intern(self, value: ValueT) -> ValueT:
        """The one object of this value in the ways through all flows."""
        known: ValueT = self.intern_table.setdefault(value, value)
        return known

    def walk_flow(self, roots: Iterable[StateUnderCallback]) -> FlowPaths:
        for root in roots:
            self.add_node(root, None, "")
        while self.todo:
            node = self.todo.popleft()
            state = self.program.states[node.state]
            if flow := state.verb.callee:
                self.follow_call(node, state, FlowUse(flow, node.context))
            elif flow := state.verb.next_flow:
                self.calls.setdefault(FlowUse(flow, node.context), node)
            elif state.verb.returned_outcome:
                self.outcomes.add(SubflowOutcome(state.verb.returned_outcome, node.context))
            else:
                self.follow_exits(node, state)
            self.follow_failure(node, state)
        return FlowPaths(self.program, self.predecessors, self.calls, tuple(sorted(self.outcomes)))

    def follow_exits(self, node: StateUnderCallback, state: CompiledState) -> None:
        for label, target in state.exits.items():
            for via in target.contexts:
                context = node.context if via == "same" else via
                self.add_node(StateUnderCallback(target.state, context), node, label)
        for key, leads in state.verb.key_targets.items():
            for asked in (
                (state.name,)
                if leads == "repeat"
                else self.find_questions_before(node)
                if leads == "back"
                else ()
            ):
                self.add_node(StateUnderCallback(asked, "pie"), node, f"key {key}")

    def find_questions_before(self, node: StateUnderCallback) -> list[str]:
        """The questions that `back` may lead to: those from which a call comes here."""
        states = self.program.states
        leading: dict[str, list[str]] = {name: [] for name in states}
        for name, state in states.items():
            for target in state.exits.values():
                leading.setdefault(target.state, []).append(
                    name
                )  # also a state that is left out as it is not well formed
        behind = find_reachable(leading, [node.state])
        return [name for name, state in states.items() if state.verb.is_question and name in behind]

    def follow_call(self, node: StateUnderCallback, state: CompiledState, call: FlowUse) -> None:
        self.calls.setdefault(call, node)
        for outcome, context in self.outcomes_by_use.get(call, ()):
            if outcome == FAILURE_OUTCOME:
                self.add_failure(node, state, context)
            elif target := state.exits.get(f"outcome {outcome}"):
                self.add_node(StateUnderCallback(target.state, context), node, f"outcome {outcome}")

    def follow_failure(self, node: StateUnderCallback, state: CompiledState) -> None:
        """Follow the error exit where failing is likely: a lookup, a question that the platform
        gives up, and wherever the author wrote error:.
        """
        if state.verb.is_question:
            self.add_failure(node, state, "pie")
        elif has_own_error(self.program, state) or (state.verb.is_failure_likely):
            self.add_failure(node, state, node.context)

    def add_failure(self, node: StateUnderCallback, state: CompiledState, context: str) -> None:
        """Follow the error exit. After an event the platform takes no answer, so an error exit can
        do no harm there.
        """
        # the platform ignores what is answered to an event
        if context in EVENT_CONTEXTS:
            return
        if state.error:
            self.add_node(StateUnderCallback(state.error, context), node, "error")
        else:
            self.outcomes.add(SubflowOutcome(FAILURE_OUTCOME, context))


def has_own_error(program: Program, state: CompiledState) -> bool:
    return "error" in program.document.get_value(state.path)


class CallPaths:
    """The walks through all flows. A flow is walked again when a flow that it uses turns out to end
    in more ways.
    """

    def __init__(
        self, programs: Mapping[str, Program], incoming: AbstractSet[str], memory: CompileCache
    ) -> None:
        self.programs = programs
        self.flow_paths: dict[FlowUse, FlowPaths] = {}
        self.callers: dict[FlowUse, tuple[FlowUse, StateUnderCallback]] = {}
        self._incoming = incoming
        self._memory = memory
        self._outcomes: dict[FlowUse, tuple[SubflowOutcome, ...]] = {}
        self._callers_by_use: dict[FlowUse, dict[FlowUse, None]] = {}
        self._intern_table: dict[Hashable, Any] = {}
        self._walk_until_stable([FlowUse(name, "") for name in reversed([*programs])])

    def _walk_until_stable(self, todo: list[FlowUse]) -> None:
        while todo:
            entry = todo.pop()
            walk = self.flow_paths[entry] = self._walk_flow(entry)
            for call in walk.calls:
                self._callers_by_use.setdefault(call, {})[entry] = None
                if call not in self._outcomes:
                    self._outcomes[call] = ()
                    todo.append(call)
            # a recursive flow is first walked as if it never came back, then again until its
            # outcomes are stable
            if entry.context and walk.outcomes != self._outcomes[entry]:
                self._outcomes[entry] = walk.outcomes
                todo += self._callers_by_use[entry]

    def _walk_flow(self, entry: FlowUse) -> FlowPaths:
        program = self.programs[entry.flow]
        roots = (
            (StateUnderCallback(program.start, entry.context),)
            if entry.context
            else self._list_entries(program)
        )
        used = [
            FlowUse(flow, context)
            for flow in list_entered_flows(program)
            for context in CALLBACK_CONTEXTS
        ]
        endings = {call: self._outcomes[call] for call in used if call in self._outcomes}
        return self._memory.get_or_compute(
            ("walk", entry),
            (program, roots, endings),
            lambda: PathWalk(program, endings, self._intern_table).walk_flow(roots),
        )

    def _list_entries(self, program: Program) -> tuple[StateUnderCallback, ...]:
        # a subflow without a route has no ICE
        start = program.start if program.flow in self._incoming else ""
        named = [
            ("ice", start),
            ("ace", program.answered),
            ("ace", program.answered_by_machine),
            ("keys", program.pressed),
            ("dice", program.ended),
        ]
        return tuple(
            StateUnderCallback(state, context)
            for context, state in [
                *named,
                *(("notify", state) for state in program.notified.values()),
            ]
            if state
        )

    def sort_by_distance(self, wanted: Collection[FlowUse]) -> list[FlowUse]:
        """Those that calls and events begin, then those that other flows use, fewest steps first;
        `callers` then knows by which way.
        """
        begun = [FlowUse(name, "") for name in self.programs]
        if not any(entry.context for entry in wanted):
            return [entry for entry in begun if entry in wanted]
        count = itertools.count()
        todo: list[tuple[int, int, FlowUse, tuple[FlowUse, StateUnderCallback] | None]] = [
            # the count breaks ties, as the heap cannot compare entries
            (0, next(count), entry, None)
            for entry in begun
        ]
        found: dict[FlowUse, None] = {}
        while todo:
            steps, _, entry, caller = heappop(todo)
            if entry in found:
                continue
            found[entry] = None
            if caller:
                self.callers[entry] = caller
            walk = self.flow_paths[entry]
            for call, node in walk.calls.items():
                heappush(
                    todo, (steps + walk.count_steps(node) + 1, next(count), call, (entry, node))
                )
        return [entry for entry in found if entry in wanted]
