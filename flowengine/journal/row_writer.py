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
# Rows in one statement: each statement hands the interpreter to the thread that answers, and must
# get it back. Each size is a statement of its own, which SQLite keeps prepared.
_MAX_ROWS_OF_ANY_SIZE = 16
_LARGE_INSERTS = (64, 32)
# Raised while a value is bound, before anything of the statement is done: the transaction goes on.
REFUSED_VALUE_ERRORS = (
    OverflowError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    UnicodeError,
)


Columns = tuple[Any, ...]
"""A row as the table has it"""


class InsertStatements(NamedTuple):
    """The statements that write rows to a journal: `rows` by how many they write, `unless_known`
    one unless its call has it.
    """

    rows: Mapping[int, str]
    unless_known: str


def build_insert_statements(*, with_version_2: bool) -> InsertStatements:
    """For a journal of today, or for one that has the columns of version 2 as well."""
    old = _COLUMNS_OF_VERSION_2 if with_version_2 else ()
    # What fails in the midst takes the transaction back in any case. Without OR ROLLBACK SQLite copies
    # each page before a statement changes it, to take back that statement alone.
    into = f"INSERT OR ROLLBACK INTO callbacks ({', '.join((*_COLUMNS, *old))}) "
    values = ", ".join(["?"] * len(_COLUMNS) + ["''"] * len(old))
    return InsertStatements(
        {
            rows: f"{into} VALUES {', '.join([f'({values})'] * rows)}"
            for rows in (*range(1, _MAX_ROWS_OF_ANY_SIZE + 1), *_LARGE_INSERTS)
        },
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

    def build_rows(
        self, batch: Sequence[JournalRecord], releases: Mapping[str, Release] | None = None
    ) -> list[JournalRow]:
        """The rows of these callbacks, by these releases where they are given; without those that
        cannot be made. It needs no transaction, in which other workers would wait for it.
        """
        return self._builder.build_rows(batch, releases)

    def report_lost(self) -> None:
        """Log and count the callbacks that have no row, once the others are written."""
        self._builder.report_lost()

    def write_rows(
        self,
        connection: sqlite3.Connection,
        file: JournalFile,
        rows: Sequence[JournalRow],
        missing: int,
    ) -> int:
        """Write these rows, and that so many others are missing; how many could be written. One that
        SQLite refuses must not cost the others.
        """
        statements, kept, start = _STATEMENTS[file.has_version_2], 0, 0
        while start < len(rows):
            part = rows[start : start + choose_insert_size(len(rows) - start)]
            kept += self._write_part(connection, file.interned, statements, part)
            start += len(part)
        if missing := missing + len(rows) - kept:
            record_losses(connection, time.time(), missing)
        return kept

    def _write_part(
        self,
        connection: sqlite3.Connection,
        interned: InternTables,
        statements: InsertStatements,
        rows: Sequence[JournalRow],
    ) -> int:
        found, repeated = list[Columns](), list[bool]()
        for row in rows:
            try:
                found.append(intern_row(connection, interned, row))
                repeated.append(row.dimension.outcome == REPEATED_OUTCOME)
            except REFUSED_VALUE_ERRORS as error:
                self._builder.note_lost(decode_call_id(row.call), error)
        statement = statements.rows.get(len(found))
        if statement and not any(repeated):
            # where it is refused nothing is written yet, and row by row shows which one it is
            with suppress(*REFUSED_VALUE_ERRORS):
                connection.execute(statement, [*chain.from_iterable(found)])
                return len(found)
        return sum(
            self._write_row(connection, statements, columns, is_repeated=is_repeated)
            for columns, is_repeated in zip(found, repeated, strict=True)
        )

    def _write_row(
        self,
        connection: sqlite3.Connection,
        statements: InsertStatements,
        columns: Columns,
        *,
        is_repeated: bool,
    ) -> bool:
        try:
            if is_repeated:
                # the first delivery has its row, unless that worker died just before
                connection.execute(statements.unless_known, (*columns, *columns[:2]))
            else:
                connection.execute(statements.rows[1], columns)
        except REFUSED_VALUE_ERRORS as error:
            self._builder.note_lost(decode_call_id(columns[0]), error)
            return False
        return True


def choose_insert_size(rows: int) -> int:
    """How many of so many rows the next statement writes.

    >>> [choose_insert_size(rows) for rows in (5, 16, 17, 45, 500)]
    [5, 16, 16, 32, 64]
    """
    return next((size for size in _LARGE_INSERTS if size <= rows), min(rows, _MAX_ROWS_OF_ANY_SIZE))


def intern_row(connection: sqlite3.Connection, interned: InternTables, row: JournalRow) -> Columns:
    """The columns of a row, with the numbers of what it has in common with others. Its bytes are
    bytearrays: for each value of another type sqlite3 looks for an adapter, which takes as long as
    writing it.
    """
    at, readable, sealed = row.at, row.readable, row.sealed
    return (
        bytearray(row.call), bytearray(row.digest), at, row.step, row.seconds,
        interned.intern_dimension(connection, row.dimension, at), row.micros,
        interned.intern_text(connection, readable, at) if row.is_anonymous else readable,
        row.own, interned.intern_text(connection, row.said, at),
        bytearray(sealed) if sealed else None,
    )  # fmt: skip
