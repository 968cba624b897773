"""The file: who may read it, what is in it, what happens while others write it."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions import SavedCall, SqliteStore, StoreError
from flowengine.storage.sessions.session_file import SESSION_SCHEMA_VERSION

LATER = 2e9
STEP = SavedCall(1, b"state", b"digest", b"answer", 1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


async def test_store_files_are_readable_by_their_owner_alone(path: Path) -> None:
    store = SqliteStore(path)
    await store.save("a", STEP, LATER)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"calls.db": 0o600, "calls.db-wal": 0o600, "calls.db-shm": 0o600}
    await store.close()


async def test_deleted_calls_cannot_be_found_in_the_file(path: Path) -> None:
    store = SqliteStore(path)
    await store.save("a", replace(STEP, state=b"account 12345678"), 1000.0)
    await store.drop_expired(1001.0)
    await store.close()
    assert b"12345678" not in path.read_bytes()


async def test_calls_are_there_after_closing_and_opening_again(path: Path) -> None:
    store = SqliteStore(path)
    await store.save("a", STEP, LATER)
    await store.close()
    store = SqliteStore(path)
    assert await store.load("a") == STEP
    await store.close()


def test_store_of_another_version_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {SESSION_SCHEMA_VERSION + 1}")
    with pytest.raises(
        StoreError,
        match=f"not a session store of version {SESSION_SCHEMA_VERSION}.*version is {SESSION_SCHEMA_VERSION + 1}",
    ):
        SqliteStore(path)


def test_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="name another file"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"flow: support-line\n" * 100)
    with pytest.raises(
        StoreError, match=r"cannot open the session store .*calls\.db: file is not a database"
    ):
        SqliteStore(path)


def test_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        SqliteStore(tmp_path / "nowhere" / "calls.db")


async def test_saves_of_one_moment_are_one_transaction(path: Path) -> None:
    store = SqliteStore(path)
    await store.save("warm", STEP, LATER)
    statements: list[str] = []
    store._file.connection.set_trace_callback(statements.append)
    await asyncio.gather(*(store.save(f"call {n}", STEP, LATER) for n in range(64)))
    assert [sql for sql in statements if not sql.startswith("INSERT")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]
    assert len(statements) == 66
    await store.close()


async def test_while_another_process_writes_the_loop_goes_on_and_the_save_follows(
    path: Path,
) -> None:
    store = SqliteStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        saving = asyncio.ensure_future(store.save("a", STEP, LATER))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not saving.done(), "waiting in the loop would have ended with an error"
        assert await store.load("a") is None, "readers do not wait"
        other.execute("COMMIT")
    assert await saving is STEP
    await store.close()


async def test_file_that_stays_locked_is_an_error_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.storage.sessions.group_commit.COMMIT_TIMEOUT_SECONDS", 0.02)

    store = SqliteStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="cannot be written: database is locked"):
            await store.save("a", STEP, LATER)
        other.execute("ROLLBACK")
    assert await store.save("a", STEP, LATER) is STEP, "the store works again"
    await store.close()


async def test_failing_commit_fails_all_of_its_saves_and_nothing_else(path: Path) -> None:
    store = SqliteStore(path)
    too_big = replace(STEP, counter=2**63)
    failed = await asyncio.gather(
        store.save("a", STEP, LATER), store.save("b", too_big, LATER), return_exceptions=True
    )
    assert [type(failure) for failure in failed] == [StoreError, StoreError]
    assert await store.load("a") is None
    assert await store.save("a", STEP, LATER) is STEP
    await store.close()


async def test_cancelled_save_does_not_disturb_the_others(path: Path) -> None:
    store = SqliteStore(path)
    gone, stays = (asyncio.ensure_future(store.save(call_id, STEP, LATER)) for call_id in "ab")
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays is STEP
    await store.close()


async def test_closing_finishes_what_is_being_saved(path: Path) -> None:
    store = SqliteStore(path)
    saving = asyncio.ensure_future(store.save("a", STEP, LATER))
    await asyncio.sleep(0)
    await store.close()
    assert await saving is STEP


async def test_write_ahead_log_is_written_back_while_saving_goes_on(path: Path) -> None:
    store = SqliteStore(path)
    for turn in range(400):
        await asyncio.gather(
            *(
                store.save(f"{turn} {n}", replace(STEP, answer=b"x" * 2000), LATER)
                for n in range(64)
            )
        )
    sizes = sizes_in(path.parent)
    await store.close()
    assert sizes["calls.db"] > 10_000_000
    assert sizes["calls.db-wal"] < 68_000_000, (
        "it has started over: 71 MB were written, and a busy disk takes its time"
    )


def sizes_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in folder.iterdir()}


async def test_save_of_another_worker_is_seen_at_once_whatever_this_one_caches(
    path: Path,
) -> None:
    mine, other = SqliteStore(path), SqliteStore(path)
    for counter in range(1, 20, 2):
        own, foreign = replace(STEP, counter=counter), replace(STEP, counter=counter + 1)
        assert await mine.save("a", own, LATER) is own
        assert await mine.load("a") == own
        assert await other.save("a", foreign, LATER) is foreign
        assert await mine.load("a") == foreign
        assert await mine.save("a", own, LATER) == foreign
        assert await mine.load("a") == foreign
    await mine.close()
    await other.close()


async def test_recent_answers_are_those_of_the_latest_calls_under_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.storage.sessions.sqlite_store._MAX_RECENT_CALLS", 2)

    store = SqliteStore(path)
    assert await store.load("a") is None  # from now on the store knows who has written
    saved = {call_id: replace(STEP, state=call_id.encode(), release="r1") for call_id in "abc"}
    for call_id in "abc":
        await store.save(call_id, saved[call_id], LATER)
    later = replace(STEP, counter=2, release="r1")
    await store.save("b", later, LATER)
    assert await store.load("b") is later
    assert await store.load("c") is saved["c"]
    assert await store.load("a") is not saved["a"]  # it is read from the file
    ended = replace(STEP, counter=2)
    await store.save("c", ended, LATER)
    assert await store.load("b") is later
    # an ended call asks for nothing but a delivery that comes again
    assert await store.load("c") is not ended
    assert [await store.load("c"), await store.load("a")] == [ended, saved["a"]]
    await store.close()


async def test_file_of_the_version_before_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE calls (id BLOB PRIMARY KEY, counter INTEGER NOT NULL, state BLOB NOT NULL, "
        "digest BLOB NOT NULL, "
        "answer BLOB NOT NULL, claimed REAL NOT NULL, expires REAL NOT NULL);"
        "CREATE TABLE claims (id BLOB, digest BLOB, deadline REAL NOT NULL, PRIMARY KEY (id, "
        "digest)) WITHOUT ROWID;"
        "CREATE TABLE outbox (id BLOB PRIMARY KEY, content BLOB NOT NULL, tries INTEGER NOT NULL, "
        "expires REAL NOT NULL, "
        "due REAL NOT NULL);"
        "INSERT INTO calls VALUES (CAST('c1' AS BLOB), 1, x'73', x'64', x'61', 1.0, 9e9); PRAGMA "
        "user_version = 1;"
    )
    old.close()

    store = SqliteStore(path)
    assert await store.load("c1") == SavedCall(1, b"s", b"d", b"a", 1.0)
    await store.save("c1", SavedCall(2, b"t", b"e", b"b", release="r1"), 9e9)
    assert await store.find_needed_releases() == {"r1"}
    await store.close()


def drop_later_tables(connection: sqlite3.Connection) -> None:
    """Take away what versions 5 and 6 have added."""
    connection.executescript(
        "DROP TABLE orchestrations; DROP TABLE tasks; DROP TABLE agents; DROP TABLE endings; "
        "ALTER TABLE calls DROP COLUMN ending"
    )


async def test_file_of_version_4_gets_the_tables_of_orchestrations(path: Path) -> None:
    store = SqliteStore(path)
    await store.save("a", STEP, LATER)
    await store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        drop_later_tables(old)
        old.execute("PRAGMA user_version = 4")
    store = SqliteStore(path)
    assert await store.load("a") == STEP
    assert await store.orchestrations.list_orchestrations() == []
    assert await store.orchestrations.find_next_due() is None
    await store.close()
    with closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (SESSION_SCHEMA_VERSION,)


async def test_answers_of_version_3_whose_ends_stood_in_a_table_are_whole_again(path: Path) -> None:
    """A server of before has shortened them: a zero, the number of the end, and the rest."""
    ends = {1: b'"action":{"name":"park"}}', 300: b'"action":{"name":"h\xc3\xa5"}}'}
    answers = {
        b"plain": (b'{"action":{}}', b'{"action":{}}'),
        b"first": (bytes(8) + b'\x01{"n":1,', b'{"n":1,' + ends[1]),
        b"second": (bytes(7) + b'\x01\x2c{"n":2,', b'{"n":2,' + ends[300]),
        b"odd": (bytes(9) + b"\0{}", b"\0{}"),
        b"gone": (bytes(8) + b'\x02{"n":3,', b""),
    }
    await SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        drop_later_tables(old)
        old.execute("CREATE TABLE endings (number INTEGER PRIMARY KEY, at REAL, content BLOB)")
        old.executemany("INSERT INTO endings VALUES (?, 1.0, ?)", ends.items())
        old.executemany(
            "INSERT INTO calls VALUES (?, 1, x'73', x'64', ?, 1.0, ?, ?)",
            [
                *((key, written, 9e9, "r1") for key, (written, _) in answers.items()),
                (b"just ended", answers[b"first"][0], time.time() + CALL_KEPT_SECONDS - 30.0, ""),
                (b"ended", answers[b"first"][0], time.time() + CALL_KEPT_SECONDS - 90.0, ""),
            ],
        )
        old.execute("PRAGMA user_version = 3")
    store = SqliteStore(path)
    for key, (_, whole) in answers.items():
        assert await store.load(key.decode()) == SavedCall(1, b"s", b"d", whole, 1.0, "r1")
    for key, whole in (("just ended", answers[b"first"][1]), ("ended", b"")):
        assert await store.load(key) == SavedCall(1, b"s", b"d", whole, 1.0, "")
    await store.close()
    with closing(sqlite3.connect(path)) as new:
        tables = {name for (name,) in new.execute("SELECT name FROM sqlite_schema")}
        assert new.execute("SELECT content FROM endings").fetchall() == [(b"",)], "only a mark"
    assert "marked" not in tables
