"""Whether a store says that it cannot be written while that is so, and no longer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flowengine.storage.sessions import (
    MemoryStore,
    SavedCall,
    SqliteStore,
    Store,
    StoreError,
    open_store,
)
from tests.small_disk import fill_disk, small_disk

STEP = SavedCall(1, b"state", b"digest", b"answer", 1.0)


async def problem_of(store: Store) -> str:
    try:
        await store.check_writable()
    except StoreError as error:
        return str(error)
    return ""


async def test_store_in_memory_can_always_be_written() -> None:
    assert (await problem_of(MemoryStore())) == ""


@pytest.mark.parametrize("table", ["calls", "claims"])
async def test_store_in_a_file_without_a_table_is_not_writable(tmp_path: Path, table: str) -> None:
    path = tmp_path / "calls.db"

    store = SqliteStore(path)
    assert await problem_of(store) == ""
    with sqlite3.connect(path) as other:
        other.execute(f"ALTER TABLE {table} RENAME TO away")
    assert f"no such table: {table}" in await problem_of(store)
    with sqlite3.connect(path) as other:
        other.execute(f"ALTER TABLE away RENAME TO {table}")
    assert await problem_of(store) == ""
    await store.close()


async def test_store_in_a_file_that_is_locked_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.storage.sessions.write_probe._WAIT_SECONDS", 0.05)

    store = SqliteStore(tmp_path / "calls.db")
    other = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked" in await problem_of(store)
    other.execute("ROLLBACK")
    assert await problem_of(store) == ""
    other.close()
    await store.close()


async def test_store_on_a_full_disk_is_not_writable(tmp_path: Path) -> None:
    folder = tmp_path / "disk"

    with small_disk(folder):
        store = SqliteStore(folder / "calls.db")
        assert await problem_of(store) == ""
        filler = folder / "filler"
        fill_disk(filler)
        found = [await problem_of(store) for _ in range(20)]
        assert "full" in found[-1]
        filler.unlink()
        assert await problem_of(store) == ""
        await store.close()


async def test_probe_of_a_file_leaves_nothing_and_does_not_let_it_grow(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"

    store = SqliteStore(path)
    await store.save("call", STEP, 2e9)
    for _ in range(400):  # enough for the log to be written back into the file once
        await store.check_writable()
    before = path.stat().st_size
    for _ in range(400):
        await store.check_writable()
    after = path.stat().st_size, path.with_name("calls.db-wal").stat().st_size
    assert await store.load("call") == STEP
    await store.close()
    assert after[1] < 16_000_000
    assert after[0] <= before
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        assert other.execute("SELECT count(*) FROM claims").fetchone() == (0,)


@contextmanager
def asking(address: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("broken", "mended", "said"),
    [
        (
            "ALTER TABLE flowengine.calls RENAME TO away",
            "ALTER TABLE flowengine.away RENAME TO calls",
            "does not exist",
        ),
        (
            "REVOKE INSERT ON flowengine.calls FROM clerk",
            "GRANT INSERT ON flowengine.calls TO clerk",
            "permission denied",
        ),
        (
            "REVOKE UPDATE ON flowengine.claims FROM clerk",
            "GRANT UPDATE ON flowengine.claims TO clerk",
            "permission denied",
        ),
        (
            "ALTER DATABASE postgres SET default_transaction_read_only = on",
            "ALTER DATABASE postgres RESET default_transaction_read_only",
            "read-only",
        ),
    ],
)
async def test_store_on_postgresql_that_refuses_writes_is_not_writable(
    postgresql: str, broken: str, mended: str, said: str
) -> None:
    with asking(postgresql) as other:
        other.execute("DROP OWNED BY clerk") if has_clerk(other) else other.execute(
            "CREATE ROLE clerk LOGIN"
        )
    owner = open_store(postgresql)  # makes the tables
    with asking(postgresql) as other:
        other.execute("GRANT USAGE ON SCHEMA flowengine TO clerk")
        other.execute("GRANT ALL ON ALL TABLES IN SCHEMA flowengine TO clerk")

    await owner.close()
    store = open_store(postgresql.replace("postgres:@", "clerk:@"))
    assert await problem_of(store) == ""
    with asking(postgresql) as other:
        other.execute(broken)
        try:
            if "DATABASE" in broken:  # counts for sessions that begin from now on
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'"
                )
            assert said in await problem_of(store)
            assert said in await problem_of(store)
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute(mended)
    assert await problem_of(store) == ""
    await store.close()


def has_clerk(connection: Any) -> bool:
    return bool(connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'clerk'").fetchone())
