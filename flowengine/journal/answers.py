"""Answers that many callers get stand in the journal once."""

import sqlite3

from flowengine.journal.row import Row

WORTH_IT = 200  # characters; a shorter answer may stand with every callback
MOST = 2000  # answers that are remembered
FRESH_SECONDS = 86_400.0  # after this an answer is written anew, so that what is older than any callback can be dropped


class Answers:
    """What this process has written of them. An answer that comes a second time is put where others find it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float]] = {}

    def shared(self, connection: sqlite3.Connection, row: Row) -> Row:
        """The row, with a reference to its answer where there is a better place for that."""
        if len(row.said) < WORTH_IT:
            return row
        number, at = self._known.get(row.said, (-1, row.at))
        if number < 0 or row.at - at > FRESH_SECONDS:
            self._remember(row.said, 0, row.at)
            return row
        if number == 0:
            number = connection.execute("INSERT INTO answers (at, content) VALUES (?, ?)", (row.at, row.said)).lastrowid or 0
            self._remember(row.said, number, row.at)
        return row._replace(said="", answer=number)

    def forget(self) -> None:
        """What was written was taken back."""
        self._known.clear()

    def _remember(self, said: str, number: int, at: float) -> None:
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[said] = (number, at)
