"""What flows look up by name, and the notes that tell later whether it is unchanged."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from flowengine.states import FlowSignature
from flowengine.states.flow_context import CompiledService, RingGroup, UnreadNames
from flowengine.states.prompt import LocalisedText

V = TypeVar("V")
Fingerprints = Mapping[str, object]
# what to work with where a name is that of a definition with a mistake; None for all others
StandIn = Callable[[str], V | None]
UNREAD_SERVICE = CompiledService("", "https://service.invalid", {}, 1.0, 0)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What flows look up by name, the fingerprints that tell whether it is unchanged, and the names
    of what could not be read.
    """

    messages: Mapping[str, LocalisedText]
    services: Mapping[str, CompiledService]
    groups: Mapping[str, RingGroup]
    subflows: Mapping[str, FlowSignature]
    fingerprints: Mapping[str, Fingerprints]
    unread: UnreadNames


@dataclass(frozen=True, slots=True)
class UsedFingerprints:
    """The fingerprints of what a flow looked up, None where there was nothing; and all names, where
    it looked at them all.
    """

    fingerprints: Fingerprints
    all_names: tuple[str, ...] | None

    def is_unchanged(self, marks: Fingerprints) -> bool:
        """Whether every lookup would have the same result."""
        listed = self.all_names is None or self.all_names == tuple(marks)
        return listed and all(marks.get(name) == mark for name, mark in self.fingerprints.items())


class DependencyTracker(Mapping[str, V]):
    """Dependencies that record what a flow looks up."""

    def __init__(
        self, offered: Mapping[str, V], marks: Fingerprints, stand_in: StandIn[V] | None = None
    ) -> None:
        self._values = offered
        self._fingerprints = marks
        self._stand_in = stand_in
        self._used: dict[str, object] = {}
        self._all_names: tuple[str, ...] | None = None

    def __getitem__(self, name: str) -> V:
        # noted before the lookup: that a name is missing is a dependency, too, as it may be added
        self._used[name] = self._fingerprints.get(name)
        if name not in self._values and self._stand_in and (found := self._stand_in(name)):
            return found
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._all_names = tuple(self._values)
        return iter(self._all_names)

    def __len__(self) -> int:
        return len(list(self))

    def branch(self) -> "DependencyTracker[V]":
        """A tracker of the same dependencies that has recorded nothing yet."""
        return DependencyTracker(self._values, self._fingerprints, self._stand_in)

    def add_used(self, used: UsedFingerprints) -> None:
        """Record what was looked up in a tracker of the same dependencies."""
        self._used.update(used.fingerprints)
        self._all_names = used.all_names if self._all_names is None else self._all_names

    def get_used_fingerprints(self) -> UsedFingerprints:
        return UsedFingerprints(self._used, self._all_names)


def track_dependencies(offers: Dependencies) -> dict[str, Any]:
    """The dependencies of one flow, by their names in its context."""
    marks = offers.fingerprints
    stand_in = partial(get_stand_in_service, offers.unread)
    return {
        "messages": DependencyTracker(offers.messages, marks["messages"]),
        "services": DependencyTracker(offers.services, marks["services"], stand_in),
        "groups": DependencyTracker(offers.groups, marks["groups"]),
        "subflows": DependencyTracker(offers.subflows, marks["subflows"]),
    }


def get_stand_in_service(unread: UnreadNames, name: str) -> CompiledService | None:
    return UNREAD_SERVICE if unread.has_name("services", name) else None
