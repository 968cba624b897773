"""The file that holds the journal: one row for each callback, written by all workers of a machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.operator_error import OperatorError
from flowengine.storage.sqlite_errors import SchemaVersionError, suggest_remedy
from flowengine.storage.sqlite_file import (
    SqliteFile,
    SqliteSchema,
    connect_existing,
    open_sqlite_file,
)

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
_JOURNAL_TABLES = (
    """CREATE TABLE callbacks (number INTEGER PRIMARY KEY, call BLOB NOT NULL, digest BLOB NOT NULL, at REAL NOT NULL, event TEXT NOT NULL,
        release TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, outcome TEXT NOT NULL,
        action TEXT NOT NULL, exit TEXT NOT NULL, reason TEXT NOT NULL, seconds INTEGER NOT NULL, shown TEXT NOT NULL, sealed BLOB,
        said TEXT NOT NULL, answer INTEGER NOT NULL)""",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY, at REAL NOT NULL, content TEXT NOT NULL)",
    "CREATE INDEX by_call ON callbacks (call)",
    "CREATE INDEX by_time ON callbacks (at)",
    _INBOX_TABLE,
)

# What came later stands for itself, so that journals from before go on, and go back: how many
# callbacks are missing, by the minute in which that was written down.
_LOSSES = (
    "CREATE TABLE IF NOT EXISTS losses (minute INTEGER PRIMARY KEY, callbacks INTEGER NOT NULL)"
)

JOURNAL_SCHEMA = SqliteSchema(
    JOURNAL_SCHEMA_VERSION,
    {0: _JOURNAL_TABLES, 1: (_INBOX_TABLE,)},
    additions=(_LOSSES,),
    pragmas=(
        "secure_delete = FAST",  # what is deleted is overwritten: it was callers' words
        f"wal_autocheckpoint = {16_000_000 // JOURNAL_PAGE_BYTES}",
    ),
    page_bytes=JOURNAL_PAGE_BYTES,
)
JOURNAL_LOSS_TEXT = "the calls that are recorded in it"


class JournalError(OperatorError):
    """The journal cannot be opened or read; the message says why."""


def open_for_writing(path: Path) -> SqliteFile:
    """Open the journal, and make it where there is none. Raises OSError or sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with explain_version():
        return open_sqlite_file(path, JOURNAL_SCHEMA, JOURNAL_BUSY_SECONDS)


def open_successor(lost: SqliteFile) -> SqliteFile:
    """Open the journal that is in place of this one now, without its rows: whoever deleted them may
    have had to. Raises OSError or sqlite3.Error.
    """
    lost.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with explain_version():
        return lost.open_successor(JOURNAL_BUSY_SECONDS)


@contextmanager
def explain_version() -> Iterator[None]:
    try:
        yield
    except SchemaVersionError as error:
        raise sqlite3.DatabaseError(
            f"this is no call journal of version {JOURNAL_SCHEMA_VERSION} (its version is "
            f"{error.version}); move the file away, then one is made anew: "
            f"what is lost then is {JOURNAL_LOSS_TEXT}"
        ) from error


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a journal to read it, while servers may be writing. Raises JournalError."""
    if not path.is_file():
        raise JournalError(f"there is no call journal {path}")
    try:
        connection = connect_existing(path, "ro", JOURNAL_BUSY_SECONDS)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise JournalError(format_read_error(path, error)) from error
    if version not in (*JOURNAL_SCHEMA.upgrades, JOURNAL_SCHEMA_VERSION) or version == 0:
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
