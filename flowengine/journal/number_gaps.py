"""Gaps in the numbers of callbacks. Writers of a journal on a server number callbacks when they write
them, and commit them in whatever order: a lower number may appear after a higher one was read.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

# After which callbacks that are not there were never committed: a statement of a writer ends after
# 10 seconds.
GAP_SECONDS = 30.0


class NumberGap(NamedTuple):
    """The numbers above `above`, up to `upto`, that had no callbacks at some moment, though higher
    ones had.
    """

    above: int
    upto: int
    seen_at: float


class NumberGaps:
    """The gaps among the callbacks that were read as new. `monotonic` is a clock that nobody sets."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._gaps: list[NumberGap] = []

    def note(self, above: int, upto: int, numbers: Sequence[int]) -> None:
        """Take note of the numbers in a range that are not among these, in place of what was known
        of the range. A gap that is read again is as old as it was.

        >>> gaps = NumberGaps(lambda: 0.0)
        >>> gaps.note(10, 15, [11, 13])
        >>> gaps.list_open()
        [NumberGap(above=11, upto=12, seen_at=0.0), NumberGap(above=13, upto=15, seen_at=0.0)]
        """
        known = [gap for gap in self._gaps if gap.above < upto and above < gap.upto]
        seen_at = min((gap.seen_at for gap in known), default=self._monotonic())
        self._gaps = [gap for gap in self._gaps if gap not in known]
        last = above
        for number in (*numbers, upto + 1):
            if number > last + 1:
                self._gaps.append(NumberGap(last, number - 1, seen_at))
            last = number

    def list_open(self) -> list[NumberGap]:
        """The gaps in which callbacks may still appear; older ones are forgotten."""
        now = self._monotonic()
        self._gaps = [gap for gap in self._gaps if now - gap.seen_at <= GAP_SECONDS]
        return [*self._gaps]

    def clear(self) -> None:
        """Forget all, as the journal is another one."""
        self._gaps.clear()
