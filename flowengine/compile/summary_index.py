"""The summaries of the flows of a project by what is asked of them, kept up to date: what one changed
flow costs does not depend on how many others there are.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce

import msgspec

from flowengine.compile.checks.program_graph import find_components, is_cyclic
from flowengine.compile.flow_effects import UseEffects
from flowengine.compile.flow_summaries import FlowSummary, ProjectSummary, is_shared_file
from flowengine.compile.name_counts import NameCounts
from flowengine.cooperative import iterate_with_pauses
from flowengine.problems import Problem


class SummaryUpdate(msgspec.Struct, frozen=True):
    """What is new of a project that has no errors: the flows that are no more as they were, the same
    and new ones as they are now, and the problems. See `ProjectSummary` for `shared_codes`.
    """

    removed: Sequence[FlowSummary]
    added: Sequence[FlowSummary]
    shared_codes: tuple[str, ...]
    problems: tuple[Problem, ...]


class SummaryIndex:
    """The summaries of a project without errors. `flows` are by name, `files` are the files by flow,
    and `names_by_file` the flows by file. `shared_files` are the names of the files that all flows
    share. See `ProjectSummary` for the rest.
    """

    def __init__(self, summary: ProjectSummary, files: Iterable[str]) -> None:
        self.shared = summary.shared
        self.shared_codes = summary.shared_codes
        self.shared_files = tuple(name for name in files if is_shared_file(name))
        self.problems = summary.problems
        self.flows: dict[str, FlowSummary] = {}
        self.files: dict[str, str] = {}
        self.names_by_file: dict[str, str] = {}
        self.state_count = 0
        self.counts = NameCounts()
        self._users: dict[str, set[str]] = {}
        self._effects: dict[str, Counter[UseEffects]] = {}
        self._transfers: dict[str, Mapping[str, Sequence[str]]] = {}
        self._has_cycles: bool | None = None
        for flow in iterate_with_pauses(summary.flows):
            self._add(flow)

    def apply(self, update: SummaryUpdate) -> None:
        """Take over what is new."""
        if list_transfers(update.removed) != list_transfers(update.added):
            self._has_cycles = None
        for flow in update.removed:
            self._remove(flow)
        for flow in update.added:
            self._add(flow)
        self.shared_codes, self.problems = update.shared_codes, update.problems

    def has_all(self, files: Collection[str]) -> bool:
        """Whether each file is of a flow, or of all flows: a change of any other is not noticed."""
        return len(self.names_by_file) + len(self.shared_files) == len(files)

    def to_summary(self) -> ProjectSummary:
        flows = sorted(self.flows.values(), key=lambda flow: flow.file)
        return ProjectSummary(self.shared, self.shared_codes, self.problems, tuple(flows))

    def find_used(self, names: Iterable[str]) -> set[str]:
        """These flows, and all that they use."""
        return walk_links(names, lambda name: self.flows[name].linked)

    def find_linked(self, names: Iterable[str]) -> set[str]:
        """These flows, and all that are linked with them by whatever way."""
        return walk_links(
            names, lambda name: (*self.flows[name].linked, *self._users.get(name, ()))
        )

    def has_users(self, name: str) -> bool:
        """Whether another flow uses this one."""
        return bool(self._users.get(name))

    def unite_effects(
        self, callee: str, removed: Iterable[FlowSummary] = (), added: Iterable[FlowSummary] = ()
    ) -> UseEffects:
        """What all flows that use one do to it, with other flows in place of some."""
        effects = Counter(self._effects.get(callee, ()))
        effects.subtract(flow.effects[callee] for flow in removed if callee in flow.effects)
        effects.update(flow.effects[callee] for flow in added if callee in flow.effects)
        return reduce(UseEffects.unite_with, +effects, UseEffects())

    def has_cycles(self, removed: Sequence[FlowSummary], added: Sequence[FlowSummary]) -> bool:
        """Whether calls between numbers of the project may go round, with other flows in place of
        some.
        """
        if list_transfers(removed) == list_transfers(added):
            if self._has_cycles is None:
                self._has_cycles = has_cycles(self._transfers.values())
            return self._has_cycles
        names = {flow.name for flow in removed}
        others = [each for name, each in self._transfers.items() if name not in names]
        return has_cycles([*others, *(flow.transfers for flow in added)])

    def _add(self, flow: FlowSummary) -> None:
        self.flows[flow.name] = flow
        self.files[flow.name] = flow.file
        self.names_by_file[flow.file] = flow.name
        self.state_count += flow.state_count
        self.counts.add(flow)
        for other in flow.linked:
            self._users.setdefault(other, set()).add(flow.name)
        for callee, effects in flow.effects.items():
            self._effects.setdefault(callee, Counter())[effects] += 1
        if flow.transfers:
            self._transfers[flow.name] = flow.transfers

    def _remove(self, flow: FlowSummary) -> None:
        del self.flows[flow.name], self.files[flow.name], self.names_by_file[flow.file]
        self.state_count -= flow.state_count
        self.counts.add(flow, -1)
        for other in flow.linked:
            self._users[other].discard(flow.name)
        for callee, effects in flow.effects.items():
            self._effects[callee] -= Counter((effects,))
        self._transfers.pop(flow.name, None)


def walk_links(names: Iterable[str], list_links: Callable[[str], Iterable[str]]) -> set[str]:
    """These flows, and all that links lead to from them."""
    found, waiting = set[str](), list(names)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += list_links(name)
    return found


def list_transfers(flows: Iterable[FlowSummary]) -> list[tuple[str, Mapping[str, Sequence[str]]]]:
    return sorted((flow.name, flow.transfers) for flow in flows if flow.transfers)


def has_cycles(transfers: Iterable[Mapping[str, Sequence[str]]]) -> bool:
    """Whether calls between numbers of the project may go round."""
    hops = {number: to for each in transfers for number, to in each.items()}
    graph: dict[str, Sequence[str]] = {number: () for to in hops.values() for number in to}
    graph |= hops
    return any(is_cyclic(component, graph) for component in find_components(graph))
