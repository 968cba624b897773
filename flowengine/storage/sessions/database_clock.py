"""The clock of a database server, as one process knows it."""

import time
from collections.abc import Callable
from math import isnan


class DatabaseClock:
    """Tells the time of the database, which all machines that use it share.

    The process asks for it from time to time, and counts on by its monotonic clock: a step of its
    own wall clock changes nothing. The first answer tells the time to half of what asking took. A
    later one changes it only as far as it proves it wrong: a slow answer alone does not shift it.

    >>> seconds = iter([100.0, 100.5, 103.0, 104.0, 110.0, 110.0])
    >>> clock = DatabaseClock(lambda: next(seconds))
    >>> asked = clock.begin()
    >>> clock.set(asked, 1_000_000.0)  # it was that between 100.0 and 100.5
    >>> clock.read()
    1000002.75
    >>> asked = clock.begin()
    >>> clock.set(asked, 1_000_003.75)  # it was that between 104.0 and 110.0
    >>> clock.read()
    1000009.75
    """

    def __init__(self, count: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._origin = float("nan")  # until the first answer

    def begin(self) -> float:
        """The moment of asking, for `set`."""
        return self._count()

    def set(self, asked: float, database_time: float) -> None:
        """Take over the time that the database has just answered with, in seconds since 1970."""
        answered = self._count()
        earliest, latest = database_time - answered, database_time - asked
        if isnan(self._origin):
            self._origin = (earliest + latest) / 2
        else:
            self._origin = min(max(self._origin, earliest), latest)

    def read(self) -> float:
        """The time of the database, in seconds since 1970; it has answered before."""
        return self._origin + self._count()
