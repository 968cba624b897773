"""What flows look up by name, and the notes that tell later whether it is unchanged."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from flowengine.states import FlowSignature
from flowengine.states.flow_context import CompiledService, RingGroup, UnreadNames
from flowengine.states.prompt import LocalisedText

V = TypeVar("V")
Fingerprints = Mapping[str, object]
# what to work with where a name is that of a definition with a mistake; None for all others
StandIn = Callable[[str], V | None]
UNREAD_SERVICE = CompiledService("", "https://service.invalid", {}, 1.0, 0)


class Dependencies(msgspec.Struct, frozen=True):
    """What flows look up by name, the fingerprints that tell whether it is unchanged, and the names
    of what could not be read.
    """

    messages: Mapping[str, LocalisedText]
    services: Mapping[str, CompiledService]
    groups: Mapping[str, RingGroup]
    subflows: Mapping[str, FlowSignature]
    fingerprints: Mapping[str, Fingerprints]
    unread: UnreadNames


class UsedFingerprints(msgspec.Struct, frozen=True):
    """The fingerprints of what a flow looked up, None where there was nothing; and all names, where
    it looked at them all.
    """

    fingerprints: Fingerprints
    all_names: tuple[str, ...] | None

    def is_unchanged(self, marks: Fingerprints) -> bool:
        """Whether every lookup would have the same result."""
        listed = self.all_names is None or self.all_names == tuple(marks)
        return listed and all(marks.get(name) == mark for name, mark in self.fingerprints.items())


NOTHING_USED: Final = UsedFingerprints({}, None)  # by most flows, in memory once


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
        self._recent: dict[str, object] = {}
        self._listed: tuple[str, ...] | None = None

    def __getitem__(self, name: str) -> V:
        # noted before the lookup: that a name is missing is a dependency, too, as it may be added
        self._recent[name] = self._fingerprints.get(name)
        if name not in self._values and self._stand_in and (found := self._stand_in(name)):
            return found
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._listed = tuple(self._values)
        return iter(self._listed)

    def __len__(self) -> int:
        # a list would ask for its length first
        return sum(1 for _ in self)

    def take_recent(self) -> UsedFingerprints | None:
        """What was looked up since the last time; None for nothing."""
        if not self._recent and self._listed is None:
            return None
        used = UsedFingerprints(self._recent, self._listed)
        self.add_used(used)
        self._recent, self._listed = {}, None
        return used

    def add_used(self, used: UsedFingerprints) -> None:
        """Record what was looked up in a tracker of the same dependencies."""
        self._used.update(used.fingerprints)
        if used.all_names is not None:
            self._all_names = used.all_names

    def get_used_fingerprints(self) -> UsedFingerprints:
        """All that was looked up."""
        self.take_recent()
        if not self._used and self._all_names is None:
            return NOTHING_USED
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
