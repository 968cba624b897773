"""What was worked out last time, for the parts of a project that are the same this time."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from flowengine.pace import pause

T = TypeVar("T")
Kept = dict[Hashable, tuple[Any, Any]]
_FORGOTTEN_AT_ONCE = 50  # values, which is a matter of microseconds


class Memory:
    """Values by place, each with the key that it was worked out from: all that it depends on.

    Kept are those of the last time and of the last time that all was well, so that a file broken in
    between costs nothing. Whatever was not asked for then is forgotten.
    """

    def __init__(self) -> None:
        self._last: Kept = {}
        self._sound: Kept = {}
        self._now: Kept = {}

    def recall(
        self,
        place: Hashable,
        key: object,
        make: Callable[[], T],
        still: Callable[[T], bool] | None = None,
    ) -> T:
        """The value at a place, made anew unless it is known for this key. `still` looks at what no
        key can say beforehand.
        """
        pause()
        for kept in (self._last, self._sound):
            known = kept.get(place)
            if known is not None and known[0] == key and (still is None or still(known[1])):
                break
        else:
            known = (key, make())
        self._now[place] = known
        value: T = known[1]
        return value

    def turn(self, *, sound: bool) -> None:
        """Keep what was asked for since the last turn, and forget the rest: that of a thousand
        flows a little at a time.
        """
        before, self._last, self._now = (self._last, self._sound), self._now, {}
        if sound:
            self._sound = self._last
        for old in before:
            while old and old is not self._sound:
                pause()
                for _ in range(min(len(old), _FORGOTTEN_AT_ONCE)):
                    old.popitem()
