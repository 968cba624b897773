"""Answers that many callers get stand in the journal once."""

import sqlite3

from flowengine.journal.journal_row import JournalRow
from flowengine.storage.sessions.intern_table import InternTable

MIN_INTERNED_CHARACTERS = 200  # characters; a shorter answer may stand with every callback
MAX_INTERNED_ANSWERS = 2000  # answers that are remembered
# after this an answer is written anew, so that what is older than any callback can be dropped
ANSWER_REWRITE_SECONDS = 86_400.0


class AnswerInternTable:
    """What this process has written of them. An answer that comes a second time is put where others
    find it.
    """

    def __init__(self) -> None:
        self._table = InternTable[str](MAX_INTERNED_ANSWERS, ANSWER_REWRITE_SECONDS)

    def intern_answer(self, connection: sqlite3.Connection, row: JournalRow) -> JournalRow:
        """The row, with a reference to its answer where there is a better place for that."""
        if len(row.said) < MIN_INTERNED_CHARACTERS:
            return row
        number = self._table.intern_value(row.said, row.at, lambda: insert_answer(connection, row))
        return row._replace(said="", answer=number) if number else row

    def clear(self) -> None:
        """What was written was taken back."""
        self._table.clear()


def insert_answer(connection: sqlite3.Connection, row: JournalRow) -> int:
    return (
        connection.execute(
            "INSERT INTO answers (at, content) VALUES (?, ?)", (row.at, row.said)
        ).lastrowid
        or 0
    )
