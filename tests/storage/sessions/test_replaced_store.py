"""Somebody takes the session store away, or puts another file in its place, while servers use it:
calls go on, and can be found.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions import (
    OrchestrationChange,
    PendingReport,
    SavedAgent,
    SavedCall,
    SavedOrchestration,
    ScheduledTask,
    SqliteStore,
    StoreError,
)

MENU = b'"action":{"name":"runMenu","menus":[' + b"x" * 2000 + b"]}}"


def step(counter: int = 1, release: str = "r1") -> SavedCall:
    return SavedCall(counter, b"state", b"digest", b'{"instructions":[],' + MENU, 1.0, release)


def ring(version: int) -> SavedOrchestration:
    return SavedOrchestration("ring", "ring", "r1", version, b"state %d" % version, 2e9 * 2)


def soon() -> float:
    return time.time() + CALL_KEPT_SECONDS


@asynccontextmanager
async def two_workers_on(path: Path) -> AsyncIterator[tuple[SqliteStore, SqliteStore]]:
    stores = SqliteStore(path), SqliteStore(path)
    yield stores
    for store in stores:
        await store.close()
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def alone(path: Path) -> None:
    path.unlink()


def all_of_it(path: Path) -> None:
    for file in path.parent.glob("calls.db*"):
        file.unlink()


def older(path: Path) -> None:
    shutil.copy(path.parent / "copy.db", path.parent / "copied.db")
    (path.parent / "copied.db").rename(path)


def blocked(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unblocked(path: Path) -> None:
    path.rmdir()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    async def copied() -> None:
        store = SqliteStore(tmp_path / "copy.db")
        await store.save("call-1", step(), soon())
        await store.close()

    asyncio.run(copied())
    return tmp_path / "calls.db"


@pytest.mark.parametrize("how", [alone, all_of_it, older])
async def test_calls_go_on_on_both_workers_and_on_a_new_one(
    path: Path, how: Callable[[Path], None]
) -> None:
    async with two_workers_on(path) as (first, second):
        for number in range(50):
            await (first, second)[number % 2].save(f"call-{number}", step(2), soon())
        await first.claim("call-1", b"under way", time.time() + 5)
        await first.add_report(PendingReport(b"report", b"sealed", 0, soon()), time.time() + 60)
        how(path)
        await second.save("late", step(1), soon())
        assert await first.reopen_if_replaced()
        await second.save("later", step(1), soon())
        new = SqliteStore(path)
        assert await second.reopen_if_replaced()
        assert not await first.reopen_if_replaced()
        for store in (first, second, new):
            assert [await store.load(f"call-{number}") for number in range(50)] == [step(2)] * 50
            assert (await store.load("late"), await store.load("later")) == (step(1), step(1))
            assert not await store.claim("call-1", b"under way", time.time() + 5)
            assert await store.find_needed_releases() == {"r1"}
        await first.save("call-1", step(3), soon())
        assert await new.load("call-1") == await second.load("call-1") == step(3)
        letter = await new.claim_report(time.time() + 61, 1.0, [])
        assert letter
        assert letter.id == b"report"
        await new.close()


@pytest.mark.parametrize("how", [alone, all_of_it, older])
async def test_orchestrations_go_on_in_the_new_file(
    path: Path, how: Callable[[Path], None]
) -> None:
    async with two_workers_on(path) as (first, second):
        task = ScheduledTask("ring", "timer", 1.0, b"payload")
        agent = SavedAgent("+14045009001", "ring", 1.0, 2.0)
        change = OrchestrationChange("ring", ring(2), (task,), agents=(agent,))
        await first.orchestrations.take_turn("ring", lambda _: (), lambda *_: (change, None))
        how(path)
        assert await first.reopen_if_replaced()
        moved = OrchestrationChange("ring", ring(3), cancelled=("timer",))
        await first.orchestrations.take_turn("ring", lambda _: (), lambda *_: (moved, None))
        assert await second.reopen_if_replaced()
        for store in (first, second):
            assert await store.orchestrations.list_orchestrations() == [ring(3)]
            assert await store.orchestrations.load_agents([agent.address]) == {agent.address: agent}
            assert await store.orchestrations.find_next_due() is None, "it was cancelled meanwhile"
            assert await store.find_needed_releases() == {"r1"}


async def test_tasks_are_copied_to_the_new_file(path: Path) -> None:
    async with two_workers_on(path) as (first, second):
        tasks = tuple(ScheduledTask("ring", f"{n}", n, b"payload") for n in (1.0, 2.0))
        change = OrchestrationChange("ring", ring(1), tasks)
        await first.orchestrations.take_turn("ring", lambda _: (), lambda *_: (change, None))
        alone(path)
        assert await first.reopen_if_replaced()
        assert await second.reopen_if_replaced()
        claimed = [await second.orchestrations.claim_task(9.0, 1.0) for _ in range(3)]
        assert [one and one.key for one in claimed] == ["1.0", "2.0", None]


async def test_save_during_the_replacement_is_written_to_the_new_file(
    path: Path,
) -> None:
    async with two_workers_on(path) as (first, second):
        going, saved = True, 0

        async def saving() -> None:
            nonlocal saved
            while going:
                await first.save(f"call-{saved}", step(), soon())
                saved += 1
                await asyncio.sleep(0.0005)

        task = asyncio.create_task(saving())
        for _ in range(5):
            await asyncio.sleep(0.02)
            alone(path)
            assert await first.reopen_if_replaced()
            await second.reopen_if_replaced()
        going = False
        await task
        assert saved > 50
        assert all([await second.load(f"call-{number}") for number in range(saved)])


async def test_calls_that_have_ended_stay_behind_but_for_the_latest(path: Path) -> None:
    async with two_workers_on(path) as (first, _):
        await first.save("old", step(release=""), soon() - 3600)
        await first.save("new", step(release=""), soon())
        alone(path)
        assert await first.reopen_if_replaced()
        assert (await first.load("old"), await first.load("new")) == (None, step(release=""))


async def test_calls_go_on_where_no_file_can_be_made_and_it_is_said_until_one_can(
    path: Path,
) -> None:
    async with two_workers_on(path) as (first, second):
        blocked(path)
        for _ in range(3):
            with pytest.raises(
                StoreError,
                match=r"calls\.db was taken away under the running server, and cannot be made "
                r"anew: .*unable",
            ):
                await first.reopen_if_replaced()
            await first.save("call", step(), soon())
            assert await second.load("call") == step()
        unblocked(path)
        assert await first.reopen_if_replaced()
        assert await first.load("call") == step()


async def test_command_on_a_missing_file_does_not_disturb_the_workers(path: Path) -> None:
    """It made a new file beside the old one's log, and failed; so did every new worker."""

    async with two_workers_on(path) as (first, second):
        await first.save("call", step(), soon())
        alone(path)
        command = SqliteStore(path)
        assert await command.find_needed_releases() == set()
        await command.close()
        assert await second.load("call") == step()
        await first.reopen_if_replaced()
        assert await first.load("call") == step()
