"""A service that does not answer, and what it takes from others: nothing."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowengine.server.fetch import LookupClient, breaker
from flowengine.server.fetch.breaker import CircuitState
from flowengine.states import LookupRequest, LookupResult
from tests.server.server_process import Service
from tests.server.silent_service import SilentService, silent_service
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def hanging() -> Iterator[SilentService]:
    with silent_service() as made:
        yield made


def request(
    service: str, url: str, timeout: float = 3.0, headers: dict[str, str] | None = None
) -> LookupRequest:
    return LookupRequest(service, "GET", url, headers or {}, b"", timeout, 0)


async def ask_often(client: LookupClient, asked: LookupRequest, times: int) -> list[LookupResult]:
    return [await client(asked, 5) for _ in range(times)]


async def test_lookup_while_another_service_hangs_is_answered(
    hanging: SilentService, service: Service
) -> None:
    hosts = {hanging.netloc: True, service.netloc: True}

    client = LookupClient(lambda: hosts)
    lookups = [
        asyncio.create_task(client(request("slow", f"{hanging.url}/{number}", 120), 120))
        for number in range(120)
    ]
    while len(hanging.accepted) < 50:  # noqa: ASYNC110  # other threads count
        await asyncio.sleep(0.01)
    found = await client(request("crm", service.url + "/ok", timeout=60), 60)
    for lookup in lookups:
        lookup.cancel()
    await asyncio.gather(*lookups, return_exceptions=True)
    await client.close()
    assert found.status == 200
    assert len(hanging.accepted) <= 50


async def test_lookups_while_a_service_hangs_have_places_again_afterwards(
    hanging: SilentService,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(breaker, "FIRST_PAUSE_SECONDS", 0.1)
        client = LookupClient(lambda: {hanging.netloc: True})
        lost = asyncio.gather(
            *(client(request("slow", hanging.url + "/", 0.1), 5) for _ in range(100))
        )
        assert {found.error for found in await lost} == {"timeout"}
        hanging.mode = "answer"
        await asyncio.sleep(breaker.FIRST_PAUSE_SECONDS)
        found = await client(request("slow", hanging.url + "/", 60), 60)
        await client.close()
        assert found.status == 200


@pytest.mark.parametrize(
    ("mode", "error"), [("hang", "timeout"), ("trickle", "timeout"), ("close", "connection")]
)
async def test_circuit_of_a_service_without_answers_opens_and_closes(
    mode: str, error: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(breaker, "FIRST_PAUSE_SECONDS", 0.3)
    seen: list[tuple[str, Any]] = []

    async def run(service: SilentService) -> None:
        client = LookupClient(
            lambda: {service.netloc: True},
            lambda name, outcome, _seconds: seen.append((name, outcome)),
            lambda name, state: seen.append((name, state)),
        )
        asked = request("slow", service.url + "/", 0.1)
        assert await ask_often(client, asked, 5) == [LookupResult(0, error=error)] * 5
        connections = len(service.accepted)
        skipped = await ask_often(client, asked, 3)
        assert skipped == [LookupResult(0, error=f"circuit open: {error}")] * 3
        assert {fetched.cause for fetched in skipped} == {error}
        assert len(service.accepted) == connections
        service.mode = "answer"
        await asyncio.sleep(0.35)
        assert (await client(request("slow", service.url + "/", 60), 60)).status == 200
        await client.close()

    with caplog.at_level(logging.WARNING), silent_service(mode) as service:
        await run(service)
    assert seen[5:] == [
        ("slow", error),
        ("slow", "circuit open"),
        ("slow", "circuit open"),
        ("slow", "circuit open"),
        ("slow", CircuitState.HALF_OPEN),
        ("slow", CircuitState.CLOSED),
        ("slow", "2xx"),
    ]
    assert ("slow", CircuitState.OPEN) in seen
    opened, closed = [record.getMessage() for record in caplog.records]
    assert opened.startswith(f"slow does not answer ({error}): its circuit is open")
    assert closed == "slow answers again: its circuit is closed"


async def test_circuit_of_a_service_that_refuses_opens() -> None:
    client = LookupClient(lambda: {"127.0.0.1:9": True})
    found = await ask_often(client, request("gone", "http://127.0.0.1:9/"), 6)
    await client.close()
    assert [one.error for one in found] == ["refused"] * 5 + ["circuit open: refused"]


async def test_circuit_of_a_service_that_answers_with_errors_stays_closed(service: Service) -> None:
    client = LookupClient(lambda: {service.netloc: True})
    found = await ask_often(client, request("crm", service.url + "/fail"), 12)
    await client.close()
    assert {one.status for one in found} == {500}


async def test_circuit_is_not_opened_by_lookups_that_cannot_be_sent(service: Service) -> None:
    client = LookupClient(lambda: {service.netloc: True})
    bad = request("crm", service.url + "/ok", headers={"X A": "1"})
    found = await ask_often(client, bad, 10)
    found.append(await client(request("crm", service.url + "/ok", 60), 60))
    await client.close()
    *bad, good = found
    assert {found.error for found in bad} == {"cannot be sent"}
    assert good.status == 200


async def test_circuit_is_not_opened_by_lookups_that_had_no_time(hanging: SilentService) -> None:
    """The deadline of the callback was near: that says nothing about the service."""

    client = LookupClient(lambda: {hanging.netloc: True})
    found = [await client(request("slow", hanging.url + "/"), 0.02) for _ in range(10)]
    await client.close()
    assert {one.error for one in found} == {"timeout"}


async def test_circuits_of_two_services_at_one_host_are_apart(hanging: SilentService) -> None:
    client = LookupClient(lambda: {hanging.netloc: True})
    await ask_often(client, request("slow", hanging.url + "/", 0.05), 6)
    found = await client(request("other", hanging.url + "/", 0.05), 5)
    await client.close()
    assert found.error == "timeout"


async def test_hanging_name_server_leaves_other_services_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither names of other services nor the default executor wait for it."""
    release = threading.Event()
    look_up = socket.getaddrinfo

    def hang(host: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(host, str) and host.endswith(".hanging.example"):
            release.wait(20)
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    named = service.url.replace("127.0.0.1", "localhost")
    names = [f"a{number}.hanging.example" for number in range(40)]
    hosts = {**dict.fromkeys(names, False), named.removeprefix("http://"): True}

    try:
        client = LookupClient(lambda: hosts)
        lookups = [
            asyncio.create_task(client(request(name[:3], f"http://{name}/", 1.5), 5))
            for name in names
            for _ in range(3)
        ]
        await asyncio.sleep(0.2)
        found = await client(request("crm", named + "/ok", 60), 60)
        other = await asyncio.wait_for(asyncio.to_thread(lambda: "free"), PATIENCE_SECONDS)
        lost = await asyncio.gather(*lookups)
        await client.close()
    finally:
        release.set()
    assert found.status == 200
    assert other == "free"
    assert {one.error for one in lost} == {"timeout"}


async def test_name_that_hangs_holds_a_bounded_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flowengine.server.fetch import resolver

    release = threading.Event()
    monkeypatch.setattr(resolver, "LATE_SECONDS", 0.0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(20) and [])
    before = threading.active_count()

    try:
        client = LookupClient(lambda: {"hangs.example": False})
        for _ in range(10):
            await client(request("slow", "http://hangs.example/", 0.02), 5)
        await client.close()
        assert threading.active_count() - before <= resolver.MAX_THREADS_PER_NAME
    finally:
        release.set()


async def test_second_address_is_tried_when_the_first_swallows_packets(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener whose queue is full swallows what comes."""
    from flowengine.server.fetch.resolver import Resolver

    port = int(service.netloc.rpartition(":")[2])
    full = socket.create_server(("127.0.0.9", port), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.9", port))

    async def resolve(_self: object, _host: str) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    monkeypatch.setattr(Resolver, "resolve", resolve)

    try:
        client = LookupClient(lambda: {f"crm.example:{port}": True})
        found = await client(request("crm", f"http://crm.example:{port}/ok", 60), 60)
        await client.close()
        assert found.status == 200
    finally:
        for filler in (*fillers, full):
            filler.close()
