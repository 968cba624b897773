"""Parts of a journal on a PostgreSQL server: what goes together, and when."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import psycopg
import pytest
from msgspec.structs import replace as replace_fields

from flowengine.compile import Release, compile_project
from flowengine.journal import postgresql_parts
from flowengine.journal.postgresql_journal import PostgresqlJournalStorage
from flowengine.journal.postgresql_parts import JournalParts
from flowengine.journal.postgresql_tables import (
    PART_DAY_SECONDS,
    PART_UNIT_SECONDS,
    PostgresqlConnection,
    ensure_journal_tables,
    name_partition,
    to_unit,
)
from tests.journal.journal_line import files
from tests.journal.test_postgresql_failures import build_storage, note_rings

DAY = 20_000 * PART_DAY_SECONDS
NOON = DAY + PART_DAY_SECONDS / 2


def build_release(keep: str = "30d", size: str = "2GB") -> Release:
    release = compile_project(files(journal=f"{{keep: {keep}, size: {size}}}"), {}).release
    assert release is not None
    return release


class Parts(NamedTuple):
    """The parts, their release and clock, which a test may change, and what was counted."""

    parts: JournalParts
    connection: PostgresqlConnection
    release: list[Release]
    clock: list[float]
    counted: Counter[str]

    def list_names(self, table: str = "journal_callbacks") -> list[str]:
        """The partitions of a table."""
        rows = self.connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s) ORDER BY 1",
            (f"flowengine.{table}",),
        )
        return [name.removeprefix(f"flowengine.{table}_") for (name,) in rows]


@pytest.fixture
def parts(postgresql: str) -> Iterator[Parts]:
    release, clock, counted = [build_release()], [NOON], Counter[str]()

    def count(what: str, rows: int) -> None:
        counted[what] += rows

    with psycopg.connect(postgresql, autocommit=True) as connection:
        ensure_journal_tables(connection)
        made = JournalParts(
            "the database", lambda: release[0], count, lambda: clock[0], lambda: clock[0]
        )
        yield Parts(made, connection, release, clock, counted)


def test_day_is_one_part_with_a_partition_of_each_table(parts: Parts) -> None:
    for at in (NOON, DAY, DAY + PART_DAY_SECONDS - 1):
        assert parts.parts.ensure_part(parts.connection, at) == to_unit(DAY)
    assert parts.parts.ensure_part(parts.connection, DAY + PART_DAY_SECONDS) == to_unit(DAY) + 288
    for table in ("journal_callbacks", "journal_dimensions", "journal_texts"):
        assert parts.list_names(table) == ["20241004", "20241005"]


def test_part_of_any_moment_exists(parts: Parts) -> None:
    for at in (-1e9, 0.0, 1e13):
        parts.parts.ensure_part(parts.connection, at)
    assert parts.list_names() == ["19700101", "99991231"]


@pytest.mark.parametrize(
    ("keep", "names"),
    [("30d", ["20241004"]), ("1d", ["20241004_1200", "20241004_1300"]), ("1h", ["20241004_1255", "20241004_1300"])],
)  # fmt: skip
def test_part_is_short_where_calls_are_kept_shortly(
    parts: Parts, keep: str, names: list[str]
) -> None:
    parts.release[0] = build_release(keep)
    for at in (NOON + 3599, NOON + 3601):
        parts.parts.ensure_part(parts.connection, at)
    assert parts.list_names() == names


def test_parts_go_when_all_that_they_have_is_too_old(parts: Parts) -> None:
    for day in range(4):
        parts.parts.ensure_part(parts.connection, DAY + day * PART_DAY_SECONDS)
    parts.release[0] = build_release("3d")
    step_to(parts, DAY + 4 * PART_DAY_SECONDS - 1)
    assert parts.list_names() == ["20241004", "20241005", "20241006", "20241007", "20241008"]
    step_to(parts, DAY + 4 * PART_DAY_SECONDS + 1)
    assert parts.list_names() == ["20241005", "20241006", "20241007", "20241008", "20241009"]


def test_part_stays_where_the_clock_of_a_machine_was_ahead_from_its_start(parts: Parts) -> None:
    begun = time.time()
    parts.parts.ensure_part(parts.connection, begun)
    names = parts.list_names()
    ahead = partial(float, begun + 400 * PART_DAY_SECONDS)
    made = JournalParts("the database", lambda: parts.release[0], lambda *_: None, ahead, ahead)
    made.drop_old(parts.connection)
    assert parts.list_names()[: len(names)] == names


def test_parts_all_go_where_nothing_is_to_be_kept(parts: Parts) -> None:
    parts.parts.ensure_part(parts.connection, NOON)
    parts.release[0] = replace_journal(parts.release[0], keep="none")
    parts.parts.drop_old(parts.connection)
    assert parts.list_names() == []


def step_to(parts: Parts, at: float) -> None:
    """Time passes in steps of minutes, as a clock that leaps is not believed."""
    while parts.clock[0] < at:
        parts.clock[0] = min(at, parts.clock[0] + 3000)
        parts.parts.drop_old(parts.connection)


def replace_journal(release: Release, **fields: str) -> Release:
    return replace_fields(release, journal=replace_fields(release.journal, **fields))


def test_part_that_is_read_stays_until_nobody_reads_it(
    parts: Parts, postgresql: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(postgresql_parts, "DROP_PATIENCE_SECONDS", 0.01)
    parts.parts.ensure_part(parts.connection, NOON - 40 * PART_DAY_SECONDS)
    with psycopg.connect(postgresql) as dump:
        dump.execute("SELECT count(*) FROM flowengine.journal_callbacks")
        parts.parts.drop_old(parts.connection)
        assert "20240825" in parts.list_names()
        parts.parts.ensure_part(parts.connection, NOON)  # what comes next waits for no dump
    assert "old calls stay" in caplog.text
    parts.parts.drop_old(parts.connection)
    assert "20240825" not in parts.list_names()


def fill(parts: Parts, at: float, callbacks: int) -> None:
    """Write some callbacks of a kilobyte each."""
    part = parts.parts.ensure_part(parts.connection, at)
    parts.connection.execute(
        "INSERT INTO flowengine.journal_callbacks (at, dimension, step, seconds, micros, part, call, digest, own, sealed) "
        "SELECT %s, 1, 1, 0, 0, %s, number::text::bytea, '', '{}', "
        "(SELECT string_agg(sha256((number || ' ' || i)::bytea), '') FROM generate_series(1, 30) i) "
        "FROM generate_series(1, %s) number",
        (at, part, callbacks),
    )


def test_oldest_part_goes_where_the_journal_is_too_large(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.release[0] = build_release(size="32MB")
    for day in (2, 1, 0):
        fill(parts, NOON - day * PART_DAY_SECONDS, 10_000)
    with caplog.at_level(logging.WARNING):
        usage = parts.parts.limit_size(parts.connection)
    assert parts.list_names() == ["20241003", "20241004", "20241004_1205"]
    assert parts.counted == {"dropped": 10_000}
    assert 20_000_000 < usage.bytes < usage.limit == 32_000_000
    assert "percent of its 32MB" in caplog.text
    assert "is full: its oldest calls are dropped" in caplog.text


def test_large_day_is_split_and_its_begin_goes_first(parts: Parts) -> None:
    parts.release[0] = build_release(size="32MB")
    for _ in range(12):
        fill(parts, parts.clock[0], 4000)
        assert parts.parts.limit_size(parts.connection).bytes < 32_000_000
        parts.clock[0] += 2 * PART_UNIT_SECONDS
    assert len(parts.list_names()) > 3
    assert "20241004" not in parts.list_names()
    ((oldest,),) = parts.connection.execute("SELECT min(at) FROM flowengine.journal_callbacks")
    assert NOON < oldest < parts.clock[0] - 4 * PART_UNIT_SECONDS


async def test_text_of_dropped_part_is_written_again(postgresql: str) -> None:
    counted = Counter[str]()
    noted = await note_rings(6)
    storage: PostgresqlJournalStorage = build_storage(postgresql, counted)
    assert storage.write(noted[:4], 0) == 4
    part = to_unit(noted[0].record.at)
    part -= part % 288
    connection = storage._ensure_connection()
    for table in ("journal_callbacks", "journal_dimensions", "journal_texts"):
        connection.execute(f"DROP TABLE flowengine.{name_partition(table, part)}")
    connection.execute("DELETE FROM flowengine.journal_parts")
    with pytest.raises(psycopg.Error):
        storage.write(noted[4:], 0)
    assert storage.write(noted[4:], 0) == 2
    query = "SELECT readable, said FROM flowengine.journal_rows"
    rows = storage._ensure_connection().execute(query).fetchall()
    assert len(rows) == 2
    assert all(text for row in rows for text in row)
    storage.close()
