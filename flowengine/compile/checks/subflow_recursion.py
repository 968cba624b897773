"""Subflows that call themselves, and subflows nested too deeply."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.program_graph import find_components, list_subflow_calls
from flowengine.compile.program import CompiledState, Program
from flowengine.cooperative import iterate_with_pauses, pause_if_due
from flowengine.limits import MAX_SUBFLOW_DEPTH
from flowengine.problems import Problem

TOO_DEEP = f"more than {MAX_SUBFLOW_DEPTH} subflows inside each other"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    calling = list_subflow_calls(programs)
    heights: dict[str, int] = {}
    for circle in find_components(
        {
            name: [state.verb.callee for state in states]
            for name, states in iterate_with_pauses(calling.items())
        }
    ):
        pause_if_due()
        members = set(circle)
        recursive = [
            (name, state)
            for name in circle
            for state in calling[name]
            if state.verb.callee in members
        ]
        yield from (
            build_recursion_problem("FE232", programs[name], state, explain_recursion(name, state))
            for name, state in recursive
        )
        height = max(
            (
                heights[state.verb.callee] + 1
                for name in circle
                for state in calling[name]
                if state.verb.callee not in members
            ),
            default=0,
        )
        heights.update(dict.fromkeys(circle, height))
        for name in circle:
            outward = [state for state in calling[name] if state.verb.callee not in members]
            deep = [state for state in outward if heights[state.verb.callee] == MAX_SUBFLOW_DEPTH]
            yield from (
                build_recursion_problem("FE233", programs[name], state, TOO_DEEP) for state in deep
            )


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
