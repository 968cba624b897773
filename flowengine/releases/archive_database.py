"""The interface of the database of the archive and the ledger: the same tables in SQLite and in
PostgreSQL.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, LiteralString, Protocol

from flowengine.operator_error import OperatorError

ARCHIVE_SCHEMA_VERSION = 1


class ArchiveError(OperatorError):
    """The archive of releases cannot be opened, read or written; the message says why."""


class ArchiveDatabase(Protocol):
    """A connection to the database, for one thread at a time. Statements have ? in place of values.
    Every method raises ArchiveError.
    """

    def execute(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; its changes are committed when this returns."""
        ...

    def execute_many(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run the same statement with many rows of values."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all statements inside or none, isolated from other connections."""
        ...

    def read_data_version(self) -> int:
        """A number that changes when another connection changes the ledger."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


# The archive stores each content once, by its digest: where a release changes one of a thousand
# flows, it costs one flow.
_ARCHIVE_TABLES: tuple[LiteralString, ...] = (
    "CREATE TABLE contents (digest BLOB PRIMARY KEY, packed BLOB NOT NULL)",
    (
        "CREATE TABLE releases (id TEXT PRIMARY KEY, made REAL NOT NULL, origin TEXT NOT NULL, files "
        "BLOB NOT NULL)"
    ),
    """CREATE TABLE changes (number INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        release TEXT NOT NULL, details TEXT NOT NULL)""",
    (
        "CREATE TABLE rejected (place TEXT PRIMARY KEY, at REAL NOT NULL, origin TEXT NOT NULL, "
        "problems TEXT NOT NULL)"
    ),
)

# Later versions added these tables, and older archives stay valid: one row, the leader record.
_ADDED_TABLES: tuple[LiteralString, ...] = (
    "CREATE TABLE IF NOT EXISTS following (one INTEGER PRIMARY KEY, details TEXT NOT NULL)",
)

# For canary statistics: the columns of each callback, as in the journal of its machine, and how far
# each machine has uploaded its journal.
_CANARY_TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE IF NOT EXISTS canary_callbacks (machine TEXT NOT NULL, number INTEGER NOT NULL, call BLOB NOT NULL,
        at REAL NOT NULL, event TEXT NOT NULL, release TEXT NOT NULL, step INTEGER NOT NULL, outcome TEXT NOT NULL,
        action TEXT NOT NULL, exit TEXT NOT NULL, reason TEXT NOT NULL, seconds INTEGER NOT NULL,
        PRIMARY KEY (call, at, machine, number))""",
    (
        "CREATE TABLE IF NOT EXISTS canary_machines (machine TEXT PRIMARY KEY, since REAL NOT NULL, "
        "number INTEGER NOT NULL)"
    ),
)


def build_tables_sql(words: Mapping[LiteralString, LiteralString]) -> list[LiteralString]:
    """The statements that create the tables, with the type names of the database."""
    return translate_types(_ARCHIVE_TABLES, words)


def build_added_tables_sql(words: Mapping[LiteralString, LiteralString]) -> list[LiteralString]:
    """The statements for the tables that an archive of an earlier version lacks."""
    return translate_types(_ADDED_TABLES, words)


def build_canary_tables_sql(words: Mapping[LiteralString, LiteralString]) -> list[LiteralString]:
    """The statements for the tables of canary statistics."""
    return translate_types(_CANARY_TABLES, words)


def translate_types(
    statements: Iterable[LiteralString], words: Mapping[LiteralString, LiteralString]
) -> list[LiteralString]:
    made: list[LiteralString] = []
    for statement in statements:
        for own, other in words.items():
            statement = statement.replace(own, other)  # noqa: PLW2901
        made.append(statement)
    return made
