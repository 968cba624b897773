"""Chooses the HTTP protocol: our own where it works with the installed uvicorn, else uvicorn's.

Our protocols use parts of uvicorn that may change in any version, so each is tried once when a
worker starts, on a connection within the process.
"""

import asyncio
import logging
import socket
from importlib import import_module
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from flowengine.server.callback import AsgiRequest, read_body, send_response
from flowengine.server.callback_dispatcher import CallbackDispatcher, CallbackRequest

log = logging.getLogger(__name__)
TRIED_PROTOCOLS = (
    ("flowengine.server.direct_protocol", "DirectProtocol"),
    ("flowengine.server.tracked_protocols", "TrackedHttpTools"),
    ("flowengine.server.tracked_protocols", "TrackedH11"),
)
TRIAL_SECONDS = 5.0
TRIAL_HEAD = b"POST /trial HTTP/1.1\r\nhost: trial\r\ncontent-length: 2\r\n\r\n"
TRIAL_REQUESTS = (
    TRIAL_HEAD + b"{}",
    TRIAL_HEAD,
    b"{}",
    b"GET /trial HTTP/1.1\r\nhost: trial\r\n\r\n",
)
TRIAL_STATUS = (b"200", b"200", b"404")


class TrialError(Exception):
    """The protocol does not behave as the server needs."""


class TrialCallback:
    """The application of the trial: answers each callback with its two bytes, and with 500 where
    its connection seems closed.
    """

    async def answer_request(self, request: CallbackRequest) -> tuple[int, bytes]:
        return (200 if request.is_connected() else 500), request.body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope["headers"], receive)
        await send_response(send, *await self.answer_request(AsgiRequest(body, scope, receive)))


def choose_protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """The fastest protocol that works. The log says why a faster one does not."""
    for module, name in TRIED_PROTOCOLS:
        try:
            found: type[asyncio.Protocol] = getattr(import_module(module), name)
            asyncio.run(asyncio.wait_for(try_protocol(found), TRIAL_SECONDS))
        except Exception as error:  # noqa: BLE001  # whatever it is, another one serves
            log.warning(
                "uvicorn %s does not work with %s (%s: %s): callbacks are answered by the next "
                "protocol, which takes more time for each",
                uvicorn.__version__,
                name,
                type(error).__name__,
                error,
            )
        else:
            return found
    return "auto"


async def try_protocol(protocol: type[asyncio.Protocol]) -> None:
    """Send a few requests over one connection to the protocol. Raises whatever goes wrong."""
    front: Any = CallbackDispatcher("/trial", TrialCallback(), Starlette())
    config = uvicorn.Config(
        front,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol(config=config, server_state=state, app_state={}, _loop=loop),  # type: ignore[call-arg]
        ours,
    )
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        await exchange_requests(reader, writer)
        while len(state.tasks):  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0)
        check_tables(front, state)
        for connection in list(state.connections):
            connection.shutdown()
        if await reader.read():
            raise TrialError("a connection that is shut down goes on")
    finally:
        transport.abort()
        writer.close()
        await asyncio.sleep(0)


async def exchange_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a callback, one in pieces, and another request."""
    for part in TRIAL_REQUESTS:
        writer.write(part)
        await asyncio.sleep(0)
    for status in TRIAL_STATUS:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split(b" ", 2)[1] != status:
            raise TrialError(f"a request was answered {head.split(b' ', 2)[1].decode()}")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


def check_tables(front: CallbackDispatcher, state: ServerState) -> None:
    """Check that uvicorn and our table have the connection, and that our table has it as idle."""
    if len(state.connections) != 1 or len(front.connections) != 1:
        raise TrialError("a connection is not counted")
    if front.connections.count_idle() != 1:
        raise TrialError("a connection does not become idle")
