"""Whatever fails, nothing that a caller typed or heard, no cookie and no body of a lookup is written
to standard output or standard error.
"""

import asyncio
import io
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette

from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.runtime.locate import Locator
from flowengine.runtime.reply import Replier
from flowengine.runtime.requester import Requester
from flowengine.server import callback as callback_module
from flowengine.server.callback import AsgiRequest, CallbackHandler, SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.connections import ConnectionTable
from flowengine.server.direct_protocol import DirectProtocol, DirectRequest
from flowengine.server.log import LogWriter
from flowengine.server.logging_setup import (
    RedactingFormatter,
    RedactingHandler,
    install_exception_hooks,
    log_loop_error,
    mask_numbers,
)
from flowengine.server.metrics import Metrics
from flowengine.server.tracked_protocols import TrackedH11, TrackedHttpTools
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, StoreError
from tests.compiled_release import compile_release
from tests.server.server_process import FLOW, Served, ice, pressed
from tests.waiting import PATIENCE_SECONDS

PROJECT = b'{project: test, services: {crm: {url: "https://crm.example.com"}}}'
TYPED, SPOKEN, COOKIE, LOOKED_UP = "48151621", "Zanzibar", "c00k1emarker", "Quetzalcoatl"
MARKERS = (TYPED, SPOKEN, COOKIE, LOOKED_UP)
ALL_OF_IT = " ".join(MARKERS)


def fail(*_: Any, **__: Any) -> Any:
    """Fail as libraries do, which quote what they were given, in a chain."""
    try:
        raise KeyError(ALL_OF_IT)  # noqa: TRY301
    except KeyError as error:
        raise ValueError(f"cannot use {ALL_OF_IT!r}\nDETAIL: {ALL_OF_IT}") from error


async def fail_later(*_: Any, **__: Any) -> Any:
    await asyncio.sleep(0)
    fail()


async def fail_in_store(*_: Any, **__: Any) -> Any:
    try:
        fail()
    except ValueError as error:
        raise StoreError(f"the store fails\nDETAIL: {error}") from error


def fail_to_decode(*_: Any, **__: Any) -> Any:
    ALL_OF_IT.encode().replace(b" ", b"\xff").decode()


def fail_strictly(*_: Any, **__: Any) -> Any:
    msgspec.convert({"a": ALL_OF_IT}, dict[str, int])


