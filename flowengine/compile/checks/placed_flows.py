"""Flows that somebody is to be called into and that no answer begins, and calls that are right for
some days alone.
"""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.problems import Problem

FIXED_TIME = (
    "callers who come more than a week before take the error exit, and those who come after are "
    "called at once"
)
FIXED_TIME_HINT = "write values: ${vars.day} ${vars.hour}, or `in:` or `within:`"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    for _, program in iterate_with_pauses(programs.items()):
        for state in program.compute_once(list_placing_states):
            flow = state.verb.placed_flow
            if flow in programs and not programs[flow].answered:
                span = program.document.find_span((*state.path, state.kind, "flow"))
                yield Problem(
                    "FE428",
                    span,
                    f"nothing begins {flow} when somebody answers",
                    f"add `on: {{answered: <state>}}` to {flow}",
                )

            if state.verb.is_at_fixed_time:
                span = program.document.find_span((*state.path, state.kind, "at"))
                yield Problem("FE946", span, FIXED_TIME, FIXED_TIME_HINT)


def list_placing_states(program: Program) -> tuple[CompiledState, ...]:
    """The states that have somebody called."""
    return tuple(state for state in program.states.values() if state.verb.placed_flow)
