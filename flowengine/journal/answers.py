"""Answers that many callers get stand in the journal once."""

import sqlite3

from flowengine.journal.row import Row
from flowengine.runtime.store.once import Once

WORTH_IT = 200  # characters; a shorter answer may stand with every callback
MOST = 2000  # answers that are remembered
# after this an answer is written anew, so that what is older than any callback can be dropped
FRESH_SECONDS = 86_400.0


class Answers:
    """What this process has written of them. An answer that comes a second time is put where others
    find it.
    """

    def __init__(self) -> None:
        self._once = Once[str](MOST, FRESH_SECONDS)

    def shared(self, connection: sqlite3.Connection, row: Row) -> Row:
        """The row, with a reference to its answer where there is a better place for that."""
        if len(row.said) < WORTH_IT:
            return row
        number = self._once.number(row.said, row.at, lambda: written(connection, row))
        return row._replace(said="", answer=number) if number else row

    def forget(self) -> None:
        """What was written was taken back."""
        self._once.forget()


def written(connection: sqlite3.Connection, row: Row) -> int:
    return (
        connection.execute(
            "INSERT INTO answers (at, content) VALUES (?, ?)", (row.at, row.said)
        ).lastrowid
        or 0
    )
