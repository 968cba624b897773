"""The short way of a callback through the web server, over real connections: whatever is unusual
takes uvicorn's own way.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from flowengine.compile import Release
from flowengine.limits import MAX_CALLBACK_BYTES
from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.server.callback import CallbackHandler, SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.connections import ConnectionTable
from flowengine.server.direct_protocol import DirectProtocol, DirectRequest
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall
from tests.compiled_release import compile_release
from tests.server.server_process import FLOW, ice, pressed
from tests.waiting import PATIENCE_SECONDS

PROJECT = b'{project: test, services: {crm: {url: "https://crm.example.com"}}}'
Answer = tuple[int, dict[str, str], bytes]


class Slow(MemoryStore):
    """Keeps a call only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()
        self.told.set()

    async def save(
        self, call_id: str, saved: SavedCall, expires: float, *changes: Any
    ) -> SavedCall:
        await asyncio.sleep(0)
        await self.told.wait()
        return await super().save(call_id, saved, expires, *changes)


async def lookup(_request: LookupRequest, _left: float) -> LookupResult:
    async with asyncio.timeout(PATIENCE_SECONDS):  # works in a task only
        await asyncio.sleep(0.01)
    return LookupResult(200, {"name": "Ann"})


class Line:
    """A server within this process, and connections to it."""

    def __init__(
        self, release: Release, fetch: Callable[[LookupRequest, float], Awaitable[LookupResult]]
    ) -> None:
        self.store = Slow()
        self.callback = CallbackHandler(
            Engine(Registry(release), self.store, None, fetch),
            SignatureGate(Registry(release), {}),
            Metrics(),
            LogWriter(os.open(os.devnull, os.O_WRONLY)),
        )
        self.front = CallbackDispatcher("/sinch", self.callback, Starlette(), ConnectionTable(1, 1))
        self.server = uvicorn.Server(uvicorn.Config(
            self.front, http=DirectProtocol, port=0, lifespan="off", access_log=False, log_config=None, proxy_headers=False,
        ))  # fmt: skip

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.server.servers[0].sockets[0].getsockname())


@asynccontextmanager
async def serving(
    fetch: Callable[[LookupRequest, float], Awaitable[LookupResult]] = lookup,
) -> AsyncIterator[Line]:
    release = compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})
    line = Line(release, fetch)
    running = asyncio.create_task(line.server._serve())
    while not line.server.started:  # noqa: ASYNC110  # the server has no event for it
        await asyncio.sleep(0.001)
    yield line
    line.server.should_exit = True
    await asyncio.wait_for(running, PATIENCE_SECONDS)


def request(
    body: bytes | dict[str, Any],
    *headers: str,
    method: str = "POST",
    path: str = "/sinch",
    version: str = "1.1",
) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/{version}",
        "host: localhost",
        f"content-length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def answer(reader: asyncio.StreamReader) -> Answer:
    status, *lines = (
        (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS))
        .decode()
        .split("\r\n")
    )
    headers = dict(line.split(": ", 1) for line in lines if line)
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def exchanged(sent: bytes, answers: int = 1) -> list[Answer]:
    async with serving() as line:
        reader, writer = await line.connect()
        writer.write(sent)
        found = [await answer(reader) for _ in range(answers)]
        writer.close()
        return found


def action(found: Answer) -> str:
    return str(json.loads(found[2])["action"]["name"])


async def test_call_on_one_connection_is_answered() -> None:
    async with serving() as line:
        reader, writer = await line.connect()
        writer.write(request(ice()))
        status, headers, _ = asked = await answer(reader)
        assert (status, headers["content-type"], action(asked)) == (
            200,
            "application/json",
            "runMenu",
        )
        assert "date" in headers
        writer.write(request(pressed("12345674")))
        assert json.loads((await answer(reader))[2])["instructions"][0]["text"] == "Hello Ann."
        writer.write(request({"event": "tea"}))
        assert (await answer(reader))[0] == 400
        assert line.server.server_state.total_requests == 3
        writer.close()


