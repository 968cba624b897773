"""The one way to open a SQLite file: for its owner alone, with its schema, and with a check that it
is still the file at its path.

Somebody may delete or replace a file while it is open. SQLite does not notice, and continues with a
file that no other process can find. So an open file tells whether it is in place, and opens its
successor.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from flowengine.storage.file_locks import lock_folder
from flowengine.storage.file_mode import restrict_to_owner
from flowengine.storage.sqlite_errors import SchemaVersionError

OPENING_SECONDS = 5.0  # a worker that creates the schema lets the others wait
# WAL: readers and the one writer do not wait for each other. A commit gives its pages to the
# operating system, so it survives a killed process. NORMAL leaves fsync to the checkpoints, so a
# power cut loses the last moments but never the file.
_COMMON_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL")
CopyRows = Callable[[sqlite3.Connection], object]
"""Copies the live rows of a lost file to its successor"""


class SqliteSchema(NamedTuple):
    """The schema of a kind of file. `upgrades` has the statements from each version to the next,
    from 0 for a new file. `additions` are tables that earlier versions of the server ignore, so
    they need no new version.
    """

    version: int
    upgrades: Mapping[int, Sequence[str]]
    additions: Sequence[str] = ()
    pragmas: Sequence[str] = ()
    page_bytes: int = 4096


class SqliteFile:
    """An open file, for one thread at a time."""

    def __init__(self, path: Path, schema: SqliteSchema, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.identity = _read_identity(path)
        self._schema = schema
        self._companions = {name: _read_identity(name) for name in _list_companions(path)}

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file. Takes a microsecond or two."""
        return _read_identity(self.path) == self.identity

    def open_successor(self, busy: float, copy: CopyRows | None = None) -> "SqliteFile":
        """Open the file that is at the path now, or create one; no other process of the server
        opens it before `copy` has ended. This file stays open, but its write-ahead log is deleted
        from the path, as it would damage the successor. Raises OSError or sqlite3.Error.
        """
        with lock_folder(self.path.parent):
            for name, identity in self._companions.items():
                if identity is not None and _read_identity(name) == identity:
                    name.unlink()
            create_file(self.path)
            return _open(self.path, self._schema, busy, copy)


def open_sqlite_file(path: Path, schema: SqliteSchema, busy: float) -> SqliteFile:
    """Open the file; create it where it does not exist, and upgrade an older one. Raises OSError or
    sqlite3.Error.
    """
    with lock_folder(path.parent):
        create_file(path)
    return _open(path, schema, busy, None)


def connect_existing(path: Path, mode: Literal["ro", "rw"], busy: float) -> sqlite3.Connection:
    """Connect to an existing file without looking at its schema. Raises OSError or sqlite3.Error."""
    address = f"{path.resolve().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=busy, isolation_level=None)


def create_file(path: Path) -> None:
    """Create the file where it does not exist. Either way only its owner may use it afterwards. The
    caller holds the lock of the folder. Raises OSError.
    """
    if not os.path.lexists(path):
        # The write-ahead log of a deleted file is no part of the new one, which would fail with it.
        for name in _list_companions(path):
            name.unlink(missing_ok=True)
        # SQLite gives its other files the same permissions.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return
    # An existing file is not opened here: closing it would drop the locks of other connections.
    restrict_to_owner(path, *_list_companions(path))
    is_effective = os.access in os.supports_effective_ids
    if path.exists() and not os.access(path, os.W_OK, effective_ids=is_effective):
        # SQLite would open a read-only file, and fail at the first call.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _open(path: Path, schema: SqliteSchema, busy: float, copy: CopyRows | None) -> SqliteFile:
    connection = sqlite3.connect(
        path, timeout=OPENING_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # SQLite heeds this only while the file is empty.
        connection.execute(f"PRAGMA page_size = {schema.page_bytes}")
        _ensure_schema(connection, schema)
        for pragma in (*_COMMON_PRAGMAS, *schema.pragmas):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        # This also opens the write-ahead log, while no other process can replace it.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if copy is not None:
            copy(connection)
        connection.execute(f"PRAGMA busy_timeout = {round(busy * 1000)}")
    except BaseException:
        connection.close()
        raise
    return SqliteFile(path, schema, connection)


def _ensure_schema(connection: sqlite3.Connection, schema: SqliteSchema) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version in schema.upgrades and bool(version) == bool(tables):
        for statement in schema.upgrades[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema.version}")
    elif version != schema.version:
        raise SchemaVersionError(version)
    for statement in schema.additions:
        connection.execute(statement)
    connection.execute("COMMIT")


def _read_identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # the same in a quarter of the time
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _list_companions(path: Path) -> list[Path]:
    real = path.resolve()
    return [real.with_name(real.name + suffix) for suffix in ("-wal", "-shm")]