class BrokenTransport:
    """A connection that breaks at the moment when the answer is written."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._transport.abort()
        raise RuntimeError(f"cannot write {data!r} {ALL_OF_IT}")


def break_writing(patch: pytest.MonkeyPatch) -> None:
    for protocol in (DirectProtocol, TrackedHttpTools, TrackedH11):
        made = protocol.connection_made

        def made_broken(self: Any, transport: Any, made: Any = made) -> None:
            made(self, transport)
            self.transport = BrokenTransport(transport)

        patch.setattr(protocol, "connection_made", made_broken)


def lose_a_task(patch: pytest.MonkeyPatch) -> None:
    """A task that nobody awaits, whose result and exception hold everything."""

    async def note(*_: Any) -> None:
        asyncio.get_running_loop().call_soon(fail, ALL_OF_IT)
        asyncio.create_task(fail_later(ALL_OF_IT))  # noqa: RUF006

    def noted(*_: Any) -> None:
        asyncio.create_task(note())  # noqa: RUF006

    patch.setattr(LogWriter, "log_callback", noted)


def report_wrongly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        LogWriter,
        "log_callback",
        lambda *_: logging.getLogger("flowengine").error("%d of %s", ALL_OF_IT, ALL_OF_IT),
    )


def lose_answers(patch: pytest.MonkeyPatch) -> None:
    """Each answer meets a connection that is gone, and that cannot be noted."""
    patch.setattr(DirectRequest, "is_connected", lambda _: False)
    patch.setattr(AsgiRequest, "is_connected", lambda _: False)
    patch.setattr("flowengine.runtime.engine.mark_undelivered", fail)


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "nothing": lambda _: None,
    "writing": break_writing,
    "handler": lambda patch: patch.setattr(CallbackHandler, "answer_request", fail_later),
    "signature": lambda patch: patch.setattr(SignatureGate, "verify_request", fail),
    "decoder": lambda patch: patch.setattr(callback_module, "decode", fail_to_decode),
    "engine": lambda patch: patch.setattr(Engine, "answer", fail_later),
    "locating": lambda patch: patch.setattr(Locator, "find_call", fail),
    "step": lambda patch: patch.setattr("flowengine.runtime.driver.step", fail_strictly),
    "requests": lambda patch: patch.setattr(Requester, "perform_all", fail_later),
    "resuming": lambda patch: patch.setattr("flowengine.runtime.requester.resume", fail_strictly),
    "claiming": lambda patch: patch.setattr(MemoryStore, "claim", fail_in_store),
    "replying": lambda patch: patch.setattr(Replier, "save_and_reply", fail_later),
    "repeating": lambda patch: patch.setattr(Replier, "_repeat_reply", fail_later),
    "noting a loss": lose_answers,
    "saving": lambda patch: patch.setattr(MemoryStore, "save", fail_later),
    "store": lambda patch: patch.setattr(MemoryStore, "save", fail_in_store),
    "loading": lambda patch: patch.setattr(MemoryStore, "load", fail_in_store),
    "metrics": lambda patch: patch.setattr(Metrics, "count_callback", fail),
    "log": lambda patch: patch.setattr("flowengine.server.log.build_line", fail),
    "task": lose_a_task,
    "report": report_wrongly,
    "apology": lambda patch: (
        patch.setattr(Engine, "answer", fail_later),
        patch.setattr(callback_module, "render_apology", fail),
    )[0],
    "short way": lambda patch: patch.setattr(DirectRequest, "begin", fail),
}


@pytest.fixture
def reports() -> Iterator[io.StringIO]:
    """What the modules report."""
    stream = io.StringIO()
    handler = RedactingHandler(stream)
    handler.setFormatter(RedactingFormatter())
    root = logging.getLogger()
    others, root.handlers = root.handlers, [handler]
    yield stream
    root.handlers = others


async def ring(protocol: Any, fetch: Any) -> None:
    release = compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})
    engine = Engine(Registry(release), MemoryStore(), Codec([derive_key("key")]), fetch)
    lines = LogWriter(sys.stdout.fileno())
    front = CallbackDispatcher(
        "/sinch",
        CallbackHandler(engine, SignatureGate(Registry(release), {}), Metrics(), lines),
        Starlette(),
        ConnectionTable(1, 1),
    )
    server = uvicorn.Server(uvicorn.Config(
        front, http=protocol, port=0, lifespan="off", access_log=False, log_config=None, proxy_headers=False, ws="none",
    ))  # fmt: skip
    asyncio.get_running_loop().set_exception_handler(log_loop_error)
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # the server has no event for it
        await asyncio.sleep(0.001)
    address = server.servers[0].sockets[0].getsockname()
    cookies = [{"key": "fe", "value": COOKIE}]
    for body in (
        ice(cookies=cookies, custom=SPOKEN),
        {**pressed(TYPED), "cookies": cookies},
        {**pressed(SPOKEN), "cookies": cookies},
        {"event": SPOKEN, "callid": "c1", "to": TYPED},
    ):
        for reset in (False, True):
            await send(address, msgspec.json.encode(body), reset=reset)
    server.should_exit = True
    await asyncio.wait_for(running, PATIENCE_SECONDS)


async def send(address: Any, body: bytes, *, reset: bool) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(
        b"POST /sinch HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b"
        % (len(body), body)
    )
    if reset:  # the answer meets a connection that is gone
        await asyncio.sleep(0.005)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        return
    with suppress(TimeoutError, OSError):
        await asyncio.wait_for(reader.read(10_000), 0.2)
    writer.close()


async def lookup(_request: LookupRequest, _left: float) -> LookupResult:
    await asyncio.sleep(0.01)
    return LookupResult(200, {"name": LOOKED_UP})


@pytest.mark.parametrize("protocol", [DirectProtocol, TrackedHttpTools, TrackedH11])
@pytest.mark.parametrize("fault", [*FAULTS, "lookup"])
def test_reports_whatever_fails_hold_nothing_of_callers(
    fault: str,
    protocol: Any,
    reports: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    FAULTS.get(fault, lambda _: None)(monkeypatch)
    fetch = fail_later if fault == "lookup" else lookup
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ring(protocol, fetch))
    written = reports.getvalue() + "".join(capfd.readouterr())
    for marker in MARKERS:
        assert marker not in written, written
    unheard = fault in ("nothing", "short way") or (fault == "writing" and "Invalid" in written)
    is_told = "in fail" in written or (
        fault in ("store", "loading", "claiming") and "the store fails" in written
    )
    assert unheard or is_told or fault in ("writing", "report"), written


def test_reports_of_what_nobody_catches_hold_nothing_of_callers(
    reports: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    install_exception_hooks()
    logging.captureWarnings(capture=False)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    class Unraisable:
        def __del__(self) -> None:
            fail()

    Unraisable()
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, None)
    written = reports.getvalue() + "".join(capfd.readouterr())
    assert written.count("in fail") == 6, written
    assert not any(marker in written for marker in MARKERS), written


async def test_server_whose_callers_disconnect_writes_nothing_of_them(
    serve: Callable[..., Served],
) -> None:
    served = serve("--workers", "2", signed=False)
    address = ("127.0.0.1", int(served.url.rpartition(":")[2]))
    cookies = [{"key": "fe", "value": COOKIE}]

    for number in range(40):
        for body in (ice(f"c{number}", cookies=cookies), pressed(TYPED, f"c{number}")):
            await send(address, msgspec.json.encode(body), reset=number % 2 == 0)
    assert served.stop() == 0
    written = served.out.read_text() + served.err.read_text()
    assert not any(marker in written for marker in MARKERS), written
    assert "Traceback" not in served.err.read_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("release 421337421337 is live", "release 421337421337 is live"),
        ("release 0a1b2c3d4e5f is live", "release 0a1b2c3d4e5f is live"),
        ("listening on 127.0.0.1:18080", "listening on 127.0.0.1:18080"),
        ("another server (voice-1, port 18080)", "another server (voice-1, port 18080)"),
        ("signed 86400 seconds ago by this clock", "signed 86400 seconds ago by this clock"),
        ("signed 1764298800 seconds ago", "signed 1764298800 seconds ago"),
        ("worker 4194303 ended with -9", "worker 4194303 ended with -9"),
        ("Started server process [4194303]", "Started server process [4194303]"),
        ("a callback has at most 65536 bytes", "a callback has at most 65536 bytes"),
        ("read 1073741824 bytes", "read 1073741824 bytes"),
        ("line.yaml:1204:17 FE301", "line.yaml:1204:17 FE301"),
        ("(1204 times since this was said last)", "(1204 times since this was said last)"),
        ("call 8f14e45f-ceea-467f-a8c1-1234567890ab", "call 8f14e45f-ceea-467f-a8c1-1234567890ab"),
        ("call EAsbQD5k4Q12345678 failed", "call EAsbQD5k4Q12345678 failed"),
        ("since 2026-11-28T02:40:30Z", "since 2026-11-28T02:40:30Z"),
        ("+46708168731 rang", "**** rang"),
        ("+46 70-816 87 31 rang", "**** rang"),
        ("+1 (404) 500-9000 rang", "**** rang"),
        ("46708168731 rang", "**** rang"),
        ("'12345674' is too long", "'****' is too long"),
        ("4111111111111111", "****"),
    ],
)
def test_reports_mask_numbers_of_callers_and_no_others(text: str, shown: str) -> None:
    assert mask_numbers(text) == shown
    record = logging.LogRecord("flowengine.server", logging.INFO, "", 1, "%s", (text,), None)
    assert RedactingFormatter().format(record).endswith(f": {shown}")


def test_refusals_say_how_old_a_signature_is(serve: Callable[..., Served]) -> None:
    served = serve()
    served.post(ice(), timestamp="2020-01-01T00:00:00Z")
    (line,) = served.lines(1)
    assert line["reason"].startswith("signed ")
    assert any(character.isdigit() for character in line["reason"])
    assert os.fspath(served.out)
