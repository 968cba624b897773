"""How long the journal keeps what is in it."""

import logging
import sqlite3
import time
from collections.abc import Callable

from flowengine.compile import Release
from flowengine.journal.answers import FRESH_SECONDS
from flowengine.journal.file import File
from flowengine.journal.losses import drop_losses
from flowengine.states.fields import period_seconds

NOTHING = "none"  # as a project says that it wants no journal
PURGE_EVERY = 60.0
# a clock that goes ahead by more at once may be wrong, and what is dropped does not come back
LEAP_SECONDS = 3600.0
BELIEVED_SECONDS = 86_400.0  # unless it stays so
_AT_ONCE = 500
_PURGE = "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks WHERE at < ? LIMIT ?)"
log = logging.getLogger(__name__)


class Steady:
    """What time it is, by a clock that somebody may set: a leap ahead counts after a day only."""

    def __init__(self, clock: Callable[[], float], since: Callable[[], float]) -> None:
        self._clock, self._since = clock, since
        self._now, self._at = clock(), since()
        self._leapt: float | None = None

    def now(self) -> float:
        now, at = self._clock(), self._since()
        expected = self._now + at - self._at
        if now - expected > LEAP_SECONDS:
            if self._leapt is None:
                self._leapt = at
                log.warning(
                    "the clock has leapt ahead; no calls are dropped from the call journal by that "
                    "for a day"
                )
            if at - self._leapt < BELIEVED_SECONDS:
                return expected
        self._now, self._at, self._leapt = now, at, None
        return now


class Retention:
    """Drops what is older than the current release wants it kept. `clock` is the time of day,
    `since` one that nobody sets.
    """

    def __init__(
        self,
        file: File,
        current: Callable[[], Release],
        clock: Callable[[], float] = time.time,
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._current = current
        self._time = Steady(clock, since)
        self._since = since
        self._purged = float("-inf")

    def purge_sometimes(self) -> None:
        if self._since() - self._purged < PURGE_EVERY:
            return
        self._purged = self._since()
        keep = self._current().journal.keep
        if keep == NOTHING and not self._file.path.exists():
            return
        try:
            self.purge(self._time.now() - period_seconds(keep))
        except (OSError, sqlite3.Error) as error:
            log.error(  # noqa: TRY400  # its text says it all
                "old calls cannot be dropped from the call journal: %s", self._file.why(error)
            )

    def purge(self, before: float) -> None:
        """Drop what is older, in pieces, so that other workers can write in between."""
        connection = self._file.opened()
        while connection.execute(_PURGE, (before, _AT_ONCE)).rowcount == _AT_ONCE:
            pass
        connection.execute("DELETE FROM inbox WHERE at < ?", (before,))
        connection.execute("DELETE FROM answers WHERE at < ?", (before - 2 * FRESH_SECONDS,))
        drop_losses(connection, before)
