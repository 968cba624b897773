"""The file that holds the journal: one row for each callback, written by all workers of a machine."""

import sqlite3
from pathlib import Path

from flowengine.storage.sessions.sqlite_file import create_file, suggest_remedy

JOURNAL_FILE = "journal.db"
JOURNAL_SCHEMA_VERSION = 2
JOURNAL_PAGE_BYTES = 8192  # some ten callbacks share a page
JOURNAL_BUSY_SECONDS = 5.0  # whoever writes here has a thread of its own to wait in

# `inbox` has what came under load and is no row yet; what no key opens waits there, should its key
# come back.
_INBOX_TABLE = """CREATE TABLE inbox (number INTEGER PRIMARY KEY, at REAL NOT NULL, callbacks INTEGER NOT NULL,
    content BLOB NOT NULL, unreadable INTEGER NOT NULL DEFAULT 0)"""

# `shown` and `said` are for everybody who may read the file, `sealed` for replay. `action` to
# `seconds` repeat what figures are made of. What many callers are told stands once, in `answers`;
# what only this one was told in `said`. Ids of calls are bytes, as SQLite refuses some texts that
# JSON may carry.
_JOURNAL_SCHEMA = (
    """CREATE TABLE callbacks (number INTEGER PRIMARY KEY, call BLOB NOT NULL, digest BLOB NOT NULL, at REAL NOT NULL, event TEXT NOT NULL,
        release TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, outcome TEXT NOT NULL,
        action TEXT NOT NULL, exit TEXT NOT NULL, reason TEXT NOT NULL, seconds INTEGER NOT NULL, shown TEXT NOT NULL, sealed BLOB,
        said TEXT NOT NULL, answer INTEGER NOT NULL)""",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY, at REAL NOT NULL, content TEXT NOT NULL)",
    "CREATE INDEX by_call ON callbacks (call)",
    "CREATE INDEX by_time ON callbacks (at)",
    _INBOX_TABLE,
    f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION}",
)

# What came later stands for itself, so that journals from before go on, and go back: how many
# callbacks are missing, by the minute in which that was written down.
_LOSSES = (
    "CREATE TABLE IF NOT EXISTS losses (minute INTEGER PRIMARY KEY, callbacks INTEGER NOT NULL)"
)

_JOURNAL_UPGRADES = {
    0: _JOURNAL_SCHEMA,
    1: (_INBOX_TABLE, f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION}"),
}

# As in the session store: a commit survives a killed process, and what is deleted is overwritten.
_JOURNAL_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "secure_delete = FAST",
    f"wal_autocheckpoint = {16_000_000 // JOURNAL_PAGE_BYTES}",
)


JOURNAL_LOSS_TEXT = "the calls that are recorded in it"


class JournalError(Exception):
    """The journal cannot be opened or read; the message says why."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the journal, and make it where there is none. Raises OSError or sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_file(path)
    connection = sqlite3.connect(
        path, timeout=JOURNAL_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA page_size = {JOURNAL_PAGE_BYTES}")  # heeded while the file is empty
    try:
        _prepare_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version in _JOURNAL_UPGRADES and bool(version) == bool(tables):
        for statement in _JOURNAL_UPGRADES[version]:
            connection.execute(statement)
    elif version != JOURNAL_SCHEMA_VERSION:
        raise sqlite3.DatabaseError(
            f"this is no call journal of version {JOURNAL_SCHEMA_VERSION} (its version is {version}); move "
            "the file away, then one is made anew: "
            f"what is lost then is {JOURNAL_LOSS_TEXT}"
        )
    connection.execute(_LOSSES)
    connection.execute("COMMIT")
    for pragma in _JOURNAL_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a journal to read it, while servers may be writing. Raises JournalError."""
    if not path.is_file():
        raise JournalError(f"there is no call journal {path}")
    try:
        connection = sqlite3.connect(
            f"file:{path.resolve().as_posix()}?mode=ro",
            uri=True,
            timeout=JOURNAL_BUSY_SECONDS,
            isolation_level=None,
        )
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise JournalError(format_read_error(path, error)) from error
    if version not in (*_JOURNAL_UPGRADES, JOURNAL_SCHEMA_VERSION) or version == 0:
        connection.close()
        raise JournalError(
            f"{path} is no call journal of version {JOURNAL_SCHEMA_VERSION} (its version is {version}): "
            "name another store"
        )
    return connection


def format_read_error(path: Path, error: sqlite3.Error) -> str:
    return (
        f"the call journal {path} cannot be read: {error}{suggest_remedy(error, JOURNAL_LOSS_TEXT)}"
    )
