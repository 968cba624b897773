"""Which flows handle secrets: what is kept of their calls is sealed."""

from collections.abc import Mapping

from flowengine.compile.checks.graph import callees
from flowengine.compile.program import Program
from flowengine.pace import paced


def guarded(programs: Mapping[str, Program]) -> frozenset[str]:
    """The flows whose calls may hold a secret, and all that use one of them as a subflow."""
    found = {name for name, program in paced(programs.items()) if program.guarded}
    while more := {
        name
        for name, program in paced(programs.items())
        if name not in found and not found.isdisjoint(callees(program))
    }:
        found |= more
    return frozenset(found)
