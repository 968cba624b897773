"""How long the journal keeps what is in it."""

import logging
import sqlite3
import time
from collections.abc import Callable

from flowengine.compile import Release
from flowengine.journal.answers import FRESH_SECONDS
from flowengine.journal.file import File
from flowengine.states.fields import period_seconds

NOTHING = "none"  # as a project says that it wants no journal
PURGE_EVERY = 60.0
_AT_ONCE = 500
_PURGE = "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks WHERE at < ? LIMIT ?)"
log = logging.getLogger(__name__)


class Retention:
    """Drops what is older than the current release wants it kept."""

    def __init__(self, file: File, current: Callable[[], Release]) -> None:
        self._file = file
        self._current = current
        self._purged = float("-inf")

    def purge_sometimes(self) -> None:
        if time.monotonic() - self._purged < PURGE_EVERY:
            return
        self._purged = time.monotonic()
        keep = self._current().journal.keep
        if keep == NOTHING and not self._file.path.exists():
            return
        try:
            self.purge(time.time() - period_seconds(keep))
        except (OSError, sqlite3.Error) as error:
            log.error("old calls cannot be dropped from the call journal: %s", self._file.why(error))  # noqa: TRY400  # its text says it all

    def purge(self, before: float) -> None:
        """Drop what is older, in pieces, so that other workers can write in between."""
        connection = self._file.opened()
        while connection.execute(_PURGE, (before, _AT_ONCE)).rowcount == _AT_ONCE:
            pass
        connection.execute("DELETE FROM inbox WHERE at < ?", (before,))
        connection.execute("DELETE FROM answers WHERE at < ?", (before - 2 * FRESH_SECONDS,))
