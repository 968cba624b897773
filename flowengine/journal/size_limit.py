"""How much room the journal may take: beyond that the oldest calls are dropped."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable

from flowengine.compile import Release
from flowengine.journal.inbox_of_version_2 import drop_oldest_batch
from flowengine.journal.journal_database import JOURNAL_BUSY_SECONDS
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.journal.row_builder import RowCounter
from flowengine.states.field_types import parse_size_bytes

# Room for the write-ahead log. From a quarter of it on the log is written back, from half of it on
# it must start over: what workers write meanwhile needs the rest.
_WAL_SHARE, _MAX_WAL_BYTES = 4, 32_000_000
# Room for what all workers write before the next look: batches of some 1.5 MB each.
_SPARE_SHARE, _MIN_SPARE_BYTES = 20, 4_000_000
_DROPPED_SHARE = 100  # so much is dropped at once, in pieces
_DROP_BATCH_ROWS = 200  # a few milliseconds, so that other workers can write in between
_WARNED_SHARE = 0.8
_WARNING_RESET_SHARE = 0.75
# Others cannot write while a checkpoint waits for readers, so it waits shortly; and it is tried
# seldom where it was tried for nothing.
_CHECKPOINT_MILLIS, _CHECKPOINT_SECONDS, _CHECKPOINT_RETRY_SECONDS = 500, 2.0, 0.01
_MIN_CHECKPOINT_PAUSE, _MAX_CHECKPOINT_PAUSE = 1.0, 30.0
log = logging.getLogger(__name__)

_DROP_OLDEST_CALLS = (
    "DELETE FROM callbacks WHERE call IN (SELECT call FROM callbacks ORDER BY at LIMIT ?)"
)


class SizeLimit:
    """Keeps the file within the size that the current release gives it.

    The file itself never shrinks: the pages of dropped rows are used again. So what counts are the
    pages in use, and the file grows no further once they stay within the limit.
    """

    def __init__(
        self,
        file: JournalFile,
        current: Callable[[], Release],
        counted: RowCounter,
        observe: Callable[[JournalUsage], None],
    ) -> None:
        self._file = file
        self._current = current
        self._count_rows = counted
        self._observe = observe
        self._prepared: tuple[sqlite3.Connection, int] | None = None
        self._page_bytes = 0
        self._wal_path = ""
        self._is_warned = self._is_full = False
        self._next_checkpoint = 0.0
        self._pause = _MIN_CHECKPOINT_PAUSE

    def enforce(self) -> None:
        """Drop the oldest calls where the file is too large by now. Raises OSError or
        sqlite3.Error.
        """
        if not self._file.is_open:
            return
        limit = parse_size_bytes(self._current().journal.size)
        connection = self._file.connection
        self._prepare_connection(connection, limit)
        most = calculate_rows_limit(limit)
        used = self._count_used_bytes(connection)
        self._warn_if_nearly_full(used / most)
        if used > most:
            self._drop_until(most - limit // _DROPPED_SHARE)
            used = self._count_used_bytes(self._file.connection)
        wal = self._measure_wal()
        if wal > calculate_wal_limit(limit) // 2:
            self._truncate_wal(self._file.connection, calculate_wal_limit(limit) // 2)
            wal = self._measure_wal()
        self._observe(JournalUsage(used + wal, limit))

    def _prepare_connection(self, connection: sqlite3.Connection, limit: int) -> None:
        if self._prepared == (connection, limit):
            return
        # Resolved here and not for each batch: that takes as long as building a row.
        self._wal_path = f"{self._file.path.resolve()}-wal"
        (self._page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        pages = calculate_wal_limit(limit) // 4 // self._page_bytes
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}").fetchall()
        connection.execute(f"PRAGMA journal_size_limit = {calculate_wal_limit(limit)}").fetchall()
        self._prepared = (connection, limit)

    def _count_used_bytes(self, connection: sqlite3.Connection) -> int:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        return int(pages - free) * self._page_bytes

    def _measure_wal(self) -> int:
        try:
            return os.stat(self._wal_path).st_size  # noqa: PTH116  # in a quarter of the time
        except OSError:
            return 0

    def _drop_until(self, target: int) -> None:
        """Another worker may do the same: each looks again before each piece."""
        while (
            dropped := self._file.run_transaction(lambda one: self._drop_batch(one, target))
        ) is not None:
            self._count_rows("dropped", dropped)
            if not self._is_full:
                self._is_full = True
                log.warning(
                    "%s is full: its oldest calls are dropped, before their time is over",
                    self._file.path,
                )

    def _drop_batch(self, connection: sqlite3.Connection, target: int) -> int | None:
        """Drop the oldest calls; how many callbacks that were. None where nothing need or can be
        dropped.
        """
        if self._count_used_bytes(connection) <= target:
            return None
        if self._file.has_version_2 and (dropped := drop_oldest_batch(connection)):
            return dropped
        dropped = connection.execute(_DROP_OLDEST_CALLS, (_DROP_BATCH_ROWS,)).rowcount
        (oldest,) = connection.execute("SELECT min(at) FROM callbacks").fetchone()
        if oldest is not None:
            self._file.drop_unused_values(connection, oldest)
        return dropped or None

    def _warn_if_nearly_full(self, share: float) -> None:
        """Say it before anything is dropped, and again when it was better in between."""
        if share < _WARNING_RESET_SHARE:
            self._is_warned = self._is_full = False
        elif share >= _WARNED_SHARE and not self._is_warned:
            self._is_warned = True
            journal = self._current().journal
            log.warning(
                "%s has %d percent of its %s: once it is full the oldest calls are dropped, though "
                "they are to be kept for %s; give it more room with size: under journal:, or keep "
                "calls for a shorter time",
                self._file.path,
                share * 100,
                journal.size,
                journal.keep,
            )

    def _truncate_wal(self, connection: sqlite3.Connection, most: int) -> None:
        """Have the log start over, which takes a moment in which nobody writes: so this worker
        writes nothing until then, and all others that see the log do the same. Somebody who reads
        for long prevents it whatever is done; then it is put off.
        """
        now = time.monotonic()
        if now < self._next_checkpoint:
            return
        connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLIS}")
        try:
            while self._measure_wal() > most:
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if busy and time.monotonic() - now > _CHECKPOINT_SECONDS:
                    self._next_checkpoint = time.monotonic() + self._pause
                    self._pause = min(2 * self._pause, _MAX_CHECKPOINT_PAUSE)
                    return
                time.sleep(_CHECKPOINT_RETRY_SECONDS if busy else 0)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(JOURNAL_BUSY_SECONDS * 1000)}")
        self._pause = _MIN_CHECKPOINT_PAUSE


def calculate_wal_limit(limit: int) -> int:
    """The bytes of the write-ahead log that a journal of this size has room for."""
    return min(limit // _WAL_SHARE, _MAX_WAL_BYTES)


def calculate_rows_limit(limit: int) -> int:
    """The bytes that rows may take; the rest is for the write-ahead log and what comes next."""
    return limit - calculate_wal_limit(limit) - max(limit // _SPARE_SHARE, _MIN_SPARE_BYTES)
