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
from flowengine.journal.inbox import measure_backlog, read_oldest_batch, unpack_record, write_batch
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.release_lookup import ReleaseLookup
from flowengine.journal.row_writer import RowWriter

BUSY_PER_SECOND = 500.0  # callbacks; from here on rows can wait
INBOX_POLL_SECONDS = 0.1  # how often it is looked whether there is time for what waits
INBOX_BATCH_CALLBACKS = (
    100  # callbacks that are sealed together, and made into rows together: some 4 ms of work
)
MAX_INBOX_SECONDS = (
    30.0  # the longest that a callback waits to become a row, however busy the server is
)
MAX_INBOX_CALLBACKS = 50_000  # callbacks that wait, of all workers; some 150 MB
log = logging.getLogger(__name__)


class DeferredRows:
    """Whether rows can wait, and what became of those that do. Without a sealer none can.

    `may_have_entries` says that something may be in the inbox: a process that was killed may have left it.
    """

    def __init__(
        self,
        file: JournalFile,
        rows: RowWriter,
        past: ReleaseLookup,
        encryption: JournalEncryption | None,
    ) -> None:
        self.may_have_entries = encryption is not None
        self._file = file
        self._row_writer = rows
        self._release_lookup = past
        self._encryption = encryption
        self._is_busy = self._is_pressed = False
        self._updated_at, self._noted_before = time.monotonic(), 0

    @property
    def can_catch_up(self) -> bool:
        """Whether rows may be made now of what waits."""
        return self.may_have_entries and (self._is_pressed or not self._is_busy)

    def update_load(self, noted: int) -> None:
        """See whether callbacks, of which there were so many, come so fast that rows must wait, and
        whether what waits has waited long enough.
        """
        now = time.monotonic()
        if now - self._updated_at < INBOX_POLL_SECONDS:
            return
        self._is_busy = (noted - self._noted_before) / (now - self._updated_at) > BUSY_PER_SECOND
        self._updated_at, self._noted_before = now, noted
        if self.may_have_entries and self._file.is_open:
            with suppress(OSError, sqlite3.Error):  # writing will tell
                callbacks, since = measure_backlog(self._file.ensure_connection())
                self._is_pressed = callbacks > MAX_INBOX_CALLBACKS or (
                    callbacks > 0 and time.time() - since > MAX_INBOX_SECONDS
                )

    def write(self, connection: sqlite3.Connection, batch: Sequence[JournalRecord]) -> int:
        """Write callbacks as they are, or as rows; how many could be."""
        if self._encryption is None or not self._can_defer(connection):
            return self._row_writer.write(connection, self._file.answers, batch)
        kept, self.may_have_entries = 0, True
        for start in range(0, len(batch), INBOX_BATCH_CALLBACKS):
            piece = batch[start : start + INBOX_BATCH_CALLBACKS]
            try:
                write_batch(connection, piece, time.time(), self._encryption)
            except (
                TypeError,
                ValueError,
                OverflowError,
            ):  # one of them holds what cannot be written: their rows tell which
                kept += self._row_writer.write(connection, self._file.answers, piece)
            else:
                kept += len(piece)
        return kept

    def _can_defer(self, connection: sqlite3.Connection) -> bool:
        """Whether rows can be made later; they must be, while earlier ones are to be made, as rows
        stand in order.
        """
        return (
            self._is_busy
            or connection.execute("SELECT 1 FROM inbox WHERE NOT unreadable LIMIT 1").fetchone()
            is not None
        )

    def catch_up(self) -> bool:
        """Make rows of the oldest piece that waits; whether to go on with the next. Raises OSError
        or sqlite3.Error.
        """
        if self._encryption is None or not self._file.path.exists():
            self.may_have_entries = False
            return False
        connection = self._file.ensure_connection()
        found = read_oldest_batch(connection, self._encryption)
        if found is None:
            self.may_have_entries = False
            return False
        number, piece = found
        if piece is None:
            log.error(
                "%s has callbacks that no key opens; they wait for it, until they are too old",
                self._file.path,
            )
            connection.execute("UPDATE inbox SET unreadable = 1 WHERE number = ?", (number,))
            return True
        releases = self._release_lookup.find_releases(item.release for item in piece)
        if releases is None:
            return False
        noted = [unpack_record(item, releases[item.release]) for item in piece]
        self._file.run_transaction(
            lambda connection: self._replace_batch(connection, number, noted, releases)
        )
        return True

    def _replace_batch(
        self,
        connection: sqlite3.Connection,
        number: int,
        piece: Sequence[JournalRecord],
        releases: dict[str, Release],
    ) -> None:
        """Rows in place of a piece of the inbox, unless another worker was first."""
        (first,) = connection.execute(
            "SELECT min(number) FROM inbox WHERE NOT unreadable"
        ).fetchone()
        if first == number:
            connection.execute("DELETE FROM inbox WHERE number = ?", (number,))
            self._row_writer.write(connection, self._file.answers, piece, releases)
