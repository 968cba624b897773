"""The task loop on real stores: tasks run when they are due, side by side, and until they are done."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowengine.runtime import task_loop
from flowengine.runtime.task_loop import TaskLoop
from flowengine.storage.sessions import (
    MemoryStore,
    OrchestrationChange,
    OrchestrationStore,
    SavedOrchestration,
    ScheduledTask,
    SqliteStore,
    StoreError,
)
from tests.waiting import wait_until_async

Handle = Callable[[ScheduledTask], Awaitable[float | None]]


class Calls:
    """Notes which tasks ran, and when."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.times: list[float] = []

    async def __call__(self, task: ScheduledTask) -> float | None:
        self.ran.append(task.key)
        self.times.append(time.time())
        return None


def memory() -> OrchestrationStore:
    found = MemoryStore().orchestrations
    assert found
    return found


async def schedule(store: OrchestrationStore, **dues: float) -> None:
    """Schedule tasks by their names, so many seconds from now."""
    now = time.time()
    tasks = tuple(ScheduledTask("a", key, now + due, b"") for key, due in dues.items())

    def decide(saved: SavedOrchestration | None, _: object) -> tuple[OrchestrationChange, None]:
        version = saved.version + 1 if saved else 1
        return OrchestrationChange(
            "a", SavedOrchestration("a", "ring", "r", version, b"", 4e9), tasks
        ), None

    await store.take_turn("a", lambda _: (), decide)


@asynccontextmanager
async def running(store: OrchestrationStore, handle: Handle) -> AsyncIterator[TaskLoop]:
    loop = TaskLoop(store, handle)
    run = asyncio.create_task(loop.run())
    yield loop
    run.cancel()
    await loop.stop()


async def test_task_runs_when_it_is_due_and_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "calls.db")
    calls = Calls()
    async with running(store.orchestrations, calls):
        await asyncio.sleep(0.01)  # it sleeps by now
        begun = time.time()
        await schedule(store.orchestrations, second=0.15, first=0.1, now=0.0)
        await wait_until_async(lambda: len(calls.ran) == 3)
        assert calls.ran == ["now", "first", "second"]
        assert calls.times[1] >= begun + 0.1
        assert calls.times[2] >= begun + 0.15
    assert await store.orchestrations.find_next_due() is None
    await store.close()


async def test_task_of_the_same_process_is_awaited_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_loop, "IDLE_TASK_POLL_SECONDS", 1e6)
    monkeypatch.setattr(task_loop, "BUSY_TASK_POLL_SECONDS", 1e6)
    store, calls = memory(), Calls()
    async with running(store, calls):
        await asyncio.sleep(0.01)
        await schedule(store, later=0.1)
        await wait_until_async(lambda: bool(calls.ran))
        await schedule(store, much_later=1e5)
        await schedule(store, at_once=0.0)
        await wait_until_async(lambda: len(calls.ran) == 2)


async def test_task_of_a_dead_neighbour_is_found(tmp_path: Path) -> None:
    path, calls = tmp_path / "calls.db", Calls()
    store, neighbour = SqliteStore(path), SqliteStore(path)
    async with running(store.orchestrations, calls):
        await schedule(neighbour.orchestrations, left=0.0)
        await wait_until_async(lambda: bool(calls.ran))
    await store.close()
    await neighbour.close()


async def test_slow_task_holds_up_no_other() -> None:
    store, calls, slow = memory(), Calls(), asyncio.Event()

    async def handle(task: ScheduledTask) -> float | None:
        if task.key == "slow":
            await slow.wait()
        return await calls(task)

    async with running(store, handle):
        await schedule(store, slow=0.0, quick=0.0)
        await schedule(store, next=0.01)
        await wait_until_async(lambda: len(calls.ran) == 2)
        assert calls.ran == ["quick", "next"]
        slow.set()
        await wait_until_async(lambda: len(calls.ran) == 3)


async def test_tasks_beyond_the_limit_wait_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_loop, "MAX_CONCURRENT_TASKS", 3)
    store, active, most, ran = memory(), 0, 0, 0

    async def handle(_: ScheduledTask) -> None:
        nonlocal active, most, ran
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.001)
        active, ran = active - 1, ran + 1

    async with running(store, handle):
        await schedule(store, **{f"t{n}": 0.0 for n in range(20)})
        await wait_until_async(lambda: ran == 20)
    assert most == 3


async def test_task_is_due_again_when_its_handler_says_so() -> None:
    store = memory()
    tries: list[int] = []

    async def handle(task: ScheduledTask) -> float | None:
        tries.append(task.tries)
        return time.time() + 0.02 if len(tries) < 3 else None

    async with running(store, handle):
        await schedule(store, t=0.0)
        await wait_until_async(lambda: len(tries) == 3)
    assert tries == [1, 2, 3]
    assert await store.find_next_due() is None


async def test_task_that_fails_or_hangs_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_loop, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(task_loop, "HANDLER_SECONDS", 0.05)
    store, ran = memory(), 0

    async def handle(_: ScheduledTask) -> None:
        nonlocal ran
        ran += 1
        if ran == 1:
            raise LookupError("a mistake")
        if ran == 2:
            raise StoreError("the disk is full")
        if ran == 3:
            await asyncio.sleep(1e5)

    with caplog.at_level(logging.ERROR):
        async with running(store, handle):
            await schedule(store, t=0.0)
            await wait_until_async(lambda: ran == 4)
    assert [record.getMessage() for record in caplog.records] == [
        "task t of call a failed: it begins again",
        "tasks of orchestrations wait for the store: the disk is full",
        "a task takes too long and begins again: t",
    ]


async def test_store_that_fails_is_logged_once_and_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_loop, "IDLE_TASK_POLL_SECONDS", 0.01)
    store, calls, failures = memory(), Calls(), 0
    find_next_due = store.find_next_due

    async def fail_at_first() -> float | None:
        nonlocal failures
        failures += 1
        if failures < 4:
            raise StoreError("the disk is full")
        return await find_next_due()

    monkeypatch.setattr(store, "find_next_due", fail_at_first)
    async with running(store, calls):
        await schedule(store, t=0.0)
        await wait_until_async(lambda: bool(calls.ran))
    assert [record.getMessage() for record in caplog.records] == [
        "tasks of orchestrations wait for the store: the disk is full"
    ]


async def test_task_that_runs_at_the_end_is_finished_and_settled() -> None:
    store, started = memory(), asyncio.Event()

    async def handle(_: ScheduledTask) -> None:
        started.set()
        await asyncio.sleep(0.02)

    async with running(store, handle):
        await schedule(store, t=0.0)
        await started.wait()
    assert await store.find_next_due() is None
