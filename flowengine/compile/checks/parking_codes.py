"""Codes by which calls are picked up, and under which no flow parks any."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template
from flowengine.problems import Problem, suggest_name

HINT = "park calls under it: park: {code: …}"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    states = [
        (program, state)
        for program in programs.values()
        for state in program.compute_once(list_coded_states)
    ]
    parked = [
        code for _, state in states if state.verb.is_brought_back and (code := get_code(state))
    ]
    known = {code.constant for code in parked}
    for program, state in states:
        code = get_code(state)
        if (
            state.verb.is_brought_back
            or code is None
            or None in known
            or (parked and not code.constant)
        ):
            continue
        if code.constant not in known:
            span = program.document.find_span((*state.path, state.kind, "code"))
            hint = suggest_name(code.constant or "", sorted(filter(None, known))) or HINT
            yield Problem("FE947", span, "no flow parks a call under this code", hint)


def get_code(state: CompiledState) -> Template | None:
    return state.verb.parking_code


def list_coded_states(program: Program) -> tuple[CompiledState, ...]:
    """The states that park calls under a code, or pick them up."""
    return tuple(state for state in program.states.values() if state.verb.parking_code)
