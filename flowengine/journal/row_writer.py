"""Makes rows of callbacks and writes them, many in one statement."""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from flowengine.compile import Release
from flowengine.journal.intern_tables import InternTables
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import REPEATED_OUTCOME, JournalRecord, JournalRow
from flowengine.journal.losses import record_losses
from flowengine.journal.row_builder import RowBuilder, RowCounter
from flowengine.sinch.call_id import decode_call_id

_COLUMNS = (
    "call", "digest", "at", "step", "seconds", "dimension", "micros", "readable", "own", "answered", "sealed",
)  # fmt: skip
# Version 2 has columns that must not be null, and that no row of today needs.
_COLUMNS_OF_VERSION_2 = (
    "event", "release", "flow", "state", "outcome", "action", "exit", "reason", "shown", "said", "answer",
)  # fmt: skip
# rows in one statement: each statement hands the interpreter to the thread that answers, and must
# get it back
_ROWS_PER_INSERT = 16
# Raised while a value is bound, before anything of the statement is done: the transaction goes on.
REFUSED_VALUE_ERRORS = (
    OverflowError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    UnicodeError,
)


class InternedRow(NamedTuple):
    """A row as the table has it, in the order of its columns."""

    is_repeated: bool
    values: tuple[Any, ...]


class InsertStatements(NamedTuple):
    """The statements that write rows to a journal: `rows` by how many they write, `unless_known`
    one unless its call has it.
    """

    rows: tuple[str, ...]
    unless_known: str


def build_insert_statements(*, with_version_2: bool) -> InsertStatements:
    """For a journal of today, or for one that has the columns of version 2 as well."""
    old = _COLUMNS_OF_VERSION_2 if with_version_2 else ()
    into = f"INSERT INTO callbacks ({', '.join((*_COLUMNS, *old))}) "
    values = ", ".join(["?"] * len(_COLUMNS) + ["''"] * len(old))
    return InsertStatements(
        tuple(
            f"{into} VALUES {', '.join([f'({values})'] * rows)}"
            for rows in range(_ROWS_PER_INSERT + 1)
        ),
        f"{into} SELECT {values} WHERE NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM callbacks WHERE call = ? AND substr(digest, 1, 8) = ?)",
    )


_STATEMENTS = {
    with_version_2: build_insert_statements(with_version_2=with_version_2)
    for with_version_2 in (False, True)
}


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
        self._builder = RowBuilder(release, encryption, counted)

    def write(
        self,
        connection: sqlite3.Connection,
        file: JournalFile,
        batch: Sequence[JournalRecord],
        releases: Mapping[str, Release] | None = None,
    ) -> int:
        """Write the rows of these callbacks, by these releases where they are given; how many there
        are.
        """
        kept, statements, interned = 0, _STATEMENTS[file.has_version_2], file.interned
        for start in range(0, len(batch), _ROWS_PER_INSERT):
            part = batch[start : start + _ROWS_PER_INSERT]
            built = self._builder.build_rows(part, releases)
            rows = [self._intern_row(connection, interned, row) for row in built]
            kept += self._insert_rows(connection, statements, [row for row in rows if row])
        if kept < len(batch):
            record_losses(connection, time.time(), len(batch) - kept)
        return kept

    def _insert_rows(
        self,
        connection: sqlite3.Connection,
        statements: InsertStatements,
        rows: Sequence[InternedRow],
    ) -> int:
        """Write rows, many in one statement; how many could be. One that SQLite refuses must not
        cost the others.
        """
        if len(rows) > 1 and not any(row.is_repeated for row in rows):
            # where it is refused nothing is written yet, and row by row shows which one it is
            with suppress(*REFUSED_VALUE_ERRORS):
                connection.execute(
                    statements.rows[len(rows)], [*chain.from_iterable(row.values for row in rows)]
                )
                return len(rows)
        return sum(self._insert_row(connection, statements, row) for row in rows)

    def _insert_row(
        self, connection: sqlite3.Connection, statements: InsertStatements, row: InternedRow
    ) -> bool:
        try:
            insert_row(connection, statements, row)
        except REFUSED_VALUE_ERRORS as error:
            self._builder.note_lost(decode_call_id(row.values[0]), error)
            return False
        return True

    def _intern_row(
        self, connection: sqlite3.Connection, interned: InternTables, row: JournalRow
    ) -> InternedRow | None:
        try:
            return intern_row(connection, interned, row)
        except REFUSED_VALUE_ERRORS as error:
            self._builder.note_lost(decode_call_id(row.call), error)
            return None


def intern_row(
    connection: sqlite3.Connection, interned: InternTables, row: JournalRow
) -> InternedRow:
    """A row with the numbers of what it has in common with others. Its bytes are bytearrays: for
    each value of another type sqlite3 looks for an adapter, which takes as long as writing it.
    """
    at, readable = row.at, row.readable
    return InternedRow(
        row.dimension.outcome == REPEATED_OUTCOME,
        (
            bytearray(row.call), bytearray(row.digest), at, row.step, row.seconds,
            interned.intern_dimension(connection, row.dimension, at), row.micros,
            interned.intern_text(connection, readable, at) if row.is_anonymous else readable,
            row.own, interned.intern_text(connection, row.said, at),
            bytearray(row.sealed) if row.sealed else None,
        ),
    )  # fmt: skip


def insert_row(
    connection: sqlite3.Connection, statements: InsertStatements, row: InternedRow
) -> None:
    """Write a row. Of a repeated delivery the first has its row, unless that worker died just
    before.
    """
    if row.is_repeated:
        connection.execute(statements.unless_known, (*row.values, *row.values[:2]))
    else:
        connection.execute(statements.rows[1], row.values)
