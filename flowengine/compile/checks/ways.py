"""Every way of a call through the flows, walked flow by flow: a subflow is known to its callers
only by how it ends.
"""

import itertools
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from flowengine.compile.checks.graph import QUESTIONS, callee, callees, reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.model import Memory
from flowengine.states.collect import CompiledCollect
from flowengine.states.fetch import CompiledFetch
from flowengine.states.menu import CompiledMenu

SILENT = frozenset({"dice", "notify", "keys"})
CALLBACKS = ("ice", "ace", "pie", "notify", "dice", "keys")
FAILURE = ""  # the outcome of a subflow in which something fails that nothing there catches


class Node(NamedTuple):
    """A state under a callback."""

    state: str
    context: str


class Entry(NamedTuple):
    """A flow, and the callback under which another flow uses it; without one it is begun by calls
    and events.
    """

    flow: str
    context: str


class Ending(NamedTuple):
    """An outcome of a subflow, and the callback under which it comes back."""

    outcome: str
    context: str


Endings = Mapping[Entry, tuple[Ending, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """All ways through one flow: what leads to each node first, and by which exit; where other
    flows are used; how it ends.
    """

    program: Program
    before: Mapping[Node, tuple[Node | None, str]]
    calls: Mapping[Entry, Node]
    endings: tuple[Ending, ...]

    def steps(self, node: Node) -> int:
        count, at = 0, self.before[node][0]
        while at:
            count, at = count + 1, self.before[at][0]
        return count


@dataclass(slots=True)
class Walking:
    """A walk under way, nearest first, so that the first way found to a node is the shortest."""

    program: Program
    endings: Endings
    before: dict[Node, tuple[Node | None, str]] = field(default_factory=dict)
    todo: deque[Node] = field(default_factory=deque)
    calls: dict[Entry, Node] = field(default_factory=dict)
    ended: set[Ending] = field(default_factory=set)

    def add(self, node: Node, before: Node | None, label: str) -> None:
        if node not in self.before and node.state in self.program.states:
            self.before[node] = (before, label)
            self.todo.append(node)

    def walk(self, roots: Iterable[Node]) -> Walk:
        for root in roots:
            self.add(root, None, "")
        while self.todo:
            node = self.todo.popleft()
            state = self.program.states[node.state]
            if flow := callee(state):
                self.call(node, state, Entry(flow, node.context))
            elif state.kind == "return":
                # the kind says that it is a return
                self.ended.add(Ending(state.verb.outcome, node.context))  # type: ignore[attr-defined]
            else:
                self.follow(node, state)
            self.fail(node, state)
        return Walk(self.program, self.before, self.calls, tuple(sorted(self.ended)))

    def follow(self, node: Node, state: CompiledState) -> None:
        for label, target in state.exits.items():
            self.add(
                Node(target.state, node.context if target.via == "same" else target.via),
                node,
                label,
            )
        for key, leads in special_keys(state).items():
            for asked in (
                (state.name,)
                if leads == "repeat"
                else self.asked_before(node)
                if leads == "back"
                else ()
            ):
                self.add(Node(asked, "pie"), node, f"key {key}")

    def asked_before(self, node: Node) -> list[str]:
        """The questions that `back` may lead to: those from which a call comes here."""
        states = self.program.states
        leading: dict[str, list[str]] = {name: [] for name in states}
        for name, state in states.items():
            for target in state.exits.values():
                leading.setdefault(target.state, []).append(
                    name
                )  # also a state that is left out as it is not well formed
        behind = reachable(leading, [node.state])
        return [
            name for name, state in states.items() if state.kind in QUESTIONS and name in behind
        ]

    def call(self, node: Node, state: CompiledState, call: Entry) -> None:
        self.calls.setdefault(call, node)
        for outcome, context in self.endings.get(call, ()):
            if outcome == FAILURE:
                self.failed(node, state, context)
            elif target := state.exits.get(f"outcome {outcome}"):
                self.add(Node(target.state, context), node, f"outcome {outcome}")

    def fail(self, node: Node, state: CompiledState) -> None:
        """Failures count where they are likely: a lookup, a question that the platform gives up,
        and wherever the author wrote error:.
        """
        if state.kind in QUESTIONS:
            self.failed(node, state, "pie")
        elif own_error(self.program, state) or (
            isinstance(state.verb, CompiledFetch) and not state.verb.fails
        ):
            self.failed(node, state, node.context)

    def failed(self, node: Node, state: CompiledState, context: str) -> None:
        """After an event nothing is answered, so that whatever an error exit does is harmless
        there.
        """
        if context in SILENT:
            return
        if state.error:
            self.add(Node(state.error, context), node, "error")
        else:
            self.ended.add(Ending(FAILURE, context))


def special_keys(state: CompiledState) -> Mapping[str, str]:
    if isinstance(state.verb, CompiledMenu):
        return state.verb.choices
    return state.verb.keys if isinstance(state.verb, CompiledCollect) else {}


def own_error(program: Program, state: CompiledState) -> bool:
    return "error" in program.document.at(state.path)


class Ways:
    """The walks through all flows. A flow is walked again when a flow that it uses turns out to end
    in more ways.
    """

    def __init__(
        self, programs: Mapping[str, Program], incoming: AbstractSet[str], memory: Memory
    ) -> None:
        self.programs = programs
        self.walks: dict[Entry, Walk] = {}
        self.callers: dict[Entry, tuple[Entry, Node]] = {}
        self._incoming = incoming
        self._memory = memory
        self._endings: dict[Entry, tuple[Ending, ...]] = {}
        self._users: dict[Entry, dict[Entry, None]] = {}
        self._follow([Entry(name, "") for name in reversed([*programs])])

    def _follow(self, todo: list[Entry]) -> None:
        while todo:
            entry = todo.pop()
            walk = self.walks[entry] = self._walk(entry)
            for call in walk.calls:
                self._users.setdefault(call, {})[entry] = None
                if call not in self._endings:
                    self._endings[call] = ()
                    todo.append(call)
            if entry.context and walk.endings != self._endings[entry]:
                self._endings[entry] = walk.endings
                todo += self._users[entry]

    def _walk(self, entry: Entry) -> Walk:
        program = self.programs[entry.flow]
        roots = (Node(program.start, entry.context),) if entry.context else self._entries(program)
        used = [Entry(flow, context) for flow in callees(program) for context in CALLBACKS]
        endings = {call: self._endings[call] for call in used if call in self._endings}
        return self._memory.recall(
            ("walk", entry),
            (program, roots, endings),
            lambda: Walking(program, endings).walk(roots),
        )

    def _entries(self, program: Program) -> tuple[Node, ...]:
        start = program.start if program.flow in self._incoming else ""
        named = [
            ("ice", start),
            ("ace", program.answered),
            ("keys", program.pressed),
            ("dice", program.ended),
        ]
        return tuple(
            Node(state, context)
            for context, state in [
                *named,
                *(("notify", state) for state in program.notified.values()),
            ]
            if state
        )

    def nearest(self, wanted: Collection[Entry]) -> list[Entry]:
        """Those that calls and events begin, then those that other flows use, fewest steps first;
        `callers` then knows by which way.
        """
        begun = [Entry(name, "") for name in self.programs]
        if not any(entry.context for entry in wanted):
            return [entry for entry in begun if entry in wanted]
        count = itertools.count()
        todo: list[tuple[int, int, Entry, tuple[Entry, Node] | None]] = [
            (0, next(count), entry, None) for entry in begun
        ]
        found: dict[Entry, None] = {}
        while todo:
            steps, _, entry, caller = heappop(todo)
            if entry in found:
                continue
            found[entry] = None
            if caller:
                self.callers[entry] = caller
            walk = self.walks[entry]
            for call, node in walk.calls.items():
                heappush(todo, (steps + walk.steps(node) + 1, next(count), call, (entry, node)))
        return [entry for entry in found if entry in wanted]
