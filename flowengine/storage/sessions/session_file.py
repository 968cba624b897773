"""The file of the session store: its tables, and the error messages where it cannot be opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions.common_endings import ENDING_TABLES, MARK_UPGRADE
from flowengine.storage.sessions.sqlite_queues import QUEUE_TABLES
from flowengine.storage.sessions.store_protocol import StoreError
from flowengine.storage.sqlite_errors import SchemaVersionError, suggest_remedy
from flowengine.storage.sqlite_file import SqliteFile, SqliteSchema, open_sqlite_file

SESSION_SCHEMA_VERSION = 6
SESSION_LOSS_TEXT = (
    "the state of calls whose cookie does not come back, and reports that are still to be delivered"
)
_ORCHESTRATION_TABLES = (
    """CREATE TABLE orchestrations (id BLOB PRIMARY KEY, kind TEXT NOT NULL, release TEXT NOT NULL,
        version INTEGER NOT NULL, state BLOB NOT NULL, expires REAL NOT NULL)""",
    "CREATE INDEX orchestrations_by_kind ON orchestrations (kind)",
    """CREATE TABLE tasks (orchestration BLOB, key TEXT, due REAL NOT NULL, payload BLOB NOT NULL,
        tries INTEGER NOT NULL, claim INTEGER NOT NULL, PRIMARY KEY (orchestration, key)) WITHOUT ROWID""",
    "CREATE INDEX tasks_due ON tasks (due)",
    """CREATE TABLE agents (address BLOB PRIMARY KEY, occupied_by BLOB NOT NULL, idle_since REAL NOT NULL,
        not_before REAL NOT NULL, rung_at REAL NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX agents_occupied ON agents (occupied_by) WHERE occupied_by != x''",
)
# Rows are in order of arrival, so concurrent calls share pages and a commit writes few pages: a
# third fewer microseconds than WITHOUT ROWID. No index on `expires`: it would make each save a
# fifth slower, for a purge that does not delay callbacks.
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
    *_ORCHESTRATION_TABLES,
    *ENDING_TABLES,
)

# Version 3 had the endings of answers in a table. In front of the rest of an answer are a zero and
# the number of its ending in eight bytes, or eight zeros without one. The answers of calls that
# ended more than a minute ago, which are most of a large file, are not needed.
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
_ADD_ENDINGS = (*ENDING_TABLES, MARK_UPGRADE)

SESSION_SCHEMA = SqliteSchema(
    SESSION_SCHEMA_VERSION,
    {
        0: _SESSION_FILE_TABLES,
        1: (
            "ALTER TABLE calls ADD COLUMN release TEXT NOT NULL DEFAULT ''",
            *_ORCHESTRATION_TABLES,
            *_ADD_ENDINGS,
        ),
        2: (*_ORCHESTRATION_TABLES, *_ADD_ENDINGS),
        3: (*_RESTORE_ENDINGS, *_ORCHESTRATION_TABLES, *_ADD_ENDINGS),
        4: (*_ORCHESTRATION_TABLES, *_ADD_ENDINGS),
        5: _ADD_ENDINGS,
    },
    additions=QUEUE_TABLES,
    pragmas=(
        # The housekeeping thread does the checkpoints, as they wait for the disk.
        "wal_autocheckpoint = 0",
        # A small cache: SQLite would keep pages of ended calls, 16 MB per worker. Pages that it
        # reads again come from the operating system.
        "cache_size = -2048",
        # SQLite overwrites deleted values, as they hold words of callers.
        "secure_delete = FAST",
    ),
)


def open_session_file(path: Path, busy_seconds: float) -> SqliteFile:
    with wrap_opening_errors(path):
        return open_sqlite_file(path, SESSION_SCHEMA, busy_seconds)


@contextmanager
def wrap_opening_errors(path: Path) -> Iterator[None]:
    """Turn the errors of opening the file into StoreError."""
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
