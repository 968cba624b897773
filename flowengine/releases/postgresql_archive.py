"""The archive and the leader lock on a PostgreSQL server, shared by all machines that reach it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, LiteralString, TypeVar

import psycopg

from flowengine.releases.archive_database import (
    ARCHIVE_SCHEMA_VERSION,
    ArchiveError,
    build_added_tables_sql,
    build_canary_tables_sql,
    build_tables_sql,
)
from flowengine.storage.pooler import check_sessions
from flowengine.storage.postgresql import connect, ensure_tables
from flowengine.storage.sessions.store_url import redact_password

_STATEMENT_SECONDS = 10.0  # writers here write some kilobytes
_LOCK_SECONDS = 2.0
_TABLE_NAME = re.compile(
    r"\b(FROM|INTO|UPDATE|TABLE|EXISTS) "
    r"(contents|releases|changes|rejected|following|canary_callbacks|canary_machines)\b"
)
_POSTGRESQL_TYPES: dict[LiteralString, LiteralString] = {
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
    "INTEGER": "BIGINT",
}

# The id of the table is part of the lock's key, so that each installation has its own lock.
_LOCK_FOR_WRITING: LiteralString = (
    "SELECT pg_advisory_xact_lock('flowengine.changes'::regclass::oid::bigint)"
)
_TRY_LEADER_LOCK: LiteralString = (
    "SELECT pg_try_advisory_lock('flowengine.releases'::regclass::oid::bigint)"
)

T = TypeVar("T")
PostgresqlConnection = psycopg.Connection[tuple[Any, ...]]


class PostgresqlDatabase:
    """A connection to the server, which is opened again after a restart of the server."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._in_transaction = False
        where = f"on {redact_password(address)}"
        with wrap_postgresql_errors(f"cannot open the archive of releases {where}"):
            check_sessions(address)
            self._connection = connect(address, _STATEMENT_SECONDS)
            try:
                ensure_tables(
                    self._connection,
                    "releases",
                    ARCHIVE_SCHEMA_VERSION,
                    [*map(to_postgresql_sql, build_tables_sql(_POSTGRESQL_TYPES))],
                )
                ensure_tables(
                    self._connection,
                    "servers",
                    ARCHIVE_SCHEMA_VERSION,
                    [*map(to_postgresql_sql, build_added_tables_sql(_POSTGRESQL_TYPES))],
                )
                ensure_tables(
                    self._connection,
                    "canary",
                    ARCHIVE_SCHEMA_VERSION,
                    [*map(to_postgresql_sql, build_canary_tables_sql(_POSTGRESQL_TYPES))],
                )
            except BaseException:
                self._connection.close()
                raise

    def execute(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        def ask(connection: PostgresqlConnection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(to_postgresql_sql(sql), values, binary=True)
            return cursor.fetchall() if cursor.description else []

        return self._run_with_reconnect(ask)

    def execute_many(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        given = list(rows)
        self._run_with_reconnect(
            lambda connection: connection.cursor().executemany(to_postgresql_sql(sql), given)
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # a query first opens a broken connection again, as the transaction itself cannot be repeated
        self.execute("SELECT 1")
        with wrap_postgresql_errors(), self._connection.transaction():
            # writers take turns, as the ledger numbers its changes without gaps
            self._connection.execute(_LOCK_FOR_WRITING)
            self._in_transaction = True
            try:
                yield
            finally:
                self._in_transaction = False

    def read_data_version(self) -> int:
        return int(self.execute("SELECT coalesce(max(number), 0) FROM changes")[0][0])

    def close(self) -> None:
        self._connection.close()

    def _run_with_reconnect(self, question: Callable[[PostgresqlConnection], T]) -> T:
        """Run the query, and once more over a new connection where the old one was broken. Only for
        queries that may run twice.
        """
        with wrap_postgresql_errors():
            if not self._connection.closed:
                try:
                    return question(self._connection)
                except psycopg.OperationalError:
                    # half a transaction cannot continue over another connection
                    if self._in_transaction or not self._connection.closed:
                        raise
            self._connection = connect(self._address, _STATEMENT_SECONDS)
            return question(self._connection)


class PostgresqlLeaderLock:
    """The leader lock among all machines. It is free when its owner, or the machine of its owner,
    has ended.
    """

    lease_seconds = 12.0  # the server drops a session that was silent for ten seconds

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: PostgresqlConnection | None = None
        self._is_held = False

    def try_acquire(self) -> bool:
        """Whether this process holds the lock now. The lock is lost with its connection."""
        try:
            if self._connection is None or self._connection.closed:
                self._is_held = False
                self._connection = connect(self._address, _LOCK_SECONDS)
            found = self._connection.execute(
                # advisory locks are counted: taking a held one again would need two releases
                "SELECT TRUE" if self._is_held else _TRY_LEADER_LOCK
            ).fetchone()
        except psycopg.Error:
            found = None
        self._is_held = found == (True,)
        return self._is_held

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@contextmanager
def wrap_postgresql_errors(summary: str = "the archive of releases fails") -> Iterator[None]:
    """Raise ArchiveError for errors of PostgreSQL."""
    try:
        yield
    except psycopg.Error as error:
        raise ArchiveError(f"{summary}: {error}") from error


@lru_cache(maxsize=256)
def to_postgresql_sql(sql: LiteralString) -> LiteralString:
    """The statement in the SQL of PostgreSQL: values as %b, tables in our schema."""
    return _TABLE_NAME.sub(r"\1 flowengine.\2", sql).replace("?", "%b")
