"""Subflows that call themselves, and subflows nested too deeply."""

from collections.abc import Iterator, Mapping, Sequence

from flowengine.compile.checks.program_graph import (
    find_components,
    list_subflow_calls,
    split_by_links,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.cooperative import iterate_with_pauses, pause_if_due
from flowengine.limits import MAX_SUBFLOW_DEPTH
from flowengine.problems import Problem

SubflowCall = tuple[str, CompiledState]  # the flow, and the state in it that uses another flow
TOO_DEEP = f"more than {MAX_SUBFLOW_DEPTH} subflows inside each other"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    linked, _ = split_by_links(programs)
    calling = list_subflow_calls(linked)
    callees = {
        name: [state.verb.callee for state in states]
        for name, states in iterate_with_pauses(calling.items())
    }
    heights: dict[str, int] = {}  # of the subflows inside each other, from the innermost out
    for cycle in find_components(callees):  # callees come before the flows that use them
        pause_if_due()
        inside, outside = split_calls(calling, cycle)
        yield from (
            build_recursion_problem("FE232", programs[name], state, explain_recursion(name, state))
            for name, state in inside
        )
        deep = [
            (name, state)
            for name, state in outside
            if heights[state.verb.callee] == MAX_SUBFLOW_DEPTH
        ]
        yield from (
            build_recursion_problem("FE233", programs[name], state, TOO_DEEP)
            for name, state in deep
        )
        height = max((heights[state.verb.callee] + 1 for _, state in outside), default=0)
        heights.update(dict.fromkeys(cycle, height))


def split_calls(
    calling: Mapping[str, Sequence[CompiledState]], cycle: Sequence[str]
) -> tuple[list[SubflowCall], list[SubflowCall]]:
    """The states of these flows that use a flow of the cycle, and those that use another."""
    members = set(cycle)
    calls = [(name, state) for name in cycle for state in calling[name]]
    inside = [call for call in calls if call[1].verb.callee in members]
    outside = [call for call in calls if call[1].verb.callee not in members]
    return inside, outside


def explain_recursion(name: str, state: CompiledState) -> str:
    return (
        f"{name} calls itself"
        if state.verb.callee == name
        else f"{state.verb.callee} leads back into {name}, so that neither ever ends"
    )


RECURSION_HINTS = {
    "FE232": "go back by return: and let the caller of the flow decide what to do again",
    "FE233": "end one subflow by return: before the next one begins",
}


def build_recursion_problem(
    code: str, program: Program, state: CompiledState, message: str
) -> Problem:
    return Problem(
        code,
        program.document.find_span((*state.path, state.kind, "flow")),
        message,
        RECURSION_HINTS[code],
    )
