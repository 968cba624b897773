"""Making rows takes as long as answering. So while the server is busy callbacks are committed as
they are, sealed, to the inbox of the journal; they become rows when there is time, or when they
have waited long enough.
"""

import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress

from flowengine.compile import Release
from flowengine.journal.file import File
from flowengine.journal.inbox import behind, oldest, stow, unpacked
from flowengine.journal.past import Past
from flowengine.journal.row import Noted
from flowengine.journal.rows import Rows
from flowengine.journal.seal import Sealer

BUSY_PER_SECOND = 500.0  # callbacks; from here on rows can wait
LOOK_SECONDS = 0.1  # how often it is looked whether there is time for what waits
LARGEST_PIECE = (
    100  # callbacks that are sealed together, and made into rows together: some 4 ms of work
)
MOST_SECONDS = 30.0  # the longest that a callback waits to become a row, however busy the server is
MOST_STOWED = 50_000  # callbacks that wait, of all workers; some 150 MB
log = logging.getLogger(__name__)


class Later:
    """Whether rows can wait, and what became of those that do. Without a sealer none can.

    `waits` says that something may be in the inbox: a process that was killed may have left it.
    """

    def __init__(self, file: File, rows: Rows, past: Past, sealer: Sealer | None) -> None:
        self.waits = sealer is not None
        self._file = file
        self._rows = rows
        self._past = past
        self._sealer = sealer
        self._busy = self._pressed = False
        self._looked, self._noted_before = time.monotonic(), 0

    @property
    def timely(self) -> bool:
        """Whether rows may be made now of what waits."""
        return self.waits and (self._pressed or not self._busy)

    def look(self, noted: int) -> None:
        """See whether callbacks, of which there were so many, come so fast that rows must wait, and
        whether what waits has waited long enough.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._busy = (noted - self._noted_before) / (now - self._looked) > BUSY_PER_SECOND
        self._looked, self._noted_before = now, noted
        if self.waits and self._file.is_open:
            with suppress(OSError, sqlite3.Error):  # writing will tell
                callbacks, since = behind(self._file.opened())
                self._pressed = callbacks > MOST_STOWED or (
                    callbacks > 0 and time.time() - since > MOST_SECONDS
                )

    def write(self, connection: sqlite3.Connection, batch: Sequence[Noted]) -> int:
        """Write callbacks as they are, or as rows; how many could be."""
        if self._sealer is None or not self._may_wait(connection):
            return self._rows.write(connection, self._file.answers, batch)
        kept, self.waits = 0, True
        for start in range(0, len(batch), LARGEST_PIECE):
            piece = batch[start : start + LARGEST_PIECE]
            try:
                stow(connection, piece, time.time(), self._sealer)
            except (
                TypeError,
                ValueError,
                OverflowError,
            ):  # one of them holds what cannot be written: their rows tell which
                kept += self._rows.write(connection, self._file.answers, piece)
            else:
                kept += len(piece)
        return kept

    def _may_wait(self, connection: sqlite3.Connection) -> bool:
        """Whether rows can be made later; they must be, while earlier ones are to be made, as rows
        stand in order.
        """
        return (
            self._busy
            or connection.execute("SELECT 1 FROM inbox WHERE NOT unreadable LIMIT 1").fetchone()
            is not None
        )

    def catch_up(self) -> bool:
        """Make rows of the oldest piece that waits; whether to go on with the next. Raises OSError
        or sqlite3.Error.
        """
        if self._sealer is None or not self._file.path.exists():
            self.waits = False
            return False
        connection = self._file.opened()
        found = oldest(connection, self._sealer)
        if found is None:
            self.waits = False
            return False
        number, piece = found
        if piece is None:
            log.error(
                "%s has callbacks that no key opens; they wait for it, until they are too old",
                self._file.path,
            )
            connection.execute("UPDATE inbox SET unreadable = 1 WHERE number = ?", (number,))
            return True
        releases = self._past.releases(item.release for item in piece)
        if releases is None:
            return False
        noted = [unpacked(item, releases[item.release]) for item in piece]
        self._file.change(lambda connection: self._replace(connection, number, noted, releases))
        return True

    def _replace(
        self,
        connection: sqlite3.Connection,
        number: int,
        piece: Sequence[Noted],
        releases: dict[str, Release],
    ) -> None:
        """Rows in place of a piece of the inbox, unless another worker was first."""
        (first,) = connection.execute(
            "SELECT min(number) FROM inbox WHERE NOT unreadable"
        ).fetchone()
        if first == number:
            connection.execute("DELETE FROM inbox WHERE number = ?", (number,))
            self._rows.write(connection, self._file.answers, piece, releases)
