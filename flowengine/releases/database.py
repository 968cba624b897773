"""The file that holds releases and the record of what was live: shared by all workers, commands and machines that share the store."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0  # whoever writes here writes some kilobytes; longer than this is a hung process

# Contents stand once, by their digest: a thousand flows of which each release changes one cost one flow a release.
_SCHEMA = (
    "CREATE TABLE contents (digest BLOB PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE releases (id TEXT PRIMARY KEY, made REAL NOT NULL, origin TEXT NOT NULL, files BLOB NOT NULL)",
    """CREATE TABLE changes (number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
        release TEXT NOT NULL, details TEXT NOT NULL)""",
    "CREATE TABLE rejected (place TEXT PRIMARY KEY, at REAL NOT NULL, origin TEXT NOT NULL, problems TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class ArchiveError(Exception):
    """The archive of releases cannot be opened, read or written; the message says why."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, and make it where there is none. One connection serves one thread at a time. Raises ArchiveError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):  # a file that is there stays closed: closing it would take the locks of our other connections
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # flows are a company's own business
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(f"cannot open the archive of releases {path}: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        for statement in _SCHEMA:
            connection.execute(statement)
    elif version != SCHEMA_VERSION:
        connection.close()
        raise ArchiveError(
            f"{path} is not an archive of releases of version {SCHEMA_VERSION} (its version is {version}): name another file"
        )
    connection.execute("COMMIT")
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing, with nobody else writing in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
