"""Reports that could not be delivered: kept once, tried again ever more rarely, given up after a
day.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flowengine.limits import REPORT_KEPT_SECONDS, REPORT_SECONDS
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.outbox import Outbox, needs_retry
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import (
    MemoryStore,
    PendingReport,
    SqliteStore,
    Store,
    StoreError,
)
from tests.waiting import PATIENCE_SECONDS

REPORT = LookupRequest(
    "crm", "POST", "https://crm.example.com/calls", {"authorization": "secret"}, b"{}", 2.0, 0
)
DOWN, TAKEN = LookupResult(503), LookupResult(204)


class World:
    """A clock that is set by hand, and a system that answers as it is told."""

    def __init__(self, store: Store) -> None:
        self.now, self.answer, self.sent = 1000.0, DOWN, 0
        self.outbox = Outbox(store, Codec([derive_key("key")]), self.fetch, lambda: self.now)

    async def fetch(self, request: LookupRequest, _left: float) -> LookupResult:
        assert request == replace(REPORT, timeout=REPORT_SECONDS), "nobody waits for it"
        self.sent += 1
        return self.answer

    async def later(self, seconds: float) -> int:
        self.now += seconds
        return await self.outbox.deliver_due_reports()


@pytest.fixture(params=["sqlite", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    return lambda: (
        SqliteStore(tmp_path / "calls.db") if request.param == "sqlite" else MemoryStore()
    )


async def test_report_is_retried_until_it_arrives(opened: Callable[[], Store]) -> None:
    store = opened()
    world = World(store)
    await world.outbox.keep_report(REPORT)
    await world.outbox.keep_report(REPORT)
    assert await world.later(0.5) == 0
    assert world.sent == 0
    assert await world.later(1) == 0
    assert world.sent == 1
    world.answer = TAKEN
    assert await world.later(1) == 0
    assert await world.later(2) == 1
    assert await world.later(99_999) == 0
    assert world.sent == 2
    await store.close()


async def test_report_is_given_up_after_a_day(opened: Callable[[], Store]) -> None:
    store = opened()
    world = World(store)
    await world.outbox.keep_report(REPORT)
    await world.later(REPORT_KEPT_SECONDS - 1)
    assert world.sent == 1
    world.answer = TAKEN
    assert await world.later(REPORT_KEPT_SECONDS) == 0
    await store.close()


class AbsentStore(MemoryStore):
    """A store that is away at first."""

    is_away = True

    async def add_report(self, report: PendingReport, due: float) -> None:
        if self.is_away:
            raise StoreError("no route to host")
        await super().add_report(report, due)


async def test_report_waits_in_memory_while_the_store_is_away_and_arrives_once() -> None:
    """A receiver and the database may be away at the same time."""
    store = AbsentStore()
    world = World(store)
    await world.outbox.keep_report(REPORT)
    world.answer = TAKEN
    with pytest.raises(StoreError):
        await world.later(2)
    assert world.sent == 0
    store.is_away = False
    assert await world.later(2) == 1
    assert await world.later(99_999) == 0
    assert world.sent == 1


async def test_report_in_memory_is_delivered_while_another_attempt_hangs() -> None:
    """The delivery goes on for as long as reports are due."""
    store = AbsentStore()
    store.is_away = False
    world, hanging, fetched = World(store), asyncio.Event(), asyncio.Queue[str]()

    async def fetch(request: LookupRequest, _left: float) -> LookupResult:
        fetched.put_nowait(request.url)
        if request.url == REPORT.url:
            await hanging.wait()
        return TAKEN

    outbox = Outbox(store, Codec([derive_key("key")]), fetch, lambda: world.now)
    await outbox.keep_report(REPORT)
    world.now += 2
    delivery = asyncio.create_task(outbox.deliver_due_reports())
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await fetched.get() == REPORT.url
        store.is_away = True
        await outbox.keep_report(replace(REPORT, url="https://bill.example.com/calls"))
        store.is_away = False
        world.now += 2
        assert await fetched.get() == "https://bill.example.com/calls"
        hanging.set()
        assert await delivery == 2


async def test_report_in_memory_is_stored_as_the_worker_ends() -> None:
    store = AbsentStore()
    ending, other = World(store), World(store)
    await ending.outbox.keep_report(REPORT)
    store.is_away = False
    await ending.outbox.close()
    other.answer = TAKEN
    assert await other.later(2) == 1


async def test_reports_that_no_store_and_no_memory_takes_are_counted_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flowengine.runtime.outbox.MAX_UNSTORED_REPORTS", 1)
    world = World(AbsentStore())
    for number in range(2):
        await world.outbox.keep_report(replace(REPORT, url=f"https://crm.example.com/{number}"))
    assert "reports are lost, as too many wait in memory: one to crm, no route" in caplog.text
    assert caplog.text.count("the server retries it") == 1
    await world.outbox.close()
    assert "1 reports are lost, as the store cannot keep them: no route to host" in caplog.text


async def test_report_of_two_workers_is_sent_once(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "calls.db") for _ in range(2)]
    worlds = [World(store) for store in stores]
    await worlds[0].outbox.keep_report(REPORT)
    for world in worlds:
        world.answer = TAKEN
    assert sorted(await asyncio.gather(*(world.later(2) for world in worlds))) == [0, 1]
    for store in stores:
        await store.close()


async def test_report_is_stored_encrypted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "calls.db")
    await World(store).outbox.keep_report(REPORT)
    await store.close()
    assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "fetched", [LookupResult(0, error="timeout"), LookupResult(0, error="connection"), DOWN]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_result_that_may_pass_needs_a_retry(fetched: LookupResult, method: str) -> None:
    assert needs_retry(replace(REPORT, method=method), fetched)
    assert not needs_retry(replace(REPORT, method="GET"), fetched)


@pytest.mark.parametrize(
    "fetched", [TAKEN, LookupResult(404), LookupResult(0, error="not allowed")]
)
def test_result_that_is_final_needs_no_retry(fetched: LookupResult) -> None:
    assert not needs_retry(REPORT, fetched)
