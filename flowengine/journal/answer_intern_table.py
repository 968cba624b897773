"""Answers that many callers get stand in the journal once."""

import sqlite3

from flowengine.journal.journal_row import JournalRow

MIN_INTERNED_CHARACTERS = 200  # characters; a shorter answer may stand with every callback
MAX_INTERNED_ANSWERS = 2000  # answers that are remembered
# after this an answer is written anew, so that what is older than any callback can be dropped
ANSWER_REWRITE_SECONDS = 86_400.0


class AnswerInternTable:
    """What this process has written of them. An answer that comes a second time is put where others
    find it. The oldest of too many is forgotten.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, tuple[int, float]] = {}

    def intern_answer(self, connection: sqlite3.Connection, row: JournalRow) -> JournalRow:
        """The row, with a reference to its answer where there is a better place for that."""
        if len(row.said) < MIN_INTERNED_CHARACTERS:
            return row
        number, written = self._numbers.get(row.said, (-1, row.at))
        if number < 0 or row.at - written > ANSWER_REWRITE_SECONDS:
            number = 0  # it has come once
            self._remember_number(row, number)
        elif number == 0:
            number = insert_answer(connection, row)
            self._remember_number(row, number)
        return row._replace(said="", answer=number) if number else row

    def clear(self) -> None:
        """What was written was taken back."""
        self._numbers.clear()

    def _remember_number(self, row: JournalRow, number: int) -> None:
        if len(self._numbers) >= MAX_INTERNED_ANSWERS:
            del self._numbers[next(iter(self._numbers))]
        self._numbers[row.said] = (number, row.at)


def insert_answer(connection: sqlite3.Connection, row: JournalRow) -> int:
    return (
        connection.execute(
            "INSERT INTO answers (at, content) VALUES (?, ?)", (row.at, row.said)
        ).lastrowid
        or 0
    )
