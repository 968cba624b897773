"""The tables of a journal on a PostgreSQL server.

They are partitioned by time. All that a callback refers to is in the same part, so that a part goes
as a whole: nothing is deleted row by row, and no text outlives its calls.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from flowengine.journal.journal_error import JournalError
from flowengine.storage.pooler import check_sessions
from flowengine.storage.postgresql import connect, describe_version, ensure_tables, read_versions
from flowengine.storage.sessions.store_url import redact_password

JOURNAL_TABLES_VERSION = 1
PART_UNIT_SECONDS = 300  # a part has a number: that of the five minutes that it begins with
PART_DAY_SECONDS = 86_400
LAST_UNIT = 2_932_896 * PART_DAY_SECONDS // PART_UNIT_SECONDS  # 9999-12-31, whatever a clock says
PARTITIONED_TABLES: tuple[LiteralString, ...] = (
    "journal_callbacks",
    "journal_dimensions",
    "journal_texts",
)
# A text and a dimension are found by a number that their content gives, so that machines need not
# ask each other for it.
_SERVER_JOURNAL_TABLES: tuple[LiteralString, ...] = (
    "CREATE SEQUENCE flowengine.journal_numbers",
    """CREATE TABLE flowengine.journal_parts (part INTEGER PRIMARY KEY, until INTEGER NOT NULL)""",
    """CREATE TABLE flowengine.journal_callbacks (number BIGINT NOT NULL DEFAULT nextval('flowengine.journal_numbers'),
        at DOUBLE PRECISION NOT NULL, dimension BIGINT NOT NULL, readable_text BIGINT, said_text BIGINT,
        step BIGINT NOT NULL, seconds BIGINT NOT NULL, micros BIGINT NOT NULL, part INTEGER NOT NULL,
        call BYTEA NOT NULL, digest BYTEA NOT NULL, own TEXT NOT NULL, readable TEXT, said TEXT, sealed BYTEA)
        PARTITION BY LIST (part)""",
    "CREATE INDEX journal_callbacks_call ON flowengine.journal_callbacks (call, number)",
    "CREATE INDEX journal_callbacks_number ON flowengine.journal_callbacks (number)",
    # rows are nearly in the order of their time, so that an index of ranges does, which costs nothing
    """CREATE INDEX journal_callbacks_at ON flowengine.journal_callbacks USING brin (at)
        WITH (pages_per_range = 16)""",
    """CREATE TABLE flowengine.journal_dimensions (part INTEGER NOT NULL, dimension BIGINT NOT NULL, machine TEXT NOT NULL,
        event TEXT NOT NULL, release TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL,
        action TEXT NOT NULL, exit TEXT NOT NULL, reason TEXT NOT NULL, trace TEXT NOT NULL,
        PRIMARY KEY (part, dimension)) PARTITION BY LIST (part)""",
    """CREATE TABLE flowengine.journal_texts (part INTEGER NOT NULL, text BIGINT NOT NULL, content TEXT NOT NULL,
        PRIMARY KEY (part, text)) PARTITION BY LIST (part)""",
    "CREATE TABLE flowengine.journal_losses (minute BIGINT PRIMARY KEY, callbacks BIGINT NOT NULL)",
    """CREATE VIEW flowengine.journal_rows AS SELECT c.part, c.number, c.call, c.at, c.step, c.seconds, c.micros, c.digest,
        c.dimension, c.own, c.sealed, d.machine, d.event, d.release, d.flow, d.state, d.outcome, d.action, d.exit, d.reason,
        d.trace,
        CASE WHEN c.readable_text IS NULL THEN c.readable ELSE (SELECT t.content FROM flowengine.journal_texts t
            WHERE t.part = c.part AND t.text = c.readable_text) END AS readable,
        CASE WHEN c.said_text IS NULL THEN c.said ELSE (SELECT t.content FROM flowengine.journal_texts t
            WHERE t.part = c.part AND t.text = c.said_text) END AS said
        FROM flowengine.journal_callbacks c JOIN flowengine.journal_dimensions d
        ON d.part = c.part AND d.dimension = c.dimension""",
)
# Held for a moment by the machine that changes parts; the others leave the work to it.
_LOCK_PARTS: LiteralString = (
    "SELECT pg_advisory_xact_lock('flowengine.journal_parts'::regclass::oid::bigint)"
)
_TRY_LOCK_PARTS: LiteralString = (
    "SELECT pg_try_advisory_xact_lock('flowengine.journal_parts'::regclass::oid::bigint)"
)
_ADD_LOSSES: LiteralString = (
    "INSERT INTO flowengine.journal_losses VALUES (%b, %b) "
    "ON CONFLICT (minute) DO UPDATE SET callbacks = journal_losses.callbacks + excluded.callbacks"
)
# A partition that is created in place locks the whole table, and waits for who reads for long, a
# dump for one. A table that is attached does not.
_CREATE_PARTITION: tuple[LiteralString, ...] = (
    "CREATE TABLE flowengine.{name} (LIKE flowengine.{table} INCLUDING ALL)",
    "ALTER TABLE flowengine.{table} ATTACH PARTITION flowengine.{name} FOR VALUES IN ({part})",
)
PostgresqlConnection = psycopg.Connection[tuple[Any, ...]]


class JournalPart(NamedTuple):
    """A stretch of time whose callbacks go together: from the five minutes with the number `part` up
    to those with `until`.
    """

    part: int
    until: int


def to_unit(at: float) -> int:
    """The number of the five minutes that a moment is in."""
    return min(max(int(at // PART_UNIT_SECONDS), 0), LAST_UNIT)


def find_first_part(since: float) -> int:
    """The first part that may have callbacks since then: a part is a day at most, and a machine may
    not know yet that one has ended.
    """
    return to_unit(since - PART_DAY_SECONDS)


def name_partition(table: str, part: int) -> str:
    """The name of a partition: by its day, and by its time where it begins within a day.

    >>> name_partition("journal_texts", 20_000 * 288), name_partition("journal_texts", 20_000 * 288 + 13)
    ('journal_texts_20241004', 'journal_texts_20241004_0105')
    """
    begins = datetime.fromtimestamp(part * PART_UNIT_SECONDS, UTC)
    day = begins.strftime("%Y%m%d")
    return f"{table}_{day}" + (begins.strftime("_%H%M") if begins.hour or begins.minute else "")


def ensure_journal_tables(connection: PostgresqlConnection) -> None:
    """Create the tables of the journal where they do not exist. Raises psycopg.Error."""
    ensure_tables(connection, "journal", JOURNAL_TABLES_VERSION, _SERVER_JOURNAL_TABLES)


def list_parts(connection: PostgresqlConnection) -> list[JournalPart]:
    """The parts that there are, the oldest first."""
    query = "SELECT part, until FROM flowengine.journal_parts ORDER BY part"
    return [JournalPart._make(row) for row in connection.execute(query)]


def create_part(connection: PostgresqlConnection, part: JournalPart) -> None:
    """Create the partitions of a part, unless another machine was first."""
    with connection.transaction():
        connection.execute(_LOCK_PARTS)
        added = connection.execute(
            "INSERT INTO flowengine.journal_parts VALUES (%s, %s) ON CONFLICT DO NOTHING", part
        )
        for table in PARTITIONED_TABLES if added.rowcount else ():
            for statement in _CREATE_PARTITION:
                name = name_partition(table, part.part)
                connection.execute(statement.format(name=name, table=table, part=part.part))


def drop_part(connection: PostgresqlConnection, part: int, patience: float) -> int | None:
    """Drop a part with all that is in it; how many callbacks that were. None where another machine
    is at it. Raises psycopg.errors.LockNotAvailable where somebody reads the table for longer than
    `patience`, in seconds.
    """
    with connection.transaction():
        if connection.execute(_TRY_LOCK_PARTS).fetchone() != (True,):
            return None
        gone = connection.execute("DELETE FROM flowengine.journal_parts WHERE part = %s", (part,))
        if not gone.rowcount:
            return None
        (dropped,) = connection.execute(
            "SELECT count(*) FROM flowengine.journal_callbacks WHERE part = %s", (part,)
        ).fetchone() or (0,)
        # While it waits for a lock, so do all who write: not for long.
        connection.execute(
            "SELECT set_config('lock_timeout', %s, true)", (str(round(patience * 1000)),)
        )
        for table in PARTITIONED_TABLES:
            text = f"DROP TABLE IF EXISTS flowengine.{name_partition(table, part)}"
            connection.execute(text)
    return int(dropped)


def add_losses(connection: PostgresqlConnection, callbacks: int) -> None:
    """Add to how many callbacks the journal is missing."""
    connection.execute(_ADD_LOSSES, (int(time.time() // 60), callbacks), binary=True)


def open_existing_journal(address: str, patience: float) -> PostgresqlConnection:
    """Connect to a journal to read it; a statement takes at most `patience` seconds. Raises
    JournalError where there is none.
    """
    with wrap_journal_errors(address):
        connection = connect(address, patience)
        try:
            version = read_versions(connection).get("journal")
        except BaseException:
            connection.close()
            raise
    if version != JOURNAL_TABLES_VERSION:
        connection.close()
        raise JournalError(
            f"there is no call journal on {redact_password(address)}"
            if version is None
            else f"the call journal on {redact_password(address)} cannot be read: "
            + describe_version("journal", version, JOURNAL_TABLES_VERSION)
        )
    return connection


def find_access_fault(address: str) -> str:
    """Why the journal cannot be written at the moment; "" where it can. Raises JournalError for a
    fault that does not pass by itself.
    """
    try:
        check_sessions(address)
    except psycopg.OperationalError as error:
        return f"the call journal on {redact_password(address)} cannot be reached: {error}"
    except psycopg.Error as error:
        raise JournalError(
            f"the call journal on {redact_password(address)} cannot be used: {error}"
        ) from error
    return ""


@contextmanager
def wrap_journal_errors(address: str) -> Iterator[None]:
    """Raise JournalError for errors of PostgreSQL."""
    try:
        yield
    except psycopg.Error as error:
        raise JournalError(
            f"the call journal on {redact_password(address)} cannot be read: {error}"
        ) from error
