"""Subflows that call themselves, and subflows nested too deeply."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.graph import callee, calls, components
from flowengine.compile.program import CompiledState, Program
from flowengine.limits import MAX_SUBFLOW_DEPTH
from flowengine.pace import paced, pause
from flowengine.problems import Problem

TOO_DEEP = f"more than {MAX_SUBFLOW_DEPTH} subflows inside each other"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    calling = calls(programs)
    heights: dict[str, int] = {}
    for circle in components(
        {name: [callee(state) for state in states] for name, states in paced(calling.items())}
    ):
        pause()
        members = set(circle)
        recursive = [
            (name, state) for name in circle for state in calling[name] if callee(state) in members
        ]
        yield from (
            problem("FE232", programs[name], state, again(name, state)) for name, state in recursive
        )
        height = max(
            (
                heights[callee(state)] + 1
                for name in circle
                for state in calling[name]
                if callee(state) not in members
            ),
            default=0,
        )
        heights.update(dict.fromkeys(circle, height))
        for name in circle:
            outward = [state for state in calling[name] if callee(state) not in members]
            deep = [state for state in outward if heights[callee(state)] == MAX_SUBFLOW_DEPTH]
            yield from (problem("FE233", programs[name], state, TOO_DEEP) for state in deep)


def again(name: str, state: CompiledState) -> str:
    return (
        f"{name} calls itself"
        if callee(state) == name
        else f"{callee(state)} leads back into {name}, so that neither ever ends"
    )


HINTS = {
    "FE232": "go back by return: and let the caller of the flow decide what to do again",
    "FE233": "end one subflow by return: before the next one begins",
}


def problem(code: str, program: Program, state: CompiledState, message: str) -> Problem:
    return Problem(
        code, program.document.span((*state.path, "subflow", "flow")), message, HINTS[code]
    )
