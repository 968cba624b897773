"""Codes by which calls are picked up, and under which no flow parks any."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem, suggest_name

NOBODY_PARKED_HINT = "park calls under it: park: {code: …}"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    states = [
        (program, state, state.verb.parking_code)
        for program in programs.values()
        for state in program.compute_once(list_coded_states)
    ]
    parked = [code for _, state, code in states if state.verb.is_brought_back and code]
    known = {code.constant for code in parked}
    for program, state, code in states:
        wanted = code.constant if code else None
        if state.verb.is_brought_back or wanted is None or not known.isdisjoint({None, wanted}):
            continue
        span = program.document.find_span((*state.path, state.kind, "code"))
        hint = suggest_name(wanted, sorted(filter(None, known))) or NOBODY_PARKED_HINT
        yield Problem("FE947", span, "no flow parks a call under this code", hint)


def list_coded_states(program: Program) -> tuple[CompiledState, ...]:
    """The states that park calls under a code, or pick them up."""
    return tuple(state for state in program.states.values() if state.verb.parking_code)
