"""The archive of releases on a PostgreSQL server: shared by all machines that reach it, and with it
the turn to follow a place.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, LiteralString, TypeVar

import psycopg

from flowengine.releases.database import SCHEMA_VERSION, ArchiveError, later_tables, tables
from flowengine.runtime.pooler import check_sessions
from flowengine.runtime.postgresql import connect, ensure

_PATIENCE_SECONDS = 10.0  # whoever writes here writes some kilobytes
_TURN_SECONDS = 2.0
_TABLE = re.compile(
    r"\b(FROM|INTO|UPDATE|TABLE|EXISTS) "
    r"(contents|releases|changes|rejected|following|canary_calls|canary_machines)\b"
)
_WORDS: dict[LiteralString, LiteralString] = {
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
    "INTEGER": "BIGINT",
}

# Locks go by the table that they are about, so that each installation has its own.
_ONE_WRITER: LiteralString = (
    "SELECT pg_advisory_xact_lock('flowengine.changes'::regclass::oid::bigint)"
)
_TURN: LiteralString = "SELECT pg_try_advisory_lock('flowengine.releases'::regclass::oid::bigint)"

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]


class PostgresqlDatabase:
    """A connection to the server, and another one when the server was started anew."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._inside = False
        with spoken("cannot open the archive of releases"):
            check_sessions(address)
            self._connection = connect(address, _PATIENCE_SECONDS)
            try:
                ensure(self._connection, "releases", SCHEMA_VERSION, [*map(placed, tables(_WORDS))])
                ensure(
                    self._connection,
                    "servers",
                    SCHEMA_VERSION,
                    [*map(placed, later_tables(_WORDS))],
                )
            except BaseException:
                self._connection.close()
                raise

    def rows(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        def ask(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(placed(sql), values, binary=True)
            return cursor.fetchall() if cursor.description else []

        return self._ask(ask)

    def run_all(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        given = list(rows)
        self._ask(lambda connection: connection.cursor().executemany(placed(sql), given))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows(
            "SELECT 1"
        )  # a connection that broke unseen is made anew before, as nothing can be later
        with spoken(), self._connection.transaction():
            self._connection.execute(_ONE_WRITER)
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def version(self) -> int:
        return int(self.rows("SELECT coalesce(max(number), 0) FROM changes")[0][0])

    def close(self) -> None:
        self._connection.close()

    def _ask(self, question: Callable[[Connection], T]) -> T:
        """What finds the connection broken is asked again over a new one: done twice, none of it
        changes anything more.
        """
        with spoken():
            if not self._connection.closed:
                try:
                    return question(self._connection)
                except psycopg.OperationalError:
                    if self._inside or not self._connection.closed:
                        raise
            self._connection = connect(self._address, _PATIENCE_SECONDS)
            return question(self._connection)


class PostgresqlTurn:
    """The turn to follow. It belongs to one process of all machines, and is free again when that
    process or its machine ends.
    """

    lost_after = 12.0  # the server gives up what it has not heard of for ten

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._ours = False

    def taken(self) -> bool:
        """Whether it is ours now. It is lost with the connection."""
        try:
            if self._connection is None or self._connection.closed:
                self._ours = False
                self._connection = connect(self._address, _TURN_SECONDS)
            found = self._connection.execute("SELECT TRUE" if self._ours else _TURN).fetchone()
        except psycopg.Error:
            found = None
        self._ours = found == (True,)
        return self._ours

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@contextmanager
def spoken(what: str = "the archive of releases fails") -> Iterator[None]:
    """What fails is said in one way, wherever the archive lies."""
    try:
        yield
    except psycopg.Error as error:
        raise ArchiveError(f"{what}: {error}") from error


@lru_cache(maxsize=256)
def placed(sql: LiteralString) -> LiteralString:
    """The statement for PostgreSQL: values as %b, and tables in our schema."""
    return _TABLE.sub(r"\1 flowengine.\2", sql).replace("?", "%b")
