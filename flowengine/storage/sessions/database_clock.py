"""The clock of a database server, as one process knows it."""

import time
from collections.abc import Callable


class DatabaseClock:
    """Tells the time of the database, which all machines that use it share.

    The process asks for it from time to time, and counts on by its monotonic clock: a step of its
    own wall clock changes nothing. The time is known to half of what asking took.

    >>> seconds = iter([100.0, 100.5, 103.0])
    >>> clock = DatabaseClock(lambda: next(seconds))
    >>> asked = clock.begin()
    >>> clock.set(asked, 1_000_000.0)  # it was that between 100.0 and 100.5
    >>> clock.read()
    1000002.75
    """

    def __init__(self, count: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._origin = time.time() - count()  # until the database has said it

    def begin(self) -> float:
        """The moment of asking, for `set`."""
        return self._count()

    def set(self, asked: float, database_time: float) -> None:
        """Take over the time that the database has just answered with, in seconds since 1970."""
        self._origin = database_time - (asked + self._count()) / 2

    def read(self) -> float:
        """The time of the database, in seconds since 1970."""
        return self._origin + self._count()
