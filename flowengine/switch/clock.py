"""The clock of the switch: virtual, where nothing is waited for, or the machine's."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

VIRTUAL_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""Where virtual time begins unless told otherwise: the same in every run, in nobody's holidays"""


class Timer(Protocol):
    """What is due later."""

    def cancel(self) -> None:
        """Forget it; of no effect once it has happened."""


class Clock(Protocol):
    """Tells the time, and does things later. Everything that happens in the switch happens in one
    thread, in the clock's order.
    """

    def now(self) -> datetime:
        """The time, with its zone (UTC)."""
        ...

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        """Call `what` after so many seconds, never before the code that runs now has ended."""
        ...


class _ScheduledCall:
    """One thing to do in virtual time."""

    __slots__ = ("what",)

    def __init__(self, what: Callable[[], None]) -> None:
        self.what: Callable[[], None] | None = what

    def cancel(self) -> None:
        self.what = None


class VirtualClock:
    """Time that passes only on demand, and at once: a call of four hours takes as long as the work
    in it.

    >>> clock = VirtualClock()
    >>> heard = []
    >>> timer = clock.call_later(14_400, lambda: heard.append(clock.seconds))
    >>> clock.run()
    >>> heard
    [14400.0]
    """

    def __init__(self, begin: datetime = VIRTUAL_START) -> None:
        self._begin = begin
        # by time; at the same moment, what was asked for first comes first
        self._due: list[tuple[float, int, _ScheduledCall]] = []
        self._numbers = itertools.count()
        self._now: datetime | None = None  # until it is asked for at this moment
        self.seconds = 0.0
        self.steps = 0  # things done, which measure the work better than time does

    def now(self) -> datetime:
        """The virtual time."""
        if (now := self._now) is None:
            now = self._now = self._begin + timedelta(seconds=self.seconds)
        return now

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        """Put it in its place among what is due."""
        due = _ScheduledCall(what)
        at = self.seconds + seconds if seconds > 0 else self.seconds
        heapq.heappush(self._due, (at, next(self._numbers), due))
        return due

    def step(self) -> bool:
        """Go on to the next thing that is due, and do it; False when nothing is."""
        while self._due:
            at, _, due = heapq.heappop(self._due)
            if due.what is not None:
                self.seconds, self._now = at, None
                self.steps += 1
                due.what()
                return True
        return False

    def get_next_delay(self) -> float | None:
        """Seconds until the next thing that is due; None when nothing is."""
        # cancelled timers stay in the heap until they come to its top
        while self._due and self._due[0][2].what is None:
            heapq.heappop(self._due)
        return self._due[0][0] - self.seconds if self._due else None

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until something holds, or nothing more is due."""
        while not until() and self.step():
            pass

    def advance(self, seconds: float) -> None:
        """Let so much time pass, with all that happens in it."""
        end = self.seconds + seconds
        while (due := self.get_next_delay()) is not None and self.seconds + due <= end:
            self.step()
        self.seconds, self._now = end, None


class LoopClock:
    """The time of the machine, on the running event loop."""

    def now(self) -> datetime:
        """The time of the machine."""
        return datetime.now(UTC)

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        """Leave it to the event loop."""
        return asyncio.get_running_loop().call_later(seconds, what)
