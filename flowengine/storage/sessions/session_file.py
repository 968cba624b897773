"""The file of the session store: its tables, and what is said where it cannot be opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions.store_protocol import StoreError
from flowengine.storage.sqlite_errors import SchemaVersionError, suggest_remedy
from flowengine.storage.sqlite_file import SqliteFile, SqliteSchema, open_sqlite_file

SESSION_SCHEMA_VERSION = 4
SESSION_LOSS_TEXT = (
    "the state of calls whose cookie does not come back, and reports that are still to be delivered"
)
# Rows stand in order of arrival, so the calls of a moment share pages and a commit writes few of
# them: a third fewer microseconds than WITHOUT ROWID. No index on `expires`: it would cost each
# save a fifth more, to spare a purge that runs beside the callbacks.
_SESSION_FILE_TABLES = (
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
)

# Version 3 kept the ends of answers in a table of their own: in front of the rest of such an answer
# stand a zero and the number of its end in eight bytes, or eight zeros where it has no end. Nobody
# asks for the answers of calls that ended more than a minute ago, which are most of a large file.
_RESTORE_ENDINGS = (
    "CREATE TABLE marked (mark TEXT PRIMARY KEY, content BLOB NOT NULL)",
    "INSERT INTO marked SELECT printf('%016X', number), content FROM endings",
    f"""UPDATE calls SET answer = CASE
            WHEN release = '' AND expires < strftime('%s', 'now') + {CALL_KEPT_SECONDS - 60.0} THEN x''
            WHEN hex(substr(answer, 2, 8)) = '0000000000000000' THEN substr(answer, 10)
            ELSE coalesce(CAST(substr(answer, 10) ||
                (SELECT content FROM marked WHERE mark = hex(substr(answer, 2, 8))) AS BLOB), x'') END
        WHERE substr(answer, 1, 1) = x'00'""",  # noqa: S608  # a number of ours
    "DROP TABLE marked",
    "DROP TABLE endings",
)

SESSION_SCHEMA = SqliteSchema(
    SESSION_SCHEMA_VERSION,
    {
        0: _SESSION_FILE_TABLES,
        1: ("ALTER TABLE calls ADD COLUMN release TEXT NOT NULL DEFAULT ''",),
        2: (),
        3: _RESTORE_ENDINGS,
    },
    pragmas=(
        # Checkpoints are for the housekeeper's thread, as they wait for the disk.
        "wal_autocheckpoint = 0",
        # A small cache: SQLite keeps pages of calls that have long ended, 16 MB for each worker, and
        # those that it reads again come from the operating system.
        "cache_size = -2048",
        # Deleted values are overwritten: they were callers' words.
        "secure_delete = FAST",
    ),
    # An answer may have some kilobytes: two or three calls share a page, so that a commit writes
    # fewer of them.
    page_bytes=8192,
)


def open_session_file(path: Path, busy_seconds: float) -> SqliteFile:
    with wrap_opening_errors(path):
        return open_sqlite_file(path, SESSION_SCHEMA, busy_seconds)


@contextmanager
def wrap_opening_errors(path: Path) -> Iterator[None]:
    """Raise StoreError in place of what opening the file raises."""
    try:
        yield
    except SchemaVersionError as error:
        raise StoreError(
            f"{path} is not a session store of version {SESSION_SCHEMA_VERSION} (its version is "
            f"{error.version}): name another file, or move this one "
            f"away; what is lost then is {SESSION_LOSS_TEXT}"
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"cannot open the session store {path}: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
        ) from error
