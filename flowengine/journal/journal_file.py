"""The journal as a worker writes it: opened when something is to be written, and every change whole
or not at all.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from flowengine.journal.answer_intern_table import AnswerInternTable
from flowengine.journal.journal_database import (
    JOURNAL_LOSS_TEXT,
    open_for_writing,
    open_successor,
)
from flowengine.storage.sqlite_errors import is_busy, suggest_remedy
from flowengine.storage.sqlite_file import SqliteFile

log = logging.getLogger(__name__)
T = TypeVar("T")
_MAX_TRIES = 3  # somebody who takes the file away again and again means it


class JournalFile:
    """For one thread. `answers` is what this process knows to stand in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = AnswerInternTable()
        self._file: SqliteFile | None = None

    @property
    def is_open(self) -> bool:
        return self._file is not None

    def ensure_connection(self) -> sqlite3.Connection:
        """The file as it is now. Raises OSError or sqlite3.Error where it cannot be opened."""
        if self._file is None or not self._file.is_in_place():
            self._file = self._open()
            # Perhaps its key is back.
            self._file.connection.execute("UPDATE inbox SET unreadable = 0 WHERE unreadable")
        return self._file.connection

    def _open(self) -> SqliteFile:
        lost, self._file = self._file, None
        if lost is None:
            return open_for_writing(self.path)
        log.warning(
            "%s was taken away, or another file put in its place: the call journal goes on in "
            "a new file, or that one",
            self.path,
        )
        self.answers.clear()
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
        for _ in range(_MAX_TRIES):
            with self._begin_transaction() as connection:
                done = work(connection)
            if self._file is not None and self._file.is_in_place():
                break
        return done

    @contextmanager
    def _begin_transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self.ensure_connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            self.answers.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error) and not is_busy(error):
                self.close()  # it may be the file: the next one to write sees what is there by then
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.connection.close()
            self._file = None
            self.answers.clear()
