"""How long the journal keeps what is in it."""

import logging
import sqlite3
import time
from collections.abc import Callable

from flowengine.compile import Release
from flowengine.journal.inbox_of_version_2 import drop_batches
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.losses import drop_losses
from flowengine.runtime.log_once import LogOnce
from flowengine.states.field_types import parse_period_seconds

KEEP_NOTHING = "none"  # as a project says that it wants no journal
JOURNAL_PURGE_SECONDS = 60.0
# a clock that goes ahead by more at once may be wrong, and what is dropped does not come back
CLOCK_JUMP_SECONDS = 3600.0
JUMP_ACCEPTED_SECONDS = 86_400.0  # unless it stays so
_PURGE_BATCH_ROWS = 500
_PURGE_QUERY = (
    "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks WHERE at < ? LIMIT ?)"
)
log = logging.getLogger(__name__)
NOT_DELETED = "old calls cannot be deleted from the call journal: %s"


class JumpFreeClock:
    """What time it is, by a clock that somebody may set: a leap ahead counts after a day only."""

    def __init__(self, clock: Callable[[], float], since: Callable[[], float]) -> None:
        self._clock, self._monotonic = clock, since
        self._now, self._at = clock(), since()
        self._jumped_at: float | None = None

    def now(self) -> float:
        now, at = self._clock(), self._monotonic()
        expected = self._now + at - self._at
        if now - expected > CLOCK_JUMP_SECONDS:
            if self._jumped_at is None:
                self._jumped_at = at
                log.warning(
                    "the clock jumped forward; for a day the call journal deletes no calls by the "
                    "new time"
                )
            if at - self._jumped_at < JUMP_ACCEPTED_SECONDS:
                return expected
        self._now, self._at, self._jumped_at = now, at, None
        return now


class Retention:
    """Drops what is older than the current release wants it kept. `clock` is the time of day,
    `since` one that nobody sets.
    """

    def __init__(
        self,
        file: JournalFile,
        current: Callable[[], Release],
        clock: Callable[[], float] = time.time,
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._current = current
        self._jump_free_clock = JumpFreeClock(clock, since)
        self._monotonic = since
        self._purged_at = float("-inf")
        self._log_once = LogOnce(log)

    def purge_if_due(self) -> None:
        if self._monotonic() - self._purged_at < JOURNAL_PURGE_SECONDS:
            return
        self._purged_at = self._monotonic()
        keep = self._current().journal.keep
        if keep == KEEP_NOTHING and not self._file.path.exists():
            return
        try:
            self.purge_before(self._jump_free_clock.now() - parse_period_seconds(keep))
            self._log_once.end(NOT_DELETED, "old calls are deleted from the call journal again")
        except (OSError, sqlite3.Error) as error:
            self._log_once.error(NOT_DELETED, self._file.format_error(error))

    def purge_before(self, before: float) -> None:
        """Drop what is older, in pieces, so that other workers can write in between."""
        connection = self._file.ensure_connection()
        while (
            connection.execute(_PURGE_QUERY, (before, _PURGE_BATCH_ROWS)).rowcount
            == _PURGE_BATCH_ROWS
        ):
            pass
        if self._file.has_version_2:
            drop_batches(connection, before)
        self._file.drop_unused_values(connection, before)
        drop_losses(connection, before)
