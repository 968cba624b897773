"""Which callback a state may have to answer, and whether what it does is possible there."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flowengine.compile.checks.graph import QUESTIONS, callee, reachable
from flowengine.compile.checks.legality import faults
from flowengine.compile.program import CompiledState, Program
from flowengine.model import Authored
from flowengine.problems import Problem
from flowengine.states.collect import CompiledCollect
from flowengine.states.fetch import CompiledFetch
from flowengine.states.menu import CompiledMenu

SILENT = frozenset({"dice", "notify", "keys"})
FAILURE = ""  # the outcome of a subflow in which something fails that nothing there catches


class Node(NamedTuple):
    """A state under a callback. `entry` is the callback under which its flow was begun, so that a return finds its callers."""

    flow: str
    entry: str
    state: str
    context: str


class Call(NamedTuple):
    """A flow begun under a callback."""

    flow: str
    entry: str


@dataclass(slots=True)
class Flowing:
    """The walk over all nodes, nearest first, so that the first way found to a node is the shortest."""

    programs: Mapping[str, Program]
    before: dict[Node, tuple[Node | None, str]] = field(default_factory=dict)
    todo: deque[Node] = field(default_factory=deque)
    callers: dict[Call, list[Node]] = field(default_factory=dict)
    returned: dict[Call, dict[tuple[str, str], None]] = field(default_factory=dict)
    begun: set[Call] = field(default_factory=set)

    def add(self, node: Node, before: Node | None, label: str) -> None:
        if node not in self.before and node.state in self.programs[node.flow].states:
            self.before[node] = (before, label)
            self.todo.append(node)

    def walk(self) -> None:
        while self.todo:
            node = self.todo.popleft()
            state = self.programs[node.flow].states[node.state]
            if called := self.programs.get(callee(state)):
                self.call(node, called)
            elif state.kind == "return":
                self.leave(node, state.verb.outcome)  # type: ignore[attr-defined]  # the kind says that it is a return
            else:
                self.follow(node, state)
            self.fail(node, state)

    def follow(self, node: Node, state: CompiledState) -> None:
        for label, target in state.exits.items():
            self.add(node._replace(state=target.state, context=node.context if target.via == "same" else target.via), node, label)
        for key, leads in special_keys(state).items():
            for asked in (state.name,) if leads == "repeat" else self.asked_before(node) if leads == "back" else ():
                self.add(node._replace(state=asked, context="pie"), node, f"key {key}")

    def asked_before(self, node: Node) -> list[str]:
        """The questions that `back` may lead to: those from which a call comes here."""
        states = self.programs[node.flow].states
        graph = {name: [target.state for target in state.exits.values()] for name, state in states.items()}
        return [name for name, state in states.items() if state.kind in QUESTIONS and node.state in reachable(graph, [name])]

    def call(self, node: Node, called: Program) -> None:
        call = Call(called.flow, node.context)
        self.callers.setdefault(call, []).append(node)
        self.add(Node(called.flow, node.context, called.start, node.context), node, "")
        for outcome, context in self.returned.get(call, {}):
            self.come_back(node, outcome, context)

    def leave(self, node: Node, outcome: str) -> None:
        """A subflow ends here: all that began it under the same callback go on."""
        call = Call(node.flow, node.entry)
        known = self.returned.setdefault(call, {})
        if (outcome, node.context) not in known:
            known[outcome, node.context] = None
            for caller in self.callers.get(call, ()):
                self.come_back(caller, outcome, node.context)

    def come_back(self, caller: Node, outcome: str, context: str) -> None:
        state = self.programs[caller.flow].states[caller.state]
        if outcome == FAILURE:
            self.failed(caller, state, context)
        elif target := state.exits.get(f"outcome {outcome}"):
            self.add(caller._replace(state=target.state, context=context), caller, f"outcome {outcome}")

    def fail(self, node: Node, state: CompiledState) -> None:
        """Failures count where they are likely: a lookup, a question that the platform gives up, and wherever the author wrote error:."""
        if state.kind in QUESTIONS:
            self.failed(node, state, "pie")
        elif own_error(self.programs[node.flow], state) or (isinstance(state.verb, CompiledFetch) and not state.verb.fails):
            self.failed(node, state, node.context)

    def failed(self, node: Node, state: CompiledState, context: str) -> None:
        """After an event nothing is answered, so that whatever an error exit does is harmless there."""
        if context in SILENT:
            return
        if state.error:
            self.add(node._replace(state=state.error, context=context), node, "error")
        else:
            self.leave(node._replace(context=context), FAILURE)


def special_keys(state: CompiledState) -> Mapping[str, str]:
    if isinstance(state.verb, CompiledMenu):
        return state.verb.choices
    return state.verb.keys if isinstance(state.verb, CompiledCollect) else {}


def own_error(program: Program, state: CompiledState) -> bool:
    return "error" in program.document.at(state.path)


def check(programs: Mapping[str, Program], authored: Authored) -> Iterator[Problem]:
    flowing = Flowing(programs)
    for name, program in programs.items():
        begin(flowing, program, incoming=takes_calls(name, authored))
    flowing.walk()
    if authored.project.routes or len(programs) > 1:
        yield from strays(flowing)
    told = set()
    for node in flowing.before:
        state = programs[node.flow].states[node.state]
        for fault in faults(state, node.context):
            if (place := (node.flow, node.state, node.context, fault.key)) not in told:
                told.add(place)
                span = programs[node.flow].document.key_span((*state.path, fault.key))
                yield Problem(fault.code, span, f"{fault.message}: {path(flowing, node)}", fault.hint)


def strays(flowing: Flowing) -> Iterator[Problem]:
    """Returns to nobody, without an error exit: the flow was begun by a call or an event."""
    told = set()
    for node in flowing.before:
        program = flowing.programs[node.flow]
        state = program.states[node.state]
        stray = state.kind == "return" and not state.error and state.verb.outcome in program.signature.outcomes  # type: ignore[attr-defined]
        if stray and Call(node.flow, node.entry) in flowing.begun and (node.flow, node.state) not in told:
            told.add((node.flow, node.state))
            message = f"{node.state} returns, but there is no caller of this flow to return to: {path(flowing, node)}"
            hint = "end with hangup: or, after an event, with done:; or lead the route to a flow that uses this one"
            yield Problem("FE228", program.document.key_span((*state.path, "return")), message, hint)


def begin(flowing: Flowing, program: Program, *, incoming: bool) -> None:
    entries = [("ice", program.start if incoming else ""), ("ace", program.answered), ("keys", program.pressed), ("dice", program.ended)]
    for context, state in [*entries, *(("notify", state) for state in program.notified.values())]:
        if state:
            flowing.begun.add(Call(program.flow, context))
            flowing.add(Node(program.flow, context, state, context), None, "")


def takes_calls(name: str, authored: Authored) -> bool:
    """Whether an incoming call may begin in this flow: it is routed, or it is more than a subflow."""
    routes = authored.project.routes
    alone = not routes and len(authored.flows) == 1
    return alone or any(route.flow == name for route in routes) or not authored.flows[name][0].outcomes


CONTEXTS = {
    "ice": "incoming call",
    "ace": "after an answer",
    "pie": "after a key press",
    "notify": "on a notice",
    "dice": "after the end of the call",
    "keys": "on keys in a conference",
}
SHOWN = 9  # steps of a path that a person still reads


def path(flowing: Flowing, node: Node) -> str:
    """The way to a node, as `welcome (incoming call) -> main -> key 1 -> gold (after a key press)`."""
    steps: list[str] = []
    at: Node | None = node
    while at:
        before, label = flowing.before[at]
        place = at.state if before is None or before.flow == at.flow else f"{at.flow}/{at.state}"
        changed = before is None or before.context != at.context
        steps.append(f"{place} ({CONTEXTS[at.context]})" if changed else place)
        steps += [label] if label not in ("", "next") else []
        at = before
    steps.reverse()
    return " -> ".join(steps if len(steps) <= SHOWN else [*steps[:2], "…", *steps[-5:]])
