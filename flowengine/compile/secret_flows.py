"""The flows that handle secrets: the stored state of their calls is encrypted."""

from collections import defaultdict
from collections.abc import Mapping

from flowengine.compile.checks.program_graph import find_reachable, list_entered_flows
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses


class SecretFlows:
    """The flows of a project that handle secrets, kept up to date while flows change."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._handling: set[str] = set()
        self._callers: dict[str, set[str]] = defaultdict(set)
        for program in iterate_with_pauses(programs.values()):
            self.add(program)

    def add(self, program: Program) -> None:
        if program.handles_secrets:
            self._handling.add(program.flow)
        if program.linking_states:
            for callee in list_entered_flows(program):
                self._callers[callee].add(program.flow)

    def remove(self, program: Program) -> None:
        self._handling.discard(program.flow)
        for callee in list_entered_flows(program):
            self._callers[callee].discard(program.flow)

    def find_all(self) -> frozenset[str]:
        """The flows whose calls may hold a secret, and all that use one of them, or go over to one."""
        # callers, too: the values of a subflow stand in the same stored state
        return frozenset(find_reachable(self._callers, self._handling))


def find_secret_flows(programs: Mapping[str, Program]) -> frozenset[str]:
    """See `SecretFlows.find_all`."""
    return SecretFlows(programs).find_all()
