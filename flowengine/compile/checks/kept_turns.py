"""Calls that are placed when their turn comes in a queue: there must be a turn, and the flow must lead
back to the queue.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from flowengine.compile.checks.placed_flows import list_placing_states
from flowengine.compile.checks.program_graph import find_reachable, list_entered_flows
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem, Span
from flowengine.problems.message_format import join_with_or

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
        name: [flow for flow in list_entered_flows(program) if flow in programs]
        for name, program in programs.items()
    }
    for program, state in keeping:
        groups_before = find_groups_before(programs, callees, program, state)
        if not groups_before:
            span = program.document.find_span((*state.path, state.kind, "when"))
            yield Problem("FE454", span, NO_TURN, NO_TURN_HINT)
        flow = state.verb.placed_flow
        if flow in programs:
            groups_after = find_groups(programs, find_reachable(callees, [flow]))
            if not groups_after or (groups_before and groups_before.isdisjoint(groups_after)):
                span = program.document.find_span((*state.path, state.kind, "flow"))
                yield build_lost_turn_problem(span, flow, groups_before, groups_after)


def build_lost_turn_problem(
    span: Span, flow: str, before: Collection[str], after: Collection[str]
) -> Problem:
    where = f"no queue of {join_with_or(sorted(before))}" if after else "no queue"
    message = f"{flow} leads to {where}, so the turn of the caller is lost"
    hint = f"write a `queue` of the same group in {flow}, or remove `when:`"
    return Problem("FE455", span, message, hint)


def find_groups_before(
    programs: Mapping[str, Program],
    callees: Mapping[str, list[str]],
    program: Program,
    state: CompiledState,
) -> set[str]:
    """The groups of the queues that a call may have been in before: in this flow on a way to the
    state, in a flow that uses this one, or in a subflow.
    """
    targets = {
        name: [target.state for target in one.exits.values()] + ([one.error] if one.error else [])
        for name, one in program.states.items()
    }
    found = {
        one.verb.group_name
        for name, one in program.states.items()
        if one.verb.waits_in_queue and state.name in find_reachable(targets, [name])
    }
    users = {name for name in programs if program.flow in find_reachable(callees, [name])}
    others = (users | find_reachable(callees, [program.flow])) - {program.flow}
    return found | find_groups(programs, others)


def find_groups(programs: Mapping[str, Program], names: Iterable[str]) -> set[str]:
    """The groups of all queues of these flows."""
    return {
        state.verb.group_name
        for name in names
        for state in programs[name].states.values()
        if state.verb.waits_in_queue
    }
