"""The archive of releases in a SQLite file, shared by all workers and commands of a machine."""

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

from flowengine.releases.archive_database import (
    ARCHIVE_SCHEMA_VERSION,
    ArchiveError,
    build_added_tables_sql,
    build_canary_tables_sql,
    build_tables_sql,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sqlite_errors import SchemaVersionError, suggest_remedy
from flowengine.storage.sqlite_file import SqliteSchema, open_sqlite_file

# One LogOnce for all connections, as each notices the loss by itself.
_log_once = LogOnce(logging.getLogger(__name__))
ARCHIVE_LOST = (
    "the archive of releases was taken away and cannot be put back; what is live goes on until the "
    "server ends: %s"
)
# By path: the file that this process has opened last.
_latest_identities: dict[Path, tuple[int, int] | None] = {}
RESTORE_PAUSE_SECONDS = 1.0  # before the server tries again to restore a file
ARCHIVE_LOSS_TEXT = (
    "who changed what when, candidate and drafts, and the releases to go back to: "
    "calls on those go on in the flows of now, where they fit"
)
ARCHIVE_BUSY_SECONDS = 5.0  # writers write some kilobytes, so one that takes longer has hung
ARCHIVE_SCHEMA = SqliteSchema(
    ARCHIVE_SCHEMA_VERSION,
    {0: build_tables_sql({})},
    additions=[*build_added_tables_sql({}), *build_canary_tables_sql({})],
)


class SqliteDatabase:
    """A connection to the archive file."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with wrap_version_error(path):
                self._file = open_sqlite_file(path, ARCHIVE_SCHEMA, ARCHIVE_BUSY_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(
                f"cannot open the archive of releases {path}: {error}{suggest_remedy(error, ARCHIVE_LOSS_TEXT)}"
            ) from error
        self._connection_number = 1
        self._retry_at = 0.0
        _latest_identities[path] = self._file.identity

    def execute(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        if not self._file.is_in_place() and not self._file.connection.in_transaction:
            self._reopen_lost_file()
        with wrap_sqlite_errors():
            return self._file.connection.execute(sql, values).fetchall()

    def execute_many(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        with wrap_sqlite_errors():
            self._file.connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back already, on a full disk
            if self._file.connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def read_data_version(self) -> int:
        number = int(self.execute("PRAGMA data_version")[0][0])
        return number + (self._connection_number << 32)  # SQLite counts per connection

    def close(self) -> None:
        self._file.connection.close()

    def _reopen_lost_file(self) -> None:
        """Restore the file that was deleted, or switch to the one that replaced it; where neither
        works, continue with the lost file. A connection that missed an earlier loss leaves this to
        the others, as it knows less.
        """
        path = self._file.path
        if self._file.identity != _latest_identities[path] and not path.exists():
            raise ArchiveError(
                "the archive of releases was taken away, and is about to be put back: try again"
            )
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + RESTORE_PAUSE_SECONDS
        try:
            with wrap_version_error(path):
                file = self._file.open_successor(ARCHIVE_BUSY_SECONDS, self._restore)
        except (OSError, sqlite3.Error, ArchiveError) as error:
            _log_once.error(
                ARCHIVE_LOST,
                error,
            )
            return
        _log_once.end(ARCHIVE_LOST, "the archive of releases can be used again")
        self._file.connection.close()
        self._file, self._retry_at = file, 0.0
        self._connection_number += 1
        _latest_identities[path] = file.identity

    def _restore(self, new: sqlite3.Connection) -> None:
        if copy_if_empty(self._file.connection, new):
            _log_once.error(
                "%s was taken away while it was used, and has been put back: to begin anew, "
                "end the server first",
                self._file.path,
            )


def copy_if_empty(old: sqlite3.Connection, new: sqlite3.Connection) -> bool:
    """Copy an archive into an empty one, and return whether it was empty."""
    with new:
        new.execute("BEGIN IMMEDIATE")
        query = "SELECT 1 FROM releases UNION ALL SELECT 1 FROM changes LIMIT 1"
        if new.execute(query).fetchone() is not None:
            return False
        tables = new.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        # only tables of this version; those of earlier ones are left behind
        for (table,) in tables:
            rows = old.execute(f"SELECT * FROM {table}")  # noqa: S608  # tables of our own
            marks = ", ".join("?" * len(rows.description))
            new.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
    return True


@contextmanager
def wrap_sqlite_errors() -> Iterator[None]:
    """Turn errors of SQLite into ArchiveError, the same for every kind of archive."""
    try:
        yield
    except sqlite3.Error as error:
        raise ArchiveError(
            f"the archive of releases fails: {error}{suggest_remedy(error, ARCHIVE_LOSS_TEXT)}"
        ) from error


@contextmanager
def wrap_version_error(path: Path) -> Iterator[None]:
    try:
        yield
    except SchemaVersionError as error:
        raise ArchiveError(
            f"{path} is not an archive of releases of version {ARCHIVE_SCHEMA_VERSION} (its version is "
            f"{error.version}): name another file, "
            f"or move this one away; what is lost then is {ARCHIVE_LOSS_TEXT}"
        ) from error
