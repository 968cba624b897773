"""The file that holds the journal: one row for each callback, written by all workers of a machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.journal.journal_error import JournalError
from flowengine.journal.row_view import create_row_view
from flowengine.storage.sqlite_errors import SchemaVersionError, is_busy, suggest_remedy
from flowengine.storage.sqlite_file import (
    SqliteFile,
    SqliteSchema,
    connect_existing,
    open_sqlite_file,
)

JOURNAL_SCHEMA_VERSION = 3
JOURNAL_PAGE_BYTES = 8192  # some fifty callbacks share a page
JOURNAL_BUSY_SECONDS = 5.0  # the writer has a thread of its own to wait in

# What a row has beside the columns that every version has. `readable` and `answered` are JSON for
# everybody who may read the file: a text, or its number in `texts`; `sealed` is for replay.
_ROW_COLUMNS = ("dimension INTEGER", "micros INTEGER", "readable", "own TEXT", "answered")
# Ids of calls are bytes, as SQLite refuses some texts that JSON may carry.
_CALLBACKS_TABLE = f"""CREATE TABLE callbacks (number INTEGER PRIMARY KEY, call BLOB NOT NULL, digest BLOB NOT NULL,
    at REAL NOT NULL, step INTEGER NOT NULL, seconds INTEGER NOT NULL, {", ".join(_ROW_COLUMNS)}, sealed BLOB)"""
_INTERN_TABLES = (
    "CREATE TABLE texts (number INTEGER PRIMARY KEY, at REAL NOT NULL, content TEXT NOT NULL)",
    """CREATE TABLE dimensions (number INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, release TEXT NOT NULL,
        flow TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL, action TEXT NOT NULL, exit TEXT NOT NULL,
        reason TEXT NOT NULL, trace TEXT NOT NULL)""",
)
_JOURNAL_TABLES = (
    _CALLBACKS_TABLE,
    *_INTERN_TABLES,
    "CREATE INDEX by_call ON callbacks (call)",
    "CREATE INDEX by_time ON callbacks (at)",
)
# Rows of version 2 stay as they are until they are too old, in the columns of then; so a journal of
# any size is upgraded in a moment, and a server of before that is still ending goes on writing.
_UPGRADE_TO_3 = (
    *(f"ALTER TABLE callbacks ADD COLUMN {column}" for column in _ROW_COLUMNS),
    *_INTERN_TABLES,
)
# What came later stands for itself, so that journals from before go on, and go back: how many
# callbacks are missing, by the minute in which that was written down.
_LOSSES = (
    "CREATE TABLE IF NOT EXISTS losses (minute INTEGER PRIMARY KEY, callbacks INTEGER NOT NULL)"
)

JOURNAL_SCHEMA = SqliteSchema(
    JOURNAL_SCHEMA_VERSION,
    {0: _JOURNAL_TABLES, 1: _UPGRADE_TO_3, 2: _UPGRADE_TO_3},
    additions=(_LOSSES,),
    pragmas=(
        "secure_delete = FAST",  # what is deleted is overwritten: it was callers' words
        f"wal_autocheckpoint = {16_000_000 // JOURNAL_PAGE_BYTES}",
    ),
    page_bytes=JOURNAL_PAGE_BYTES,
)
JOURNAL_LOSS_TEXT = "the calls that are recorded in it"


def open_for_writing(path: Path) -> SqliteFile:
    """Open the journal, and make it where there is none. Raises OSError or sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with explain_version():
        return open_sqlite_file(path, JOURNAL_SCHEMA, JOURNAL_BUSY_SECONDS)


def open_successor(lost: SqliteFile) -> SqliteFile:
    """Open the journal that is in place of this one now, without its rows: the operator who deleted them may
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


def open_for_reading(path: Path, busy_seconds: float = JOURNAL_BUSY_SECONDS) -> sqlite3.Connection:
    """Open a journal to read it, while servers may be writing; wait for so long while another
    process has locked it. Raises JournalError.
    """
    if not path.is_file():
        raise JournalError(f"there is no call journal {path}")
    try:
        connection = connect_existing(path, "ro", busy_seconds)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise JournalError(format_read_error(path, error)) from error
    if version not in (*JOURNAL_SCHEMA.upgrades, JOURNAL_SCHEMA_VERSION) or version == 0:
        connection.close()
        raise JournalError(
            f"{path} is no call journal of version {JOURNAL_SCHEMA_VERSION} (its version is {version}): "
            "name another store"
        )
    try:
        create_row_view(connection)
    except sqlite3.Error as error:
        connection.close()
        raise JournalError(format_read_error(path, error)) from error
    return connection


def format_read_error(path: Path, error: sqlite3.Error) -> str:
    if is_busy(error):
        return (
            f"the call journal {path} is busy: another process has locked it ({error}); try again"
        )
    return (
        f"the call journal {path} cannot be read: {error}{suggest_remedy(error, JOURNAL_LOSS_TEXT)}"
    )
