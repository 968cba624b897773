"""Housekeeping: checkpoints and the purge, which wait for the disk, run in a thread with a
connection of its own.
"""

import asyncio
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from flowengine.storage.sessions.common_endings import DROP_ENDINGS
from flowengine.storage.sessions.copy_live_rows import copy_live_rows
from flowengine.storage.sessions.session_file import open_session_file, wrap_opening_errors
from flowengine.storage.sessions.sqlite_orchestrations import drop_expired_orchestrations
from flowengine.storage.sqlite_file import SqliteFile

MAIN_BUSY_SECONDS = 0.0  # the event loop never waits in SQLite; housekeeping tries again later
_HOUSEKEEPER_BUSY_SECONDS = 0.1
_CHECKPOINT_WRITES = 2_000  # commits of this worker, some megabytes of WAL
# 32 MB: under steady load the writer must be held for a moment, or the WAL never starts over
_LONG_WAL_FRAMES = 4_000
_PURGE_BATCH = 200  # calls per transaction, about a millisecond in which others cannot write


class Housekeeper:
    def __init__(self, path: Path) -> None:
        self._file = open_session_file(path, _HOUSEKEEPER_BUSY_SECONDS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="session-store")
        self._write_count = 0
        self._checkpoint: Future[None] | None = None

    def count_writes(self, writes: int) -> None:
        self._write_count += writes
        if self._write_count >= _CHECKPOINT_WRITES and (
            self._checkpoint is None or self._checkpoint.done()
        ):
            self._write_count = 0
            self._checkpoint = self._thread.submit(self._run_checkpoint)

    async def drop_expired(self, now: float) -> int:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._purge_expired, now
        )

    async def find_needed_releases(self) -> set[str]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._select_releases)

    async def open_successors(
        self, main: SqliteFile, save: str, now: float
    ) -> tuple[SqliteFile, SqliteFile]:
        """Open the successor of a lost file twice, for callbacks and for housekeeping, and copy the
        calls of the lost one.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._open_successors, main, save, now
        )

    async def switch_file(self, file: SqliteFile) -> None:
        """Do the housekeeping of this file from now on."""
        old, self._file = self._file, file
        await asyncio.get_running_loop().run_in_executor(self._thread, old.connection.close)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.connection.close)
        self._thread.shutdown()

    def _run_checkpoint(self) -> None:
        # another worker does the checkpoint, or the disk fails, which saves will report
        with suppress(sqlite3.OperationalError):
            _, frames, _ = self._file.connection.execute(
                "PRAGMA wal_checkpoint(PASSIVE)"
            ).fetchone()
            # most pages are on disk by now, so this locks the writer only briefly
            if frames > _LONG_WAL_FRAMES:
                self._file.connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()

    def _open_successors(
        self, main: SqliteFile, save: str, now: float
    ) -> tuple[SqliteFile, SqliteFile]:
        with wrap_opening_errors(main.path):
            own = self._file.open_successor(
                _HOUSEKEEPER_BUSY_SECONDS,
                lambda new: copy_live_rows(self._file.connection, new, save, now),
            )
            try:
                return main.open_successor(MAIN_BUSY_SECONDS), own
            except BaseException:
                own.connection.close()
                raise

    def _select_releases(self) -> set[str]:
        return {
            release
            for (release,) in self._file.connection.execute(
                "SELECT release FROM calls WHERE release != '' "
                "UNION SELECT release FROM orchestrations WHERE release != ''"
            )
        }

    def _purge_expired(self, now: float) -> int:
        self._file.connection.execute("DELETE FROM claims WHERE deadline <= ?", (now,))
        self._file.connection.execute(DROP_ENDINGS, (now,))
        drop_expired_orchestrations(self._file.connection, now)
        rows = self._file.connection.execute(
            "SELECT rowid, ? FROM calls WHERE expires <= ?", (now, now)
        ).fetchall()
        return sum(
            self._delete_calls(rows[start : start + _PURGE_BATCH])
            for start in range(0, len(rows), _PURGE_BATCH)
        )

    def _delete_calls(self, rows: list[tuple[int, float]]) -> int:
        with self._file.connection:
            self._file.connection.execute("BEGIN IMMEDIATE")
            # The condition again, as the call may have moved on since the first query.
            return self._file.connection.executemany(
                "DELETE FROM calls WHERE rowid = ? AND expires <= ?", rows
            ).rowcount
