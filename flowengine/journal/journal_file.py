"""The journal as a worker writes it: opened when something is to be written, and every change whole
or not at all.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from flowengine.journal.intern_tables import INTERN_TABLES, UNUSED_SECONDS, InternTables
from flowengine.journal.journal_database import (
    JOURNAL_LOSS_TEXT,
    open_for_writing,
    open_successor,
)
from flowengine.journal.row_view import has_rows_of_version_2
from flowengine.storage.sqlite_errors import is_busy, suggest_remedy
from flowengine.storage.sqlite_file import SqliteFile

log = logging.getLogger(__name__)
T = TypeVar("T")
_MAX_TRIES = 3  # somebody who takes the file away again and again means it


class JournalFile:
    """For one thread. `interned` is what this process knows to stand in it; `has_version_2` says that
    it had rows of version 2 when it was upgraded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.interned = InternTables()
        self.has_version_2 = False
        self._file: SqliteFile | None = None

    @property
    def is_open(self) -> bool:
        return self._file is not None

    @property
    def connection(self) -> sqlite3.Connection:
        """The file as it was when something was last written."""
        return self.ensure_connection() if self._file is None else self._file.connection

    def ensure_connection(self) -> sqlite3.Connection:
        """The file as it is now. Raises OSError or sqlite3.Error where it cannot be opened."""
        if self._file is None or not self._file.is_in_place():
            self._file = self._open()
            self.has_version_2 = has_rows_of_version_2(self._file.connection)
        return self._file.connection

    def _open(self) -> SqliteFile:
        lost, self._file = self._file, None
        if lost is None:
            return open_for_writing(self.path)
        log.warning(
            "%s was removed or replaced: the call journal goes on in the file that is there now",
            self.path,
        )
        self.interned.clear()
        try:
            return open_successor(lost)
        finally:
            lost.connection.close()

    def format_error(self, error: Exception) -> str:
        """What is the matter, and what to do about it."""
        return f"{self.path}: {error}{suggest_remedy(error, JOURNAL_LOSS_TEXT)}"

    def run_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """All of this work is kept, or nothing. It is done again where the file was taken away
        before it was kept.
        """
        for tries_left in reversed(range(_MAX_TRIES)):
            # Whether the file is in place is seen afterwards, which tells of before as well.
            connection = self.connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                done = work(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                if not self._can_try_again(connection, error) or not tries_left:
                    raise
            else:
                if self._file is not None and self._file.is_in_place():
                    break
                self.ensure_connection()
        return done

    def _can_try_again(self, connection: sqlite3.Connection, error: BaseException) -> bool:
        """Take back what was begun; whether it failed for a file that was taken away."""
        self.interned.clear()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not isinstance(error, sqlite3.Error) or is_busy(error) or self._file is None:
            return False
        if not self._file.is_in_place():
            self.ensure_connection()
            return True
        self.close()  # it may be the file: the next one to write sees what is there by then
        return False

    def drop_unused_values(self, connection: sqlite3.Connection, oldest: float) -> None:
        """Drop what many callbacks had in common, where the oldest that is left came at `oldest`."""
        for table in (*INTERN_TABLES, *(("answers",) if self.has_version_2 else ())):
            connection.execute(
                f"DELETE FROM {table} WHERE at < ?",  # noqa: S608
                (oldest - UNUSED_SECONDS,),
            )

    def close(self) -> None:
        if self._file is not None:
            self._file.connection.close()
            self._file = None
            self.interned.clear()