@pytest.mark.parametrize(
    ("sent", "direct"),
    [
        (request(ice()), True),
        (request(ice(), path="/sinch/"), True),
        (request(ice(), path="/sinch?a=b"), False),
        (request(ice(), path="/%73inch"), False),
        (request(ice(), "connection: close"), False),
        (request(ice(), version="1.0"), False),
    ],
)
async def test_unusual_callbacks_are_answered_all_the_same(
    sent: bytes, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[DirectRequest] = []
    begin = DirectRequest.begin
    monkeypatch.setattr(
        DirectRequest,
        "begin",
        lambda exchange, front: begun.append(exchange) or begin(exchange, front),
    )
    (found,) = await exchanged(sent)
    assert (found[0], action(found)) == (200, "runMenu")
    assert bool(begun) is direct


async def test_body_in_chunks_or_in_pieces_is_answered() -> None:
    body = json.dumps(ice()).encode()
    head = b"POST /sinch HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    (found,) = await exchanged(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert action(found) == "runMenu"

    async with serving() as line:
        reader, writer = await line.connect()
        whole = request(ice())
        for start in range(0, len(whole), 50):
            writer.write(whole[start : start + 50])
            await asyncio.sleep(0.001)
        assert action(await answer(reader)) == "runMenu"
        writer.close()


async def test_expect_100_continue_is_answered() -> None:
    async with serving() as line:
        reader, writer = await line.connect()
        head, _, body = request(ice(), "expect: 100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert b"100 Continue" in await asyncio.wait_for(
            reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS
        )
        writer.write(body)
        assert action(await answer(reader)) == "runMenu"
        writer.close()


async def test_request_that_is_too_large_or_no_http_is_refused() -> None:
    for size in (MAX_CALLBACK_BYTES + 1, 200_000):
        assert (await exchanged(request(b"{" * size)))[0][0] == 413
    assert (await exchanged(b"POST /sinch\r\n\r\n"))[0][0] == 400
    assert (await exchanged(request(b"", method="GET")))[0][0] == 404
    assert (await exchanged(request(b"")))[0][0] == 400


async def test_requests_that_do_not_wait_are_answered_in_order() -> None:
    sent = [
        request(ice("a")),
        request(b"", path="/other"),
        request(ice("b")),
        request(pressed("12345674", "b")),
        request(ice("c")),
    ]
    found = await exchanged(b"".join(sent), len(sent))
    assert [status for status, _, _ in found] == [200, 404, 200, 200, 200]
    assert "Hello Ann." in found[3][2].decode()
    assert action(found[4]) == "runMenu"


async def test_idle_connection_is_closed() -> None:
    async with serving() as line:
        reader, writer = await line.connect()
        for _ in range(3):
            writer.write(request(ice()))
            await answer(reader)
            await asyncio.sleep(0.5)
        assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
        writer.close()


async def test_stopping_server_answers_callbacks_in_flight() -> None:
    async with serving() as line:
        reader, writer = await line.connect()
        line.store.told.clear()
        writer.write(request(ice()))
        await asyncio.sleep(0.05)
        line.server.should_exit = True
        await asyncio.sleep(0.25)
        assert line.server.server_state.connections
        line.store.told.set()
        found = await answer(reader)
        assert (action(found), found[1]["connection"]) == ("runMenu", "close")
        assert await reader.read() == b""
        writer.close()


async def test_client_that_disconnects_leaves_the_work_to_be_done() -> None:
    done = asyncio.Event()

    async def slow(_request: LookupRequest, _left: float) -> LookupResult:
        await asyncio.sleep(0.3)
        done.set()
        return LookupResult(200, {"name": "Ann"})

    async with serving(slow) as line:
        reader, writer = await line.connect()
        writer.write(request(ice()))
        await answer(reader)
        writer.write(request(pressed("12345674")))
        await asyncio.sleep(0.05)
        writer.close()
        await asyncio.sleep(0.05)
        # the connection stays for the answer: it looks as if the client might still read
        assert (
            len(line.server.server_state.connections),
            len(line.server.server_state.tasks),
        ) == (1, 1)
        line.server.should_exit = True
        await asyncio.sleep(0.1)
    assert done.is_set()


@pytest.mark.parametrize("failure", [RuntimeError("a mistake of ours"), asyncio.CancelledError()])
async def test_callback_handler_that_fails_answers_500(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise failure

    monkeypatch.setattr(CallbackHandler, "answer_request", broken)
    assert (await exchanged(request(ice())))[0][0] == 500
