"""Makes rows of callbacks and writes them, many in one statement."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain

from flowengine.compile import Release
from flowengine.journal.answer_intern_table import AnswerInternTable
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_row import REPEATED_OUTCOME, JournalRecord, JournalRow, build_row
from flowengine.journal.losses import record_losses

log = logging.getLogger(__name__)
_COLUMNS, _VALUES = ", ".join(JournalRow._fields), ", ".join("?" * len(JournalRow._fields))
# rows in one statement: each statement hands the interpreter to the thread that answers, and must
# get it back
_ROWS_PER_INSERT = 16
_INSERTS = {
    rows: f"INSERT INTO callbacks ({_COLUMNS}) "  # noqa: S608
    f"VALUES {', '.join([f'({_VALUES})'] * rows)}"
    for rows in (1, _ROWS_PER_INSERT)
}
_INSERT_UNLESS_KNOWN = (
    f"INSERT INTO callbacks ({_COLUMNS}) SELECT {_VALUES} "  # noqa: S608
    "WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE call = ? AND digest = ?)"
)
# Raised while a value is bound, before anything of the statement is done: the transaction goes on.
REFUSED_VALUE_ERRORS = (OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
RowCounter = Callable[[str, int], None]
"""Told of rows that were `kept` or `lost`, and how many"""


class RowWriter:
    """`release` finds the release that a callback was answered by, or the current one where this
    worker does not have it.
    """

    def __init__(
        self,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
    ) -> None:
        self._find_release = release
        self._encryption = encryption
        self._count_rows = counted

    def write(
        self,
        connection: sqlite3.Connection,
        answers: AnswerInternTable,
        batch: Sequence[JournalRecord],
        releases: Mapping[str, Release] | None = None,
    ) -> int:
        """Write the rows of these callbacks, by these releases where they are given; how many there
        are.
        """
        kept = 0
        for start in range(0, len(batch), _ROWS_PER_INSERT):
            made = [
                made
                for noted in batch[start : start + _ROWS_PER_INSERT]
                if (made := self._build_row(noted, releases or {}))
            ]
            kept += self._insert_rows(
                connection, [answers.intern_answer(connection, one) for one in made]
            )
        if kept < len(batch):
            record_losses(connection, time.time(), len(batch) - kept)
        return kept

    def _insert_rows(self, connection: sqlite3.Connection, rows: Sequence[JournalRow]) -> int:
        """Write rows, many in one statement; how many could be. One that SQLite refuses must not
        cost the others.
        """
        is_repeated = any(made.outcome == REPEATED_OUTCOME for made in rows)
        if len(rows) == _ROWS_PER_INSERT and not is_repeated:
            # where it is refused nothing is written yet, and row by row shows which one it is
            with suppress(*REFUSED_VALUE_ERRORS):
                connection.execute(_INSERTS[_ROWS_PER_INSERT], [*chain.from_iterable(rows)])
                return len(rows)
        return sum(self._insert_row(connection, made) for made in rows)

    def _insert_row(self, connection: sqlite3.Connection, made: JournalRow) -> bool:
        try:
            insert_row(connection, made)
        except REFUSED_VALUE_ERRORS:
            log.exception("a callback of call %r is not in the call journal", made.call)
            self._count_rows("lost", 1)
            return False
        return True

    def _build_row(
        self, noted: JournalRecord, releases: Mapping[str, Release]
    ) -> JournalRow | None:
        name = noted.record.release
        try:
            return build_row(
                noted, releases.get(name) or self._find_release(name), self._encryption
            )
        except Exception:  # one row that cannot be made must not cost the others
            log.exception(
                "a callback of call %s is not in the call journal", noted.record.event.call_id
            )
            self._count_rows("lost", 1)
            return None


def insert_row(connection: sqlite3.Connection, made: JournalRow) -> None:
    """Write a row. Of a repeated delivery the first has its row, unless that worker died just
    before.
    """
    if made.outcome == REPEATED_OUTCOME:
        connection.execute(_INSERT_UNLESS_KNOWN, (*made, made.call, made.digest))
    else:
        connection.execute(_INSERTS[1], made)
