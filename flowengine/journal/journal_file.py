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
from flowengine.journal.journal_database import JOURNAL_LOSS_TEXT, open_for_writing
from flowengine.storage.sessions.sqlite_connection import is_busy
from flowengine.storage.sessions.sqlite_file import FileIdentity, suggest_remedy

log = logging.getLogger(__name__)
T = TypeVar("T")
_MAX_TRIES = 3  # somebody who takes the file away again and again means it


class JournalFile:
    """For one thread. `answers` is what this process knows to stand in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = AnswerInternTable()
        self._connection: sqlite3.Connection | None = None
        self._file_identity = FileIdentity(path)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def ensure_connection(self) -> sqlite3.Connection:
        """The file as it is now. Raises OSError or sqlite3.Error where it cannot be opened."""
        if self._connection is not None and not self._file_identity.is_unchanged():
            log.warning(
                "%s was taken away, or another file put in its place: the call journal goes on in "
                "a new file, or that one",
                self.path,
            )
            self._file_identity.remove_companions()
            self.close()
        if self._connection is None:
            self._connection = open_for_writing(self.path)
            self._connection.execute(
                "UPDATE inbox SET unreadable = 0 WHERE unreadable"
            )  # perhaps its key is back
            self._file_identity = FileIdentity(self.path)
        return self._connection

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
            if self._file_identity.is_unchanged():
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
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.answers.clear()
