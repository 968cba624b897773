"""The flows that handle secrets: the stored state of their calls is encrypted."""

from collections.abc import Mapping

from flowengine.compile.checks.program_graph import list_callees
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses


def find_secret_flows(programs: Mapping[str, Program]) -> frozenset[str]:
    """The flows whose calls may hold a secret, and all that use one of them as a subflow."""
    found = {
        name for name, program in iterate_with_pauses(programs.items()) if program.handles_secrets
    }
    # callers, too: the values of a subflow stand in the same stored state
    while more := {
        name
        for name, program in iterate_with_pauses(programs.items())
        if name not in found and not found.isdisjoint(list_callees(program))
    }:
        found |= more
    return frozenset(found)
