"""The journal as a worker writes it: opened when something is to be written, and every change whole
or not at all.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from flowengine.journal.answers import Answers
from flowengine.journal.database import LOST, writable
from flowengine.runtime.store.connect import is_busy
from flowengine.runtime.store.place import Place, cure

log = logging.getLogger(__name__)
T = TypeVar("T")
_TRIES = 3  # somebody who takes the file away again and again means it


class File:
    """For one thread. `answers` is what this process knows to stand in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = Answers()
        self._connection: sqlite3.Connection | None = None
        self._place = Place(path)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def opened(self) -> sqlite3.Connection:
        """The file as it is now. Raises OSError or sqlite3.Error where it cannot be opened."""
        if self._connection is not None and not self._place.kept():
            log.warning(
                "%s was taken away, or another file put in its place: the call journal goes on in "
                "a new file, or that one",
                self.path,
            )
            self._place.leave()
            self.close()
        if self._connection is None:
            self._connection = writable(self.path)
            self._connection.execute(
                "UPDATE inbox SET unreadable = 0 WHERE unreadable"
            )  # perhaps its key is back
            self._place = Place(self.path)
        return self._connection

    def why(self, error: Exception) -> str:
        """What is the matter, and what to do about it."""
        return f"{self.path}: {error}{cure(error, LOST)}"

    def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """All of this work is kept, or nothing. It is done again where the file was taken away
        before it was kept.
        """
        for _ in range(_TRIES):
            with self._transaction() as connection:
                done = work(connection)
            if self._place.kept():
                break
        return done

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self.opened()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            self.answers.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error) and not is_busy(error):
                self.close()  # it may be the file: the next one to write sees what is there by then
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.answers.forget()
