"""The archive of releases in a file: shared by all workers and commands of a machine."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

from flowengine.releases.database import SCHEMA_VERSION, ArchiveError, later_tables, tables

BUSY_SECONDS = 5.0  # whoever writes here writes some kilobytes; longer than this is a hung process


class SqliteDatabase:
    """A connection to the file."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = opened(path)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(f"cannot open the archive of releases {path}: {error}") from error

    def rows(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        with spoken():
            return self._connection.execute(sql, values).fetchall()

    def run_all(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        with spoken():
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has taken it back already
                self.rows("ROLLBACK")
            raise

    def version(self) -> int:
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        self._connection.close()


@contextmanager
def spoken() -> Iterator[None]:
    """What fails is said in one way, wherever the archive lies."""
    try:
        yield
    except sqlite3.Error as error:
        raise ArchiveError(f"the archive of releases fails: {error}") from error


def opened(path: Path) -> sqlite3.Connection:
    """The file, made where there is none. Raises OSError, sqlite3.Error or ArchiveError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):  # a file that is there stays closed: closing it would take the locks of our other connections
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # flows are a company's own business
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    _prepare(connection, path)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (made,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and made == 0:
        for statement in tables({}):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        connection.close()
        raise ArchiveError(
            f"{path} is not an archive of releases of version {SCHEMA_VERSION} (its version is {version}): name another file"
        )
    for statement in later_tables({}):
        connection.execute(statement)
    connection.execute("COMMIT")
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
