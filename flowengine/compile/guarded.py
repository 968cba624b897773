"""Which flows handle secrets: what is kept of their calls is sealed."""

from collections.abc import Mapping

from flowengine.compile.checks.graph import callees
from flowengine.compile.program import CompiledState, Program
from flowengine.pace import paced


def guarded(programs: Mapping[str, Program]) -> frozenset[str]:
    """The flows with a secret variable or a recording by a secret key, and all that use one of them as a subflow."""
    found = {name for name, program in paced(programs.items()) if program.secret or any(map(records_by_secret, program.states.values()))}
    while more := {name for name, program in paced(programs.items()) if name not in found and not found.isdisjoint(callees(program))}:
        found |= more
    return frozenset(found)


def records_by_secret(state: CompiledState) -> bool:
    recorder = state.preamble.record if state.preamble else None
    parts = (recorder.to, recorder.credentials) if recorder else ()
    return any(name.startswith("secrets.") for part in parts if part for name in part.names)
