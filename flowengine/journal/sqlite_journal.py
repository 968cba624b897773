"""A journal in a file, as it is written: rows, retention and size, and what version 2 has left."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flowengine.compile import Release
from flowengine.journal.inbox_of_version_2 import InboxDrain
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.release_lookup import ReleaseLookup
from flowengine.journal.retention import Retention
from flowengine.journal.row_builder import RowCounter
from flowengine.journal.row_writer import RowWriter
from flowengine.journal.size_limit import SizeLimit
from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sqlite_errors import is_busy

log = logging.getLogger(__name__)

# How much may be written, and how much time pass, until the size of the journal is seen again:
# that takes as long as some rows.
SIZE_CHECK_BYTES, SIZE_CHECK_SECONDS = 250_000, 1.0
# Raised for a row, which is refused again however long it waits.
_UNFIT_ROW_ERRORS = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class SqliteJournalStorage:
    """`release` finds a release by its id, or the current one; `lookup` those of a process that was
    killed.
    """

    def __init__(
        self,
        path: Path,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
        observe: Callable[[JournalUsage], None],
        lookup: ReleaseLookup,
    ) -> None:
        self._file = JournalFile(path)
        self._row_writer = RowWriter(release, encryption, counted)
        self._inbox = InboxDrain(self._file, self._row_writer, lookup, encryption)
        self._retention = Retention(self._file, lambda: release(""))
        self._size_limit = SizeLimit(self._file, lambda: release(""), counted, observe)
        self._log_once = LogOnce(log)
        self._unchecked_bytes, self._next_size_check = 0, float("-inf")

    def write(self, noted: Sequence[JournalRecord], lost: int) -> int:
        """Write callbacks; how many could be written."""
        rows = self._row_writer.build_rows(noted)
        missing = lost + len(noted) - len(rows)
        kept = self._file.run_transaction(
            lambda connection: self._row_writer.write_rows(connection, self._file, rows, missing)
        )
        self._row_writer.report_lost()
        return kept

    def describe_wait(self, error: Exception, *, is_ending: bool) -> str:
        """Another process may be writing for too long, such as a worker that saturates the disk. Where
        the disk is full or the file is broken, somebody has to mend it.
        """
        if is_busy(error):
            return f"another process is writing to {self._file.path}"
        is_of_file = isinstance(error, (OSError, sqlite3.Error))
        if not is_of_file or isinstance(error, _UNFIT_ROW_ERRORS) or is_ending:
            return ""
        return self.format_error(error)

    def format_error(self, error: Exception) -> str:
        """What is the matter, and what to do about it."""
        return self._file.format_error(error)

    def limit_size(self, written: int) -> None:
        """Drop the oldest calls where the file is too large."""
        self._unchecked_bytes += written
        if self._unchecked_bytes < SIZE_CHECK_BYTES and time.monotonic() < self._next_size_check:
            return
        self._unchecked_bytes = 0
        self._next_size_check = time.monotonic() + SIZE_CHECK_SECONDS
        self._size_limit.enforce()

    def look_after(self, has_more: Callable[[], bool]) -> bool:
        """Make rows of what version 2 has left, a piece each time while callbacks come, and drop
        what is too old.
        """
        has_left = False
        try:
            while not has_left and self._inbox.make_rows():
                self._size_limit.enforce()
                has_left = has_more()
        except Exception as error:  # noqa: BLE001  # it stays where it is, to be tried again
            self._log_once.error(
                "callbacks wait in the inbox of the call journal: %s", self.format_error(error)
            )
        self._retention.purge_if_due()
        return has_left

    def close(self) -> None:
        """Close the file."""
        self._file.close()
