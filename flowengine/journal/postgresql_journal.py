"""A journal on a PostgreSQL server, as the workers of several machines write it."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from flowengine.compile import Release
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.journal.journal_row import REPEATED_OUTCOME, JournalRecord, JournalRow
from flowengine.journal.postgresql_interning import PartValues
from flowengine.journal.postgresql_parts import JournalParts
from flowengine.journal.postgresql_tables import (
    PostgresqlConnection,
    add_losses,
    ensure_journal_tables,
)
from flowengine.journal.retention import JOURNAL_PURGE_SECONDS, KEEP_NOTHING, NOT_DELETED
from flowengine.journal.row_builder import RowBuilder, RowCounter
from flowengine.runtime.log_once import LogOnce
from flowengine.sinch.call_id import decode_call_id
from flowengine.storage.postgresql import connect, read_versions
from flowengine.storage.sessions.store_url import redact_password

log = logging.getLogger(__name__)
WRITER_STATEMENT_SECONDS = 10.0  # this thread waits, and no answer
SERVER_SIZE_CHECK_SECONDS = 10.0
MAX_PARTS_IN_MEMORY = 2  # around midnight callbacks of both days come
_CALLBACK_COLUMNS = (
    "part", "call", "digest", "at", "step", "seconds", "dimension", "micros", "readable", "readable_text", "own", "said",
    "said_text", "sealed",
)  # fmt: skip
_TYPES = (
    "int4", "bytea", "bytea", "float8", "int8", "int8", "int8", "int8", "text", "int8", "text", "text", "int8", "bytea",
)  # fmt: skip
_COPY = (
    f"COPY flowengine.journal_callbacks ({', '.join(_CALLBACK_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
)
_INSERT_UNLESS_KNOWN = (
    f"INSERT INTO flowengine.journal_callbacks ({', '.join(_CALLBACK_COLUMNS)}) "  # noqa: S608  # names of ours
    f"SELECT {', '.join(f'%b::{kind}' for kind in _TYPES)} WHERE NOT EXISTS "
    "(SELECT 1 FROM flowengine.journal_callbacks WHERE call = %b AND digest = %b)"
)
# Raised for a value, not for the connection: the other rows can be written. One that is too long for
# an index is a limit of the program to PostgreSQL.
_UNFIT_VALUE_ERRORS = (
    psycopg.DataError,
    psycopg.errors.ProgramLimitExceeded,
    UnicodeError,
    OverflowError,
)
RowValues = tuple[Any, ...]


class PostgresqlJournalStorage:
    """`release` finds a release by its id, or the current one; `machine` is the name of this one."""

    def __init__(
        self,
        address: str,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
        observe: Callable[[JournalUsage], None],
        machine: str,
    ) -> None:
        self._address = address
        self._name = redact_password(address)
        self._machine = machine
        self._find_release = release
        self._observe = observe
        self._builder = RowBuilder(release, encryption, counted)
        self._parts = JournalParts(self._name, lambda: release(""), counted)
        self._values: dict[int, PartValues] = {}
        self._connection: PostgresqlConnection | None = None
        self._log_once = LogOnce(log)
        self._next_purge = self._next_size_check = float("-inf")
        self._losses = 0  # that are not written down yet
        self._unsure = 0  # callbacks, the next ones, that may be there already

    def write(self, noted: Sequence[JournalRecord], lost: int) -> int:
        """Write callbacks; how many could be written."""
        connection = self._ensure_connection()  # without one no row need be made
        rows = self._builder.build_rows(noted)
        try:
            kept = self._write_rows(connection, rows, self._unsure)
        except psycopg.Error:
            # Where the connection broke as it was committed, the same come again and are there.
            self._unsure = max(self._unsure, len(noted))
            self._disconnect()
            raise
        self._builder.report_lost()
        self._unsure = max(0, self._unsure - len(noted))
        self._losses += lost + len(noted) - kept
        if self._losses:
            self._write_losses(connection)
        return kept

    def describe_wait(self, error: Exception, *, is_ending: bool) -> str:  # noqa: ARG002
        """The database may be restarting, or full; somebody may have to give it a right."""
        return self.format_error(error) if isinstance(error, psycopg.Error) else ""

    def format_error(self, error: Exception) -> str:
        """What is the matter."""
        return f"{self._name}: {str(error).strip()}"

    def limit_size(self, _written: int) -> None:
        """Drop the oldest callbacks where the journal is too large. All machines look."""
        now = time.monotonic()
        if self._connection is None or now < self._next_size_check:
            return
        self._next_size_check = now + SERVER_SIZE_CHECK_SECONDS
        try:
            self._observe(self._parts.limit_size(self._connection))
            self._forget_dropped_parts()
        except psycopg.Error:
            self._disconnect()
            raise

    def look_after(self, _has_more: Callable[[], bool]) -> bool:
        """Drop what is too old."""
        now = time.monotonic()
        if now < self._next_purge:
            return False
        self._next_purge = now + JOURNAL_PURGE_SECONDS
        keeps_nothing = self._find_release("").journal.keep == KEEP_NOTHING
        try:
            if not keeps_nothing or self._connection is not None or self._has_tables():
                self._parts.drop_old(self._ensure_connection())
                self._forget_dropped_parts()
            self._log_once.end(NOT_DELETED, "old calls are deleted from the call journal again")
        except psycopg.Error as error:
            self._disconnect()
            self._log_once.error(NOT_DELETED, self.format_error(error))
        return False

    def close(self) -> None:
        """Close the connection."""
        self._disconnect()

    def _has_tables(self) -> bool:
        with connect(self._address, WRITER_STATEMENT_SECONDS) as connection:
            return "journal" in read_versions(connection)

    def _ensure_connection(self) -> PostgresqlConnection:
        if self._connection is None:
            connection = connect(self._address, WRITER_STATEMENT_SECONDS)
            try:
                # A commit survives a killed server, as in a file, and waits for no disk.
                connection.execute("SET synchronous_commit = off")
                ensure_journal_tables(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        """What is known may be wrong now."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._parts.forget()
        self._values.clear()

    def _forget_dropped_parts(self) -> None:
        """Texts of a part that is gone must be written again where it comes back."""
        for part in [part for part in self._values if not self._parts.has_part(part)]:
            del self._values[part]

    def _write_losses(self, connection: PostgresqlConnection) -> None:
        try:
            add_losses(connection, self._losses)
        except psycopg.Error:  # the callbacks are written; this is tried again with the next ones
            self._disconnect()
        else:
            self._losses = 0

    def _write_rows(
        self, connection: PostgresqlConnection, rows: Sequence[JournalRow], unsure: int
    ) -> int:
        """Write rows at once, the first `unsure` unless they are there; how many could be. One that is
        refused must not cost the others.
        """
        if not rows:
            return 0
        try:
            self._copy_rows(connection, rows, unsure)
        except _UNFIT_VALUE_ERRORS as error:
            self._values.clear()
            if len(rows) == 1:
                self._builder.note_lost(decode_call_id(rows[0].call), error)
                return 0
            middle = len(rows) // 2
            first = self._write_rows(connection, rows[:middle], unsure)
            return first + self._write_rows(connection, rows[middle:], max(0, unsure - middle))
        return len(rows)

    def _copy_rows(
        self, connection: PostgresqlConnection, rows: Sequence[JournalRow], unsure: int
    ) -> None:
        new, doubtful = list[RowValues](), list[RowValues]()
        for index, row in enumerate(rows):
            values = self._build_values(connection, row)
            # of a repeated delivery the first has its row, unless that worker died just before
            is_repeated = row.dimension.outcome == REPEATED_OUTCOME
            (doubtful if is_repeated or index < unsure else new).append(values)
        for known in self._values.values():
            known.write_new(connection)
        if not doubtful:
            self._copy(connection, new)
            return
        with connection.transaction():
            for values in doubtful:
                connection.execute(_INSERT_UNLESS_KNOWN, (*values, *values[1:3]), binary=True)
            self._copy(connection, new)

    def _copy(self, connection: PostgresqlConnection, rows: Sequence[RowValues]) -> None:
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for values in rows:
                copy.write_row(values)

    def _build_values(self, connection: PostgresqlConnection, row: JournalRow) -> RowValues:
        part = self._parts.ensure_part(connection, row.at)
        values = self._values.get(part)
        if values is None:
            if len(self._values) >= MAX_PARTS_IN_MEMORY:
                oldest = min(self._values)
                self._values[oldest].write_new(connection)
                del self._values[oldest]
            values = self._values[part] = PartValues(part, self._machine)
        readable = values.intern_text(row.readable) if row.is_anonymous else (row.readable, None)
        return (
            part, row.call, row.digest, row.at, row.step, row.seconds, values.intern_dimension(row.dimension), row.micros,
            *readable, row.own, *values.intern_text(row.said), row.sealed,
        )  # fmt: skip
