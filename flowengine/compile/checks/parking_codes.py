"""Codes by which calls are picked up, and under which no flow parks any."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.model import AuthoredProject
from flowengine.problems import Problem, suggest_name

NOBODY_PARKED_HINT = "park calls under it: park: {code: …}"


def check(programs: Mapping[str, Program], authored: AuthoredProject) -> Iterator[Problem]:
    """`programs` are all those of the project: one that is missing might park calls."""
    parked = authored.outside.parked.union(
        *(program.compute_once(find_parked_codes) for program in programs.values())
    )
    if None in parked:
        return
    for program in programs.values():
        for state in program.compute_once(list_coded_states):
            wanted = get_constant_code(state)
            if state.verb.is_brought_back or wanted is None or wanted in parked:
                continue
            span = program.document.find_span((*state.path, state.kind, "code"))
            hint = suggest_name(wanted, sorted(filter(None, parked))) or NOBODY_PARKED_HINT
            yield Problem("FE947", span, "no flow parks a call under this code", hint)


def list_coded_states(program: Program) -> tuple[CompiledState, ...]:
    """The states that park calls under a code, or pick them up."""
    return tuple(state for state in program.states.values() if state.verb.parking_code)


def find_parked_codes(program: Program) -> frozenset[str | None]:
    """The codes under which a flow parks calls; None is one that a call tells."""
    return frozenset(
        get_constant_code(state)
        for state in program.compute_once(list_coded_states)
        if state.verb.is_brought_back
    )


def get_constant_code(state: CompiledState) -> str | None:
    """The code as calls have it, or None where a call tells."""
    code = state.verb.parking_code
    return None if code is None or code.constant is None else code.constant.strip()
