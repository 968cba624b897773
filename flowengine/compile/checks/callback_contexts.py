"""Which callback a state may have to answer, and whether what it does is possible there."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.call_paths import CallPaths, FlowPaths, FlowUse, StateUnderCallback
from flowengine.compile.checks.legality import find_illegal_places
from flowengine.compile.program import CompiledState, Program
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem

CONTEXT_NAMES = {
    "ice": "incoming call",
    "ace": "after an answer",
    "pie": "after a key press",
    "notify": "on a notice",
    "dice": "after the end of the call",
    "keys": "on keys in a conference",
}
MAX_SHOWN_STEPS = 9  # steps of a path that a person still reads


class PathStep(NamedTuple):
    """A state on the way of a call, by the walk that came to it."""

    entry: FlowUse
    node: StateUnderCallback


def check(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    ways = CallPaths(programs, find_incoming_flows(authored), memory)
    if authored.project.routes or len(programs) + len(authored.outside.files) > 1:
        yield from find_stray_returns(ways)
    told = set()
    wrong = {
        entry: known
        for entry, walk in ways.flow_paths.items()
        if (
            known := memory.get_or_compute(
                ("faults", entry), walk, partial(find_illegal_nodes, walk)
            )
        )
    }
    for entry in ways.sort_by_distance(wrong):
        program = ways.flow_paths[entry].program
        for node in wrong[entry]:
            state = program.states[node.state]
            for fault in find_illegal_places(state, node.context):
                # a state is reported once for each callback, by the shortest way to it
                if (place := (program.flow, *node, fault.key)) not in told:
                    told.add(place)
                    span = program.document.find_key_span((*state.path, fault.key))
                    yield Problem(
                        fault.code,
                        span,
                        f"{fault.message}: {format_call_path(ways, PathStep(entry, node))}",
                        fault.hint,
                    )


def find_illegal_nodes(walk: FlowPaths) -> list[StateUnderCallback]:
    """The nodes at which the platform would refuse what the state sends."""
    return [
        node
        for node in walk.predecessors
        if any(find_illegal_places(walk.program.states[node.state], node.context))
    ]


def find_contexts(
    programs: Mapping[str, Program], authored: AuthoredProject
) -> dict[tuple[str, str], tuple[str, ...]]:
    """By flow and state: the callbacks under which a call may come to it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for entry, walk in CallPaths(
        programs, find_incoming_flows(authored), CompileCache()
    ).flow_paths.items():
        for node in walk.predecessors:
            found.setdefault((entry.flow, node.state), {})[node.context] = None
    return {
        place: tuple(context for context in CONTEXT_NAMES if context in known)
        for place, known in found.items()
    }


def find_stray_returns(paths: CallPaths) -> Iterator[Problem]:
    """Returns that have no caller and no error exit: the flow was begun by a call or an event."""
    told = set()
    for name, program in paths.programs.items():
        entry = FlowUse(name, "")
        for node in paths.flow_paths[entry].predecessors if program.signature.outcomes else ():
            state = program.states[node.state]
            if is_stray_return(state, program) and (name, node.state) not in told:
                told.add((name, node.state))
                path = format_call_path(paths, PathStep(entry, node))
                message = f"{node.state} returns, but there is no caller of this flow to return to: {path}"
                hint = "end with hangup: or, after an event, with done:; or lead the route to a flow that uses this one"
                yield Problem(
                    "FE228",
                    program.document.find_key_span((*state.path, state.kind)),
                    message,
                    hint,
                )


def is_stray_return(state: CompiledState, program: Program) -> bool:
    return not state.error and state.verb.returned_outcome in program.signature.outcomes


def find_incoming_flows(authored: AuthoredProject) -> set[str]:
    """The flows in which an incoming call may begin: those that are routed, or more than a subflow."""
    if not authored.project.routes and len(authored.flows) == 1:
        return set(authored.flows)
    return {route.flow for route in authored.project.routes} | {
        name for name, (flow, _) in authored.flows.items() if not flow.outcomes
    }


def format_call_path(paths: CallPaths, end: PathStep) -> str:
    """The way to a node, as `welcome (incoming call) -> main -> key 1 -> gold (after a key press)`."""
    steps: list[str] = []
    at: PathStep | None = end
    while at:
        before, label = find_previous_step(paths, at)
        place = (
            at.node.state
            if before is None or before.entry.flow == at.entry.flow
            else f"{at.entry.flow}/{at.node.state}"
        )
        changed = before is None or before.node.context != at.node.context
        steps.append(f"{place} ({CONTEXT_NAMES[at.node.context]})" if changed else place)
        steps += [label] if label not in ("", "next") else []
        at = before
    steps.reverse()
    return " -> ".join(steps if len(steps) <= MAX_SHOWN_STEPS else [*steps[:2], "…", *steps[-5:]])


def find_previous_step(paths: CallPaths, step: PathStep) -> tuple[PathStep | None, str]:
    """The previous step and its exit: in the same flow, or in the one that uses it."""
    before, label = paths.flow_paths[step.entry].predecessors[step.node]
    if before:
        return PathStep(step.entry, before), label
    caller = paths.callers.get(step.entry)
    return (PathStep(*caller) if caller else None), ""
