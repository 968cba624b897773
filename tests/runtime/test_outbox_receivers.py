"""Kept reports and real receivers that are slow or hang: each report is delivered once, and nobody
waits for somebody else's receiver.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flowengine.runtime import outbox as outbox_module
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.outbox import Outbox
from flowengine.server.fetch import LookupClient
from flowengine.server.fetch.guard import Hosts
from flowengine.states import LookupRequest
from flowengine.storage.sessions import MemoryStore, SqliteStore, Store, StoreError

CODEC = Codec([derive_key("key")])
LONG_AGO = 1000.0


class Receiver:
    """A system that takes reports, each in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.taken: list[str] = []
        self.times: list[float] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.taken.append(body)
                time.sleep(receiver.seconds)
                receiver.times.append(time.monotonic())
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    pass  # whoever sent it did not wait

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def report(self, number: int) -> LookupRequest:
        url = f"http://127.0.0.1:{self.port}/calls"
        return LookupRequest("crm", "POST", url, {}, b"report %d" % number, 0.1, 0)


@pytest.fixture
def receivers() -> Iterator[Callable[[float], Receiver]]:
    made: list[Receiver] = []

    def start(seconds: float) -> Receiver:
        made.append(Receiver(seconds))
        return made[-1]

    yield start
    for receiver in made:
        receiver.server.shutdown()
        receiver.server.server_close()


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "calls.db")
    address = request.getfixturevalue("postgresql")
    from flowengine.storage.sessions.postgresql_store import PostgresqlStore

    return lambda: PostgresqlStore(address)


def hosts(*receivers: Receiver) -> Hosts:
    return {f"127.0.0.1:{receiver.port}": True for receiver in receivers}


async def delivered(
    stores: list[Store], reports: list[LookupRequest], *receivers: Receiver
) -> list[int]:
    """How many reports each of the workers with these stores could deliver."""
    clients = [LookupClient(lambda: hosts(*receivers)) for _ in stores]
    workers = [Outbox(store, CODEC, client) for store, client in zip(stores, clients, strict=True)]
    for report in reports:
        await workers[0].keep_report(report)
    await asyncio.sleep(1.05)  # then their time has come
    arrived = await asyncio.gather(*(worker.deliver_due_reports() for worker in workers))
    for client in clients:
        await client.close()
    for store in stores:
        await store.close()
    return arrived


async def test_reports_to_a_slow_receiver_are_each_delivered_once_by_two_workers(
    opened: Callable[[], Store],
    receivers: Callable[[float], Receiver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lease is shorter than all of them take together."""
    monkeypatch.setattr(outbox_module, "REPORT_SECONDS", 2.5)
    monkeypatch.setattr(outbox_module, "REPORT_LEASE_SECONDS", 3.0)
    monkeypatch.setattr(outbox_module, "REPORTS_PER_RECEIVER", 1)
    slow = receivers(1.0)
    reports = [slow.report(number) for number in range(8)]
    arrived = await delivered([opened(), opened()], reports, slow)
    assert sum(arrived) == 8
    assert Counter(slow.taken) == Counter(report.body.decode() for report in reports)


async def test_receiver_that_hangs_holds_up_no_other(
    opened: Callable[[], Store],
    receivers: Callable[[float], Receiver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox_module, "REPORT_SECONDS", 3.0)
    hangs, quick = receivers(30.0), receivers(0.0)
    reports = [hangs.report(number) for number in range(40)]
    reports += [quick.report(number) for number in range(10)]

    store = opened()
    client = LookupClient(lambda: hosts(hangs, quick))
    worker = Outbox(store, CODEC, client)
    for report in reports:
        await worker.keep_report(report)
    await asyncio.sleep(1.05)
    delivering = asyncio.create_task(worker.deliver_due_reports())
    while len(quick.taken) < 10 and not delivering.done():  # noqa: ASYNC110  # of a thread
        await asyncio.sleep(0.01)
    assert len(hangs.taken) <= outbox_module.REPORTS_PER_RECEIVER, "all wait for their answer"
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await client.close()
    await store.close()
    assert len(quick.taken) == 10


async def test_report_claimed_by_a_killed_worker_is_sent_after_the_lease(
    opened: Callable[[], Store], receivers: Callable[[float], Receiver]
) -> None:
    quick, now = receivers(0.0), [LONG_AGO]

    stores, client = [opened(), opened()], LookupClient(lambda: hosts(quick))
    first, second = (Outbox(store, CODEC, client, lambda: now[0]) for store in stores)
    await first.keep_report(quick.report(1))
    now[0] += 2
    assert await stores[0].claim_report(now[0], 20.0, [])  # and then it is killed
    assert await second.deliver_due_reports() == 0
    now[0] += 20
    assert await second.deliver_due_reports() == 1
    await client.close()
    for store in stores:
        await store.close()
    assert quick.taken == ["report 1"]


class Forgetful(MemoryStore):
    """Cannot note what became of a report, for a while."""

    failures = 2

    async def settle_report(self, letter: Any, due: float | None) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise StoreError("the disk is full")
        await super().settle_report(letter, due)


async def test_report_that_arrived_is_not_sent_again_though_that_could_not_be_saved(
    receivers: Callable[[float], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "REPORT_PAUSE_SECONDS", 0.05)
    quick = receivers(0.0)
    assert (await delivered([Forgetful()], [quick.report(1)], quick)) == [1]
    assert quick.taken == ["report 1"]
