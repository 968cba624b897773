"""The archive of releases in a file: shared by all workers and commands of a machine."""

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
    build_tables_sql,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sessions.sqlite_file import (
    FileIdentity,
    create_file,
    restore_file,
    suggest_remedy,
)

_log_once = LogOnce(
    logging.getLogger(__name__)
)  # one for all connections, as each finds out for itself
_latest_identities: dict[
    Path, FileIdentity
] = {}  # by path: the file that this process has opened last
RESTORE_PAUSE_SECONDS = 1.0  # before a file that could not be put back is tried again
ARCHIVE_LOSS_TEXT = (
    "who changed what when, candidate and drafts, and the releases to go back to: "
    "calls on those go on in the flows of now, where they fit"
)
ARCHIVE_BUSY_SECONDS = (
    5.0  # whoever writes here writes some kilobytes; longer than this is a hung process
)


class SqliteDatabase:
    """A connection to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = open_archive_file(path)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(
                f"cannot open the archive of releases {path}: {error}{suggest_remedy(error, ARCHIVE_LOSS_TEXT)}"
            ) from error
        self._identity, self._connection_number = FileIdentity(path), 1
        _latest_identities[path] = self._identity
        self._retry_at = 0.0

    def execute(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        if not self._identity.is_unchanged() and not self._connection.in_transaction:
            self._reopen_lost_file()
        with wrap_sqlite_errors():
            return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        with wrap_sqlite_errors():
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has taken it back already
                self.execute("ROLLBACK")
            raise

    def read_data_version(self) -> int:
        number = int(self.execute("PRAGMA data_version")[0][0])
        return number + (self._connection_number << 32)  # each connection counts for itself

    def close(self) -> None:
        self._connection.close()

    def _reopen_lost_file(self) -> None:
        """Put the file back that was taken away, or go on with the one in its place; where neither
        can be, with what nobody else finds.

        A connection that has slept through an earlier loss knows less than those that have not, and
        leaves it to them.
        """
        if (
            not self._identity.is_same_file(_latest_identities[self._path])
            and not self._path.exists()
        ):
            raise ArchiveError(
                "the archive of releases was taken away, and is about to be put back: try again"
            )
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + RESTORE_PAUSE_SECONDS
        try:
            if restore_file(self._connection, self._path):
                _log_once.error(
                    "%s was taken away while it was used, and has been put back: to begin anew, "
                    "end the server first",
                    self._path,
                )
            self._identity.remove_companions()
            connection = open_archive_file(self._path)
        except (OSError, sqlite3.Error, ArchiveError) as error:
            _log_once.error(
                "the archive of releases was taken away and cannot be put back; what is live goes "
                "on until the server ends: %s",
                error,
            )
            return
        self._connection.close()
        self._connection, self._identity, self._connection_number, self._retry_at = (
            connection,
            FileIdentity(self._path),
            self._connection_number + 1,
            0.0,
        )
        _latest_identities[self._path] = self._identity


@contextmanager
def wrap_sqlite_errors() -> Iterator[None]:
    """What fails is said in one way, wherever the archive lies."""
    try:
        yield
    except sqlite3.Error as error:
        raise ArchiveError(
            f"the archive of releases fails: {error}{suggest_remedy(error, ARCHIVE_LOSS_TEXT)}"
        ) from error


def open_archive_file(path: Path) -> sqlite3.Connection:
    """The file, made where there is none. Raises OSError, sqlite3.Error or ArchiveError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_file(path)
    connection = sqlite3.connect(
        path, timeout=ARCHIVE_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    _prepare_schema(connection, path)
    return connection


def _prepare_schema(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (made,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and made == 0:
        for statement in build_tables_sql({}):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {ARCHIVE_SCHEMA_VERSION}")
    elif version != ARCHIVE_SCHEMA_VERSION:
        connection.close()
        raise ArchiveError(
            f"{path} is not an archive of releases of version {ARCHIVE_SCHEMA_VERSION} (its version is "
            f"{version}): name another file, "
            f"or move this one away; what is lost then is {ARCHIVE_LOSS_TEXT}"
        )
    for statement in build_added_tables_sql({}):
        connection.execute(statement)
    connection.execute("COMMIT")
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(
        "SELECT count(*) FROM sqlite_schema"
    ).fetchone()  # opens the log as well, while it is ours
