"""Endings of answers that stand in the file once: each call still has its whole answer."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.sinch.call_id import encode_call_id
from flowengine.storage.sessions import SavedCall, SqliteStore, StoreError
from flowengine.storage.sessions.common_endings import (
    _EXTRA_SECONDS,
    _MAX_KNOWN_ENDINGS,
    ENDING_TABLES,
    WHOLE_ANSWER,
    CommonEndings,
)
from tests.thoroughness import examples

MENU = b'"action":{"name":"runMenu","menus":[' + b"x" * 2000 + b"]}}"
LATER = 2e9


def step(number: int, ending: bytes = MENU) -> SavedCall:
    return SavedCall(1, b"state", b"digest", b'{"instructions":[%d],' % number + ending, 1.0, "r1")


def select(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


async def save_calls(path: Path, steps: list[SavedCall], expires: float = LATER) -> SqliteStore:
    store = SqliteStore(path)
    for number, saved in enumerate(steps):
        await store.save(f"call {number}", saved, expires)
    return store


async def test_ending_that_comes_again_stands_in_the_file_once(path: Path) -> None:
    steps = [step(number) for number in range(5)]
    store = await save_calls(path, steps)
    assert select(path, "SELECT count(*), max(length(content)) FROM endings") == [(1, len(MENU))]
    lengths = [size for (size,) in select(path, "SELECT length(answer) FROM calls ORDER BY rowid")]
    assert lengths[0] > len(MENU) > 100 > max(lengths[1:])
    other = SqliteStore(path)
    for number, saved in enumerate(steps):
        assert await other.load(f"call {number}") == saved
        assert await other.save(f"call {number}", step(9), LATER) == saved, "it was first"
    await other.close()
    await store.close()


async def test_ending_that_comes_once_stays_with_its_call(path: Path) -> None:
    steps = [step(0, MENU.replace(b"x", b"%d" % number)) for number in range(5)]
    store = await save_calls(path, steps)
    assert select(path, "SELECT count(*) FROM endings") == [(0,)]
    await store.close()


async def test_later_answer_without_a_common_ending_is_whole(path: Path) -> None:
    store = await save_calls(path, [step(0), step(1), step(2)])
    short = SavedCall(2, b"state", b"digest", b'{"action":{"name":"hangup"}}', 2.0, "r1")
    await store.save("call 2", short, LATER)
    other = SqliteStore(path)
    assert await other.load("call 2") == short
    await other.close()
    await store.close()


async def test_purged_ending_is_written_again_for_later_calls(path: Path) -> None:
    store = await save_calls(path, [step(0), step(1), step(2)], expires=1000.0)
    await store.drop_expired(1001.0)
    assert select(path, "SELECT count(*) FROM endings") == [(1,)], "later calls may still use it"
    await store.drop_expired(1000.0 + _EXTRA_SECONDS)
    assert select(path, "SELECT count(*) FROM endings") == [(0,)]
    await store.save("later", step(3), 1001.0 + _EXTRA_SECONDS)
    other = SqliteStore(path)
    assert await other.load("later") == step(3)
    await other.close()
    await store.close()


async def test_ending_outlives_each_call_that_needs_it(path: Path) -> None:
    store = await save_calls(path, [step(0), step(1)], expires=1000.0)
    last = 0.0
    for number in range(40):
        last = 1000.0 + number * 300.0
        await store.save(f"late {number}", step(number), last)
        await store.drop_expired(last - 1.0)
        other = SqliteStore(path)
        assert await other.load(f"late {number}") == step(number)
        await other.close()
    rewritten = select(path, "SELECT expires FROM endings")
    assert rewritten[0][0] >= last
    await store.close()


async def test_ending_of_a_rolled_back_transaction_is_written_again(path: Path) -> None:
    store = await save_calls(path, [step(0)])

    def fail(_connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk is full")

    saving, failing = store.save("lost", step(1), LATER), store._commit.run(fail)
    for waited in (saving, failing):
        with pytest.raises(StoreError, match="disk is full"):
            await waited
    assert select(path, "SELECT count(*) FROM endings") == [(0,)]
    await store.save("kept", step(2), LATER)
    await store.save("another", step(3), LATER)
    other = SqliteStore(path)
    assert [await other.load(call) for call in ("kept", "another")] == [step(2), step(3)]
    await other.close()
    await store.close()


async def test_missing_ending_leaves_no_half_answer(path: Path) -> None:
    store = await save_calls(path, [step(0), step(1)])
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM endings")
    store = SqliteStore(path)
    assert await store.load("call 1") == replace(step(1), answer=b"")
    await store.close()


async def test_upgraded_store_keeps_answers_whole_for_workers_of_the_version_before(
    path: Path,
) -> None:
    """They read and write no column `ending`, until each is replaced."""
    store = await save_calls(path, [step(0)])
    await store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(
            "DROP TABLE endings; ALTER TABLE calls DROP COLUMN ending; PRAGMA user_version = 5"
        )
        clock = [time.time()]
        store = SqliteStore(path, lambda: clock[0])
        assert await store.load("call 0") == step(0)
        for number in range(1, 4):
            await store.save(f"call {number}", step(number), LATER)
        read = "SELECT answer FROM calls WHERE id = ?"
        key = encode_call_id("call 3")
        assert old.execute(read, (key,)).fetchone() == (step(3).answer,)
        later = replace(step(4), counter=2)
        write = "UPDATE calls SET counter = ?, answer = ? WHERE id = ?"
        old.execute(write, (later.counter, later.answer, key))
        assert await store.load("call 3") == later
    clock[0] += 24 * 60 * 60 + 1
    for number in (5, 6):
        await store.save(f"call {number}", step(number), LATER)
    await store.drop_expired(clock[0])
    assert select(path, "SELECT content FROM endings") == [(MENU,)], "they are replaced by then"
    await store.close()


ANSWERS = st.lists(
    st.builds(
        lambda start, key, body, copies: start + key + body * copies,
        st.binary(max_size=20) | st.just(b"{"),
        st.sampled_from([b"", b'"action":', b'"action"']),
        st.binary(max_size=4),
        st.sampled_from([1, 130, 600]),
    ),
    max_size=8,
)


@given(ANSWERS, st.data())
@settings(max_examples=examples(100), deadline=None)
def test_answer_is_read_as_it_was_saved(answers: list[bytes], data: st.DataObject) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE calls (number INTEGER, answer BLOB NOT NULL)")
        for statement in ENDING_TABLES:
            connection.execute(statement)
        endings = CommonEndings(connection)
        for number, answer in enumerate(answers * 2):
            if data.draw(st.integers(0, 9)) == 0:
                endings = CommonEndings(connection)
            written = endings.split_answer(answer, LATER)
            connection.execute("INSERT INTO calls VALUES (?, ?, ?)", (number, *written))
        found = connection.execute(f"SELECT {WHOLE_ANSWER} FROM calls ORDER BY number").fetchall()
    assert [answer for (answer,) in found] == answers * 2


def test_known_endings_are_bounded() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE calls (number INTEGER)")
        for statement in ENDING_TABLES:
            connection.execute(statement)
        endings = CommonEndings(connection)
        for number in range(_MAX_KNOWN_ENDINGS + 10):
            for _ in range(2):
                endings.split_answer(MENU + b"%d" % number, LATER)
        assert len(endings._written) == len(endings._seen_once) == _MAX_KNOWN_ENDINGS
