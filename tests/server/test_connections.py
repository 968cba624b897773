"""Which connections the server keeps, and which it closes: over real sockets, by all protocols."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette

from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.server.callback import CallbackHandler, SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher, CallbackRequest
from flowengine.server.connections import ConnectionTable
from flowengine.server.direct_protocol import DirectProtocol
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.server.protocols import choose_protocol
from flowengine.server.server_settings import ServerSettings
from flowengine.server.tracked_protocols import TrackedH11, TrackedHttpTools
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release
from tests.server.server_process import FLOW, ice, list_workers, start_server
from tests.waiting import PATIENCE_SECONDS

PROTOCOLS = [DirectProtocol, TrackedHttpTools, TrackedH11]
PROJECT = b'{project: test, services: {crm: {url: "https://crm.example.com"}}}'
BODY = json.dumps(ice()).encode()
HEAD = b"POST /sinch HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(BODY)
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def lookup(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(200, {"name": "Ann"})


@asynccontextmanager
async def serving(
    protocol: Any, table: ConnectionTable, credentials: Mapping[str, str] = {}
) -> AsyncIterator[Callable[[], Any]]:
    release = compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})
    engine = Engine(Registry(release), MemoryStore(), None, lookup)
    callback = CallbackHandler(
        engine, SignatureGate(Registry(release), credentials), Metrics(), LogWriter(1)
    )
    front = CallbackDispatcher("/sinch", callback, Starlette(), table)
    server = uvicorn.Server(uvicorn.Config(
        front, http=protocol, port=0, lifespan="off", access_log=False, log_config=None, proxy_headers=False, ws="none",
    ))  # fmt: skip
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # the server has no event for it
        await asyncio.sleep(0.001)
    address = server.servers[0].sockets[0].getsockname()
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Pair:
        reader, writer = await asyncio.open_connection(*address)
        opened.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in opened:
            writer.close()
        server.should_exit = True
        await asyncio.wait_for(running, PATIENCE_SECONDS)


async def ask(pair: Pair) -> bytes:
    pair[1].write(HEAD + BODY)
    head = await asyncio.wait_for(pair[0].readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await pair[0].readexactly(length)
    return head


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stays", [True, False], ids=["stays", "hangs up"])
def test_callback_knows_whether_its_sender_still_waits(
    protocol: Any, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []
    has_begun, may_end, has_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answered(_callback: CallbackHandler, request: CallbackRequest) -> tuple[int, bytes]:
        found.append(request.is_connected())
        has_begun.set()
        await may_end.wait()
        while request.is_connected() and not stays:  # noqa: ASYNC110  # the connection has no event for it
            await asyncio.sleep(0.001)
        found.append(request.is_connected())
        has_ended.set()
        return 200, b"{}"

    async def work() -> None:
        async with serving(protocol, ConnectionTable()) as connect:
            pair = await connect()
            pair[1].write(HEAD + BODY)
            await asyncio.wait_for(has_begun.wait(), PATIENCE_SECONDS)
            if not stays:
                pair[1].close()
            may_end.set()
            await asyncio.wait_for(has_ended.wait(), PATIENCE_SECONDS)
            if stays:
                assert b" 200 " in await asyncio.wait_for(
                    pair[0].readuntil(b"\r\n\r\n"), PATIENCE_SECONDS
                )

    monkeypatch.setattr(CallbackHandler, "answer_request", answered)
    run(work())
    assert found == [True, stays]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("requests", [1, 2])
def test_sender_that_sends_no_more_gets_its_answers(
    protocol: Any, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun = asyncio.Event()
    found: list[bool] = []

    async def answered(_callback: CallbackHandler, request: CallbackRequest) -> tuple[int, bytes]:
        has_begun.set()
        is_last = len(found) == requests - 1
        while is_last and request.is_connected():  # noqa: ASYNC110  # the connection has no event for it
            await asyncio.sleep(0.001)
        # it looks the same as a sender that has gone; the server reads to the end after the last
        # request
        found.append(request.is_connected())
        return 200, request.body

    async def work() -> None:
        table = ConnectionTable()
        async with serving(protocol, table) as connect:
            reader, writer = await connect()
            writer.write((HEAD + BODY) * requests)
            await asyncio.wait_for(has_begun.wait(), PATIENCE_SECONDS)
            writer.write_eof()
            told = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
            assert told.count(b"HTTP/1.1 200 ") == told.count(BODY) == requests
            while len(table):  # noqa: ASYNC110  # the table has no event for it
                await asyncio.sleep(0.001)

    monkeypatch.setattr(CallbackHandler, "answer_request", answered)
    run(work())
    assert len(found) == requests


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sender_that_sends_half_a_request_and_no_more_is_closed(protocol: Any) -> None:
    async def work() -> None:
        async with serving(protocol, ConnectionTable()) as connect:
            reader, writer = await connect()
            writer.write(HEAD + BODY[:10])
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""

    run(work())


async def seconds_open(reader: asyncio.StreamReader) -> tuple[float, bytes]:
    begun, rest = time.monotonic(), b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        # a byte that is sent just as the server closes makes it a reset
        with suppress(ConnectionResetError):
            while block := await reader.read(65536):
                rest += block
    return time.monotonic() - begun, rest


def run(work: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("offer", [b"h2c", b"TLS/1.2", b"websocket"])
@pytest.mark.parametrize("piece", [1, 70, 100_000])
def test_request_that_offers_an_upgrade_is_answered_without_it(
    protocol: Any, offer: bytes, piece: int, caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP clients of Java offer one with the first request of a connection that is not encrypted."""
    chunked = HEAD.partition(b"content-length")[0] + b"transfer-encoding: chunked\r\n\r\n"
    sent = b"".join(
        head.replace(b"host:", b"Connection: Upgrade\r\nUPGRADE: %b\r\nHost:" % offer) + body
        for head, body in ((HEAD, BODY), (chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)))
    )

    async def work() -> None:
        async with serving(protocol, ConnectionTable()) as connect:
            reader, writer = await connect()
            for start in range(0, len(sent), piece):
                writer.write(sent[start : start + piece])
                await asyncio.sleep(0)
            for _ in range(2):
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
                assert b" 200 " in head
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                assert b"runMenu" in await reader.readexactly(length)
            assert b" 200 " in await ask((reader, writer))

    run(work())
    assert "upgrade" not in caplog.text


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_idle_connection_is_kept_for_the_whole_time_and_then_closed(protocol: Any) -> None:
    async def work() -> None:
        async with serving(protocol, ConnectionTable(1.0, 5.0)) as connect:
            pair = await connect()
            for _ in range(3):
                assert b" 200 " in await ask(pair)
                await asyncio.sleep(0.7)
            assert b" 200 " in await ask(pair)
            lasted, rest = await seconds_open(pair[0])
            assert lasted > 0.99
            assert rest == b""

    run(work())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ([b""], b""),
        ([b"P"], b"408"),
        ([HEAD[:20]], b"408"),
        ([HEAD], b"408"),
        ([HEAD + BODY[:10]], b"408"),
        ([bytes([byte]) for byte in HEAD], b"408"),
        ([HEAD, *(bytes([byte]) for byte in BODY)], b"408"),
    ],
    ids=["nothing", "a byte", "half a head", "a head", "half a body", "slow head", "slow body"],
)
def test_connection_that_never_sends_a_whole_request_is_closed(
    protocol: Any, sent: list[bytes], answered: bytes
) -> None:
    async def work() -> None:
        async with serving(protocol, ConnectionTable(30.0, 0.5)) as connect:
            first, later = await connect(), await connect()
            assert b" 200 " in await ask(later)  # one on which a request has come before
            for pair in (first, later) if sent[0] else (first,):
                trickle = asyncio.create_task(send_slowly(pair[1], sent))
                lasted, rest = await seconds_open(pair[0])
                trickle.cancel()
                assert lasted > 0.3
                assert rest.split(b" ")[1:2] == ([answered] if answered else [])
            if not sent[0]:
                assert b" 200 " in await ask(later)

    run(work())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_head_that_does_not_end_is_refused_before_it_is_long(
    protocol: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with serving(protocol, ConnectionTable(30.0, PATIENCE_SECONDS)) as connect:
            reader, writer = await connect()
            writer.write(HEAD.partition(b"\r\n")[0] + b"\r\nX: ")
            answer = asyncio.create_task(seconds_open(reader))
            while not answer.done():
                writer.write(b"a" * 1000)
                await asyncio.wait([answer], timeout=0.005)
            _, rest = answer.result()
            assert rest.split(b" ")[1:2] == [b"400" if protocol is TrackedH11 else b"431"]
            assert b" 200 " in await ask(await connect())

    run(work())
    assert protocol is TrackedH11 or "with a head of more than" in caplog.text


async def send_slowly(writer: asyncio.StreamWriter, sent: list[bytes]) -> None:
    for piece in sent:
        if not writer.is_closing():
            writer.write(piece)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_table_forgets_connections_that_are_closed(protocol: Any) -> None:
    async def work() -> None:
        table = ConnectionTable(30.0, 5.0)
        async with serving(protocol, table) as connect:
            pairs = [await connect() for _ in range(5)]
            for pair in pairs[:3]:
                await ask(pair)
            assert (len(table), table.count_idle()) == (5, 3)
            for pair in pairs:
                pair[1].close()
            while len(table):  # noqa: ASYNC110  # the table has no event for it
                await asyncio.sleep(0.001)
            assert (table.count_idle(), table._receiving) == (0, {})

    run(work())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_of_a_worker_that_retires_close_their_connection(protocol: Any) -> None:
    async def work() -> None:
        table = ConnectionTable(30.0, 5.0)
        async with serving(protocol, table) as connect:
            pair = await connect()
            assert b"connection: close" not in (await ask(pair)).lower()
            table.is_retiring = True
            assert (await ask(pair)).lower().count(b"connection: close") == 1
            assert await asyncio.wait_for(pair[0].read(), PATIENCE_SECONDS) == b""

    run(work())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_idle_connections_make_room_when_descriptors_run_short(
    protocol: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        table = ConnectionTable(30.0, 5.0)
        async with serving(protocol, table) as connect:
            idle = [await connect() for _ in range(4)]
            for pair in idle:
                await ask(pair)
            table._limit = 0
            silent = await connect()
            assert b" 200 " in await ask(await connect())
            assert await asyncio.wait_for(idle[0][0].read(), PATIENCE_SECONDS) == b""
            assert await asyncio.wait_for(idle[1][0].read(), PATIENCE_SECONDS) == b""
            assert b" 200 " in await ask(idle[3])
            silent[1].close()

    with caplog.at_level(logging.ERROR):
        run(work())
    assert caplog.text.count("file descriptors run short") == 1  # not once for each connection


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from flowengine.cli import main
main()
"""


def test_server_without_descriptors_answers_callbacks_and_says_why(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "line.yaml").write_text("flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n")
    (tmp_path / "limited.py").write_text(LIMITED)
    served = start_server(tmp_path, signed=False, program="limited.py")
    held: list[socket.socket] = []
    try:
        for number in range(150):
            held.append(socket.create_connection(("127.0.0.1", served.port)))
            if number % 2:
                held[-1].send(HEAD + BODY)
        for number in range(20):
            assert served.post(ice(f"c{number}")).status_code == 200
        before = cpu_seconds(served.process.pid)
        time.sleep(1)
        assert cpu_seconds(served.process.pid) - before < 0.6
        assert served.post(ice()).status_code == 200
        assert "file descriptors run short" in (tmp_path / "err").read_text()
    finally:
        for each in held:
            each.close()
        assert served.stop() == 0


def cpu_seconds(pid: int) -> float:
    """CPU time of the workers of a server."""
    times = [
        Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
        for worker in list_workers(pid)
    ]
    return sum(int(fields[11]) + int(fields[12]) for fields in times) / 100


def test_server_keeps_idle_connections_longer_than_proxies_do() -> None:
    """Of proxies that say a time, the load balancer of Google Cloud keeps them longest."""
    assert ServerSettings("flows").keep_alive == DEFAULT_KEEP_ALIVE_SECONDS > 600
    assert choose_protocol() is DirectProtocol
