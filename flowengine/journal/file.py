"""The journal as a worker writes it: opened when something is to be written, and every change whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.journal.answers import Answers
from flowengine.journal.database import writable


class File:
    """For one thread. `answers` is what this process knows to stand in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers = Answers()
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def opened(self) -> sqlite3.Connection:
        """Raises OSError or sqlite3.Error where it cannot be opened."""
        if self._connection is None:
            self._connection = writable(self.path)
            self._connection.execute("UPDATE inbox SET unreadable = 0 WHERE unreadable")  # perhaps its key is back
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done with the connection in here is kept, or nothing of it."""
        connection = self.opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self.answers.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
