"""A database that is gone for a time, or refuses something, costs answers nothing, and what is missing
is told.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from flowengine.compile import Release, compile_project
from flowengine.journal import CallFilter, JournalWriter, journal_writer, open_journal_reader
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_search import CallQuery
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_location import build_journal_feed
from flowengine.journal.journal_protocol import DimensionValues
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.number_gaps import GAP_SECONDS
from flowengine.journal.postgresql_feed import PostgresqlFeed
from flowengine.journal.postgresql_journal import PostgresqlJournalStorage
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.storage.sessions import MemoryStore
from tests.journal.journal_line import SEALER, Clock, crm, ended, files, record, ring
from tests.waiting import wait_until_async


def build_release() -> Release:
    release = compile_project(files(), {}).release
    assert release is not None
    return release


RELEASE = build_release()


async def note_rings(count: int, prefix: str = "call") -> list[JournalRecord]:
    """So many callbacks that are answered, each of a call of its own."""
    engine = Engine(Registry(RELEASE), MemoryStore(), Codec([derive_key("key")]), crm, Clock())
    noted = []
    for number in range(count):
        body = json.dumps(ring(f"{prefix}-{number}")).encode()
        reply = await engine.answer(decode(body), body)
        noted.append(JournalRecord(reply.record, body, reply.body))
    return noted


def build_storage(address: str, counted: Counter[str]) -> PostgresqlJournalStorage:
    def count(what: str, rows: int) -> None:
        counted[what] += rows

    return PostgresqlJournalStorage(
        address, lambda _name: RELEASE, SEALER, count, lambda _usage: None, "one"
    )


@contextmanager
def closed_database(address: str) -> Iterator[None]:
    """Nobody can connect, and all connections are broken."""
    name = conninfo_to_dict(address)["dbname"]
    other = make_conninfo(address, dbname="template1")
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_database_that_is_gone_costs_only_what_memory_cannot_hold(
    postgresql: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_writer, "MAX_WAITING_CALLBACKS", 6)
    monkeypatch.setattr(journal_writer, "WRITE_RETRY_SECONDS", 0.01)
    counted = Counter[str]()

    def count(what: str, rows: int) -> None:
        counted[what] += rows

    noted = await note_rings(12)
    writer = JournalWriter(postgresql, lambda _name: RELEASE, SEALER, count)
    writer.start()
    await writer.save_record(*noted[0])
    assert counted == {"kept": 1}
    with caplog.at_level(logging.ERROR), closed_database(postgresql):
        writer.enqueue_record(*noted[1])
        await wait_until_async(lambda: writer._is_held_up)
        for one in noted[2:11]:
            writer.enqueue_record(*one)
        await writer.save_record(*noted[11])  # nobody waits for a database that is gone
        await wait_until_async(lambda: counted["lost"] >= 5)
        assert len(writer._waiting) <= 6
    assert "callbacks wait to be written to the call journal: postgresql://" in caplog.text
    await wait_until_async(lambda: counted["kept"] + counted["lost"] == len(noted))
    await asyncio.to_thread(writer.close)
    with closing(open_journal_reader(postgresql)) as reader:
        calls = {call.call for call in reader.list_calls(CallFilter())}
        assert len(calls) == counted["kept"]
        assert {"call-0", "call-11"} <= calls, "the oldest that wait are given up"
        assert reader.count_lost(0.0) == counted["lost"]


async def test_batch_whose_commit_may_have_failed_is_written_once(postgresql: str) -> None:
    noted, counted = await note_rings(3), Counter[str]()
    storage = build_storage(postgresql, counted)
    storage.write([], 0)
    copy: Callable[..., None] = storage._copy

    def copy_and_break(*given: object) -> None:
        copy(*given)
        raise psycopg.OperationalError("the connection is lost")

    storage._copy = copy_and_break  # type: ignore[method-assign]
    with pytest.raises(psycopg.OperationalError):
        storage.write(noted[:2], 0)
    storage._copy = copy  # type: ignore[method-assign]
    assert storage.write(noted, 0) == 3
    storage.close()
    with closing(open_journal_reader(postgresql)) as reader:
        assert [call.callbacks for call in reader.list_calls(CallFilter())] == [1, 1, 1]


async def test_value_that_database_refuses_costs_its_own_row_alone(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted, counted = await note_rings(5), Counter[str]()
    storage = build_storage(postgresql, counted)
    build = storage._builder.build_rows
    faults: dict[str, dict[str, Any]] = {
        "call-1": {"own": "\0"},
        "call-2": {"call": Random(1).randbytes(3000).hex().encode()},  # longer than an index takes
        "call-3": {"said": "\udcff" * 20},
    }
    monkeypatch.setattr(
        storage._builder,
        "build_rows",
        lambda batch: [replace(row, **faults.get(row.call.decode(), {})) for row in build(batch)],
    )
    assert storage.write(noted, 0) == 2
    storage.close()
    assert counted == {"lost": 3}
    with closing(open_journal_reader(postgresql)) as reader:
        assert [call.call for call in reader.list_calls(CallFilter())] == ["call-4", "call-0"]
        assert reader.count_lost(0.0) == 3


async def test_tables_that_were_dropped_are_made_again(postgresql: str) -> None:
    noted, counted = await note_rings(2), Counter[str]()
    storage = build_storage(postgresql, counted)
    assert storage.write(noted[:1], 0) == 1
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA flowengine CASCADE")
    with pytest.raises(psycopg.Error) as failure:
        storage.write(noted[1:], 0)
    assert storage.describe_wait(failure.value, is_ending=True)
    assert storage.write(noted[1:], 0) == 1
    storage.close()


async def test_index_finds_callbacks_that_are_committed_late(postgresql: str) -> None:
    """Two machines number their rows, and the later numbers are committed first."""
    counted = Counter[str]()
    slow, quick = build_storage(postgresql, counted), build_storage(postgresql, counted)
    slow.write(await note_rings(1, "first"), 0)
    connection = slow._ensure_connection()
    with closing(CallIndex(build_journal_feed(postgresql))) as index:
        index.catch_up()
        with connection.transaction():
            slow.write(await note_rings(2, "slow"), 0)
            quick.write(await note_rings(1, "quick"), 0)
            index.catch_up()
            assert index.get_progress() == (4, True)
            assert index.find_call("quick-0")
            assert not index.find_call("slow-1")
        assert index.catch_up()
        assert index.find_call("slow-0")
        assert index.find_call("slow-1")
        assert not index.catch_up()
    slow.close()
    quick.close()


async def test_gap_that_stays_is_not_looked_at_for_ever(postgresql: str) -> None:
    now = [0.0]
    storage = build_storage(postgresql, Counter())
    storage.write(await note_rings(1), 0)
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("SELECT nextval('flowengine.journal_numbers')")
    with closing(CallIndex(build_journal_feed(postgresql), lambda: now[0])) as index:
        index.catch_up()
        storage.write(await note_rings(1, "more"), 0)
        index.catch_up()
        assert [gap[:2] for gap in index._gaps.list_open()] == [(1, 2)]
        now[0] = GAP_SECONDS
        assert not index.catch_up()
        assert [gap.seen_at for gap in index._gaps.list_open()] == [0.0]
        now[0] = GAP_SECONDS + 1
        assert index._gaps.list_open() == []
    storage.close()


async def test_index_reads_again_what_a_broken_connection_kept_from_it(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the connection when rows are read, and those that belong to them are not."""
    slow, quick = build_storage(postgresql, Counter()), build_storage(postgresql, Counter())
    slow.write(await note_rings(1, "first"), 0)
    connection = slow._ensure_connection()
    read = PostgresqlFeed.read_dimension

    def break_connection(feed: PostgresqlFeed, number: int) -> DimensionValues:
        monkeypatch.setattr(PostgresqlFeed, "read_dimension", read)
        with psycopg.connect(postgresql, autocommit=True) as other:
            pid = feed._connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        return read(feed, number)

    with closing(CallIndex(build_journal_feed(postgresql))) as index:
        index.catch_up()
        index._kinds.clear()
        with connection.transaction():
            slow.write(await note_rings(2, "slow"), 0)
            quick.write(await note_rings(1, "quick"), 0)
            monkeypatch.setattr(PostgresqlFeed, "read_dimension", break_connection)
            with pytest.raises(JournalError, match="cannot be read"):
                index.catch_up()
            assert index.get_progress() == (1, True)
        while index.catch_up():
            pass
        found = {call.call: call.callbacks for call in index.find_calls(CallQuery()).calls}
        assert found == dict.fromkeys(("first-0", "slow-0", "slow-1", "quick-0"), 1)
    slow.close()
    quick.close()


def test_journal_of_newer_version_is_refused_with_cure(postgresql: str) -> None:
    record(postgresql, RELEASE, [ring("a"), ended("a")])
    with psycopg.connect(postgresql) as connection:
        connection.execute("UPDATE flowengine.parts SET version = 9 WHERE name = 'journal'")
    with pytest.raises(Exception, match=r"version 9, not 1: .* install that version again"):
        open_journal_reader(postgresql)
    storage = build_storage(postgresql, Counter())
    with pytest.raises(psycopg.NotSupportedError, match="install that version again"):
        storage.write([], 1)
