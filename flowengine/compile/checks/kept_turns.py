"""Calls that are placed when their turn comes in a queue: there must be a turn, and the flow must lead
back to the queue.
"""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.placed_flows import list_placing_states
from flowengine.compile.checks.program_graph import find_reachable, list_callees
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

NO_TURN = "no queue comes before, so there is no turn to wait for"
NO_TURN_HINT = "lead an exit of a `queue` here, or remove `when:`"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    keeping = [
        (program, state)
        for program in programs.values()
        for state in program.compute_once(list_placing_states)
        if state.verb.keeps_turn
    ]
    if not keeping:
        return
    callees = {
        name: [flow for flow in list_callees(program) if flow in programs]
        for name, program in programs.items()
    }
    for program, state in keeping:
        if not comes_from_queue(programs, callees, program, state):
            span = program.document.find_span((*state.path, state.kind, "when"))
            yield Problem("FE454", span, NO_TURN, NO_TURN_HINT)
        flow = state.verb.placed_flow
        if flow in programs and not has_queue(programs, find_reachable(callees, [flow])):
            span = program.document.find_span((*state.path, state.kind, "flow"))
            message = f"{flow} leads to no queue, so the turn of the caller is lost"
            hint = f"write a `queue` of the same group in {flow}, or remove `when:`"
            yield Problem("FE455", span, message, hint)


def comes_from_queue(
    programs: Mapping[str, Program],
    callees: Mapping[str, list[str]],
    program: Program,
    state: CompiledState,
) -> bool:
    """Whether a call may have been in a queue before: in this flow on a way to the state, in a flow
    that uses this one, or in a subflow.
    """
    targets = {
        name: [target.state for target in one.exits.values()] + ([one.error] if one.error else [])
        for name, one in program.states.items()
    }
    queues = [name for name, one in program.states.items() if one.verb.waits_in_queue]
    if state.name in find_reachable(targets, queues):
        return True
    users = {name for name in programs if program.flow in find_reachable(callees, [name])}
    return has_queue(programs, (users | find_reachable(callees, [program.flow])) - {program.flow})


def has_queue(programs: Mapping[str, Program], names: set[str]) -> bool:
    return any(
        state.verb.waits_in_queue for name in names for state in programs[name].states.values()
    )
