"""What was worked out last time, for the parts of a project that are the same this time."""

from collections.abc import Callable, Collection, Hashable
from typing import Any, TypeVar

from flowengine.cooperative import pause_if_due

T = TypeVar("T")
CacheEntries = dict[Hashable, tuple[Any, Any]]
_EVICTION_BATCH = 50  # values, which is a matter of microseconds
# what is worked out from the files that all flows share, and from single files
SHARED_PARTS = frozenset(
    {"common", "file", "locales", "number plan", "project", "routes", "secrets of", "shared"}
)


class CompileCache:
    """Values by place, each with the key that it was worked out from: all that it depends on.

    Kept are those of the last time and of the last time that all was well, so that a file broken in
    between costs nothing. Whatever was not asked for then is forgotten.
    """

    def __init__(self) -> None:
        self._previous: CacheEntries = {}
        self._last_valid: CacheEntries = {}
        self._current: CacheEntries = {}

    def get_or_compute(
        self,
        place: Hashable,
        key: object,
        make: Callable[[], T],
        still: Callable[[T], bool] | None = None,
    ) -> T:
        """The value at a place, made anew unless it is known for this key. `still` looks at what no
        key can say beforehand.
        """
        pause_if_due()
        # written out twice: an incremental compilation of thousands of flows comes by here for each
        known = self._previous.get(place)
        if known is None or known[0] != key or (still is not None and not still(known[1])):
            known = self._last_valid.get(place)
            if known is None or known[0] != key or (still is not None and not still(known[1])):
                known = (key, make())
        self._current[place] = known
        value: T = known[1]
        return value

    def find(self, place: Hashable, key: object) -> tuple[Any, Any] | None:
        """The key and the value at a place, where it is known for this key."""
        for entries in (self._previous, self._last_valid):
            known = entries.get(place)
            if known is not None and known[0] == key:
                return known
        return None

    def group_found(self, parts: Collection[str]) -> dict[str, dict[Any, Any]]:
        """The values of the last time whose places begin with one of `parts`: by part, and by what
        comes after it.
        """
        found: dict[str, dict[Any, Any]] = {part: {} for part in parts}
        for place, (_, value) in self._previous.items():
            if isinstance(place, tuple) and place[0] in found and len(place) > 1:
                found[place[0]][place[1]] = value
        return found

    def rotate_generations(self, *, sound: bool) -> None:
        """Keep what was asked for since the last turn, and forget the rest: that of a thousand
        flows a little at a time.
        """
        before, self._previous, self._current = (
            (self._previous, self._last_valid),
            self._current,
            {},
        )
        if sound:
            self._last_valid = self._previous
        for old in before:
            while old and old is not self._last_valid:
                pause_if_due()
                for _ in range(min(len(old), _EVICTION_BATCH)):
                    old.popitem()


class NoCompileCache(CompileCache):
    """For a project that is compiled once: what only another compilation would ask for is not
    kept. What another cache knows of the files that all flows share is taken from there.
    """

    def __init__(self, known: CompileCache | None = None) -> None:
        super().__init__()
        self._known = known

    def get_or_compute(
        self,
        place: Hashable,
        key: object,
        make: Callable[[], T],
        _still: Callable[[T], bool] | None = None,
    ) -> T:
        """The value, made anew unless it is of all flows and known."""
        pause_if_due()
        if self._known and isinstance(place, tuple) and place[0] in SHARED_PARTS:
            known = self._known.find(place, key)
            if known:
                value: T = known[1]
                return value
        return make()


class ResultRecorder(NoCompileCache):
    """For a project that is compiled once, and described afterwards: it keeps what has a place that
    begins with one of `parts`.
    """

    def __init__(self, parts: Collection[str], known: CompileCache | None = None) -> None:
        super().__init__(known)
        self._parts = parts

    def get_or_compute(
        self,
        place: Hashable,
        key: object,
        make: Callable[[], T],
        still: Callable[[T], bool] | None = None,
    ) -> T:
        """The value, made anew."""
        made = super().get_or_compute(place, key, make, still)
        if isinstance(place, tuple) and place[0] in self._parts:
            self._previous[place] = (None, made)
        return made

    def rotate_generations(self, *, sound: bool) -> None:
        """Forget nothing."""
