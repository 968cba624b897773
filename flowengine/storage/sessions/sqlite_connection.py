"""Opening the file: permissions, schema, pragmas."""

import sqlite3
from pathlib import Path

from flowengine.storage.sessions.sqlite_file import create_file, suggest_remedy
from flowengine.storage.sessions.store_protocol import StoreError

SESSION_SCHEMA_VERSION = 3
SESSION_LOSS_TEXT = (
    "the state of calls whose cookie does not come back, and reports that are still to be delivered"
)
_OPENING_SECONDS = 5.0  # workers that start together create the file together
# an answer may have some kilobytes: two or three calls share a page, so that a commit writes fewer
# of them
_SESSION_PAGE_BYTES = 8192

_ENDINGS_TABLE = (
    "CREATE TABLE endings (number INTEGER PRIMARY KEY, at REAL NOT NULL, content BLOB NOT NULL)"
)

# Rows stand in order of arrival, so the calls of a moment share pages and a commit writes few of
# them: a third fewer microseconds than WITHOUT ROWID. No index on `expires`: it would cost each
# save a fifth more, to spare a purge that runs beside the callbacks.
_SESSION_SCHEMA = (
    """CREATE TABLE calls (id BLOB PRIMARY KEY, counter INTEGER NOT NULL, state BLOB NOT NULL, digest BLOB NOT NULL,
        answer BLOB NOT NULL, claimed REAL NOT NULL, expires REAL NOT NULL, release TEXT NOT NULL DEFAULT '')""",
    (
        "CREATE TABLE claims (id BLOB, digest BLOB, deadline REAL NOT NULL, PRIMARY KEY (id, digest)) "
        "WITHOUT ROWID"
    ),
    (
        "CREATE TABLE outbox (id BLOB PRIMARY KEY, content BLOB NOT NULL, tries INTEGER NOT NULL, "
        "expires REAL NOT NULL, due REAL NOT NULL)"
    ),
    _ENDINGS_TABLE,
    f"PRAGMA user_version = {SESSION_SCHEMA_VERSION}",
)

_FROM_VERSION_2 = (_ENDINGS_TABLE, f"PRAGMA user_version = {SESSION_SCHEMA_VERSION}")
_SESSION_UPGRADES = {
    0: _SESSION_SCHEMA,
    1: ("ALTER TABLE calls ADD COLUMN release TEXT NOT NULL DEFAULT ''", *_FROM_VERSION_2),
    2: _FROM_VERSION_2,
}

# WAL: readers and the one writer do not wait for each other. A commit hands its pages to the
# operating system, so it outlives a killed process; NORMAL leaves fsync to the checkpoints, so that
# a power cut costs the last moments but never the file. Checkpoints are for the housekeeper's
# thread, as they wait for the disk. Deleted values are overwritten: they were callers' words. A
# small cache: SQLite keeps pages of calls that have long ended, 16 MB for each worker, and those
# that it reads again come from the operating system.
_SESSION_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 0",
    "cache_size = -2048",
    "secure_delete = FAST",
)


def open_session_file(path: Path, busy_seconds: float) -> sqlite3.Connection:
    try:
        connection = _open_connection(path)
        connection.execute(f"PRAGMA busy_timeout = {round(busy_seconds * 1000)}")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"cannot open the session store {path}: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
        ) from error
    return connection


def _open_connection(path: Path) -> sqlite3.Connection:
    create_file(path)
    connection = sqlite3.connect(
        path, timeout=_OPENING_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute(
        f"PRAGMA page_size = {_SESSION_PAGE_BYTES}"
    )  # heeded while the file is empty
    try:
        _ensure_schema(connection, path)
        for pragma in _SESSION_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute(
            "SELECT count(*) FROM sqlite_schema"
        ).fetchone()  # opens the log as well, while it is ours
    except BaseException:
        connection.close()
        raise
    return connection


def _ensure_schema(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version in _SESSION_UPGRADES and bool(version) == bool(tables):
        for statement in _SESSION_UPGRADES[version]:
            connection.execute(statement)
    elif version != SESSION_SCHEMA_VERSION:
        raise StoreError(
            f"{path} is not a session store of version {SESSION_SCHEMA_VERSION} (its version is "
            f"{version}): name another file, or move this one "
            f"away; what is lost then is {SESSION_LOSS_TEXT}"
        )
    connection.execute("COMMIT")


def is_busy(error: BaseException) -> bool:
    return (
        isinstance(error, sqlite3.OperationalError)
        and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    )
