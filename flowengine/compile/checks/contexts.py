"""Which callback a state may have to answer, and whether what it does is possible there."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.legality import faults
from flowengine.compile.checks.ways import Entry, Node, Walk, Ways
from flowengine.compile.program import CompiledState, Program
from flowengine.model import Authored, Memory
from flowengine.problems import Problem

CONTEXTS = {
    "ice": "incoming call",
    "ace": "after an answer",
    "pie": "after a key press",
    "notify": "on a notice",
    "dice": "after the end of the call",
    "keys": "on keys in a conference",
}
SHOWN = 9  # steps of a path that a person still reads


class Step(NamedTuple):
    """A state on the way of a call, by the walk that came to it."""

    entry: Entry
    node: Node


def check(programs: Mapping[str, Program], authored: Authored, memory: Memory) -> Iterator[Problem]:
    ways = Ways(programs, taking_calls(authored), memory)
    if authored.project.routes or len(programs) > 1:
        yield from strays(ways)
    told = set()
    wrong = {
        entry: known
        for entry, walk in ways.walks.items()
        if (known := memory.recall(("faults", entry), walk, partial(places, walk)))
    }
    for entry in ways.nearest(wrong):
        program = ways.walks[entry].program
        for node in wrong[entry]:
            state = program.states[node.state]
            for fault in faults(state, node.context):
                if (place := (program.flow, *node, fault.key)) not in told:
                    told.add(place)
                    span = program.document.key_span((*state.path, fault.key))
                    yield Problem(
                        fault.code,
                        span,
                        f"{fault.message}: {path(ways, Step(entry, node))}",
                        fault.hint,
                    )


def places(walk: Walk) -> list[Node]:
    """Where something is not possible."""
    return [
        node for node in walk.before if any(faults(walk.program.states[node.state], node.context))
    ]


def entered(
    programs: Mapping[str, Program], authored: Authored
) -> dict[tuple[str, str], tuple[str, ...]]:
    """By flow and state: the callbacks under which a call may come to it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for entry, walk in Ways(programs, taking_calls(authored), Memory()).walks.items():
        for node in walk.before:
            found.setdefault((entry.flow, node.state), {})[node.context] = None
    return {
        place: tuple(context for context in CONTEXTS if context in known)
        for place, known in found.items()
    }


def strays(ways: Ways) -> Iterator[Problem]:
    """Returns to nobody, without an error exit: the flow was begun by a call or an event."""
    told = set()
    for name, program in ways.programs.items():
        entry = Entry(name, "")
        for node in ways.walks[entry].before if program.signature.outcomes else ():
            state = program.states[node.state]
            if stray(state, program) and (name, node.state) not in told:
                told.add((name, node.state))
                message = f"{node.state} returns, but there is no caller of this flow to return to: {path(ways, Step(entry, node))}"
                hint = "end with hangup: or, after an event, with done:; or lead the route to a flow that uses this one"
                yield Problem(
                    "FE228", program.document.key_span((*state.path, "return")), message, hint
                )


def stray(state: CompiledState, program: Program) -> bool:
    return (
        state.kind == "return"
        and not state.error
        and state.verb.outcome in program.signature.outcomes  # type: ignore[attr-defined]
    )


def taking_calls(authored: Authored) -> set[str]:
    """The flows in which an incoming call may begin: those that are routed, or more than a subflow."""
    if not authored.project.routes and len(authored.flows) == 1:
        return set(authored.flows)
    return {route.flow for route in authored.project.routes} | {
        name for name, (flow, _) in authored.flows.items() if not flow.outcomes
    }


def path(ways: Ways, end: Step) -> str:
    """The way to a node, as `welcome (incoming call) -> main -> key 1 -> gold (after a key press)`."""
    steps: list[str] = []
    at: Step | None = end
    while at:
        before, label = back(ways, at)
        place = (
            at.node.state
            if before is None or before.entry.flow == at.entry.flow
            else f"{at.entry.flow}/{at.node.state}"
        )
        changed = before is None or before.node.context != at.node.context
        steps.append(f"{place} ({CONTEXTS[at.node.context]})" if changed else place)
        steps += [label] if label not in ("", "next") else []
        at = before
    steps.reverse()
    return " -> ".join(steps if len(steps) <= SHOWN else [*steps[:2], "…", *steps[-5:]])


def back(ways: Ways, step: Step) -> tuple[Step | None, str]:
    """The step before, by which exit: in the same flow, or in the one that calls it."""
    before, label = ways.walks[step.entry].before[step.node]
    if before:
        return Step(step.entry, before), label
    caller = ways.callers.get(step.entry)
    return (Step(*caller) if caller else None), ""
