"""Dispatches callbacks before Starlette sees them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from flowengine.server.connections import ConnectionTable
from flowengine.sinch.signing import HeaderMap

HALF_CLOSED = "flowengine.half_closed"  # in a scope: the sender of the request sends no more
CONNECTION_CLOSE_HEADER = (b"connection", b"close")


class CallbackRequest(Protocol):
    """A request with its body, however it came. `path` is as it was sent; `client` is the
    address and the port of the sender, where they are known.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> bytes | str: ...
    @property
    def headers(self) -> HeaderMap | Iterable[tuple[bytes, bytes]]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def client(self) -> tuple[str, int] | None: ...
    def is_connected(self) -> bool:
        """Whether the sender surely still waits for the answer."""
        ...


class CallbackEndpoint(Protocol):
    """Answers callbacks, for Starlette and for the direct protocol."""

    async def answer_request(self, request: CallbackRequest) -> tuple[int, bytes]:
        """Status and body of the answer, for a protocol that writes it itself."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        ...


class CallbackDispatcher:
    """Gives callbacks to their endpoint directly, and all other requests to Starlette. The layers
    of Starlette take a third of the time of a small request, and a callback needs none of them.
    """

    def __init__(
        self,
        path: str,
        callback: CallbackEndpoint,
        others: Starlette,
        connections: ConnectionTable | None = None,
        on_retire: Callable[[], None] | None = None,
        is_renewable: Callable[[], bool] = lambda: False,
    ) -> None:
        self._paths = (path, path.removesuffix("/") if path.endswith("/") else f"{path}/")
        self.plain_paths = tuple(
            path.encode() for path in self._paths if path.isascii() and "%" not in path
        )
        self.callback = callback
        self.connections = ConnectionTable() if connections is None else connections
        self._starlette = others
        self.is_renewable = is_renewable
        self._on_retire = on_retire

    def retire(self) -> None:
        """Close each connection after its next answer: another worker takes over."""
        self.connections.is_retiring = True
        if self._on_retire is not None:
            self._on_retire()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if self.connections.is_retiring and scope["type"] == "http":
            send = add_connection_close(send)
        if scope["type"] == "http" and scope["path"] in self._paths and scope["method"] == "POST":
            await self.callback(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)


def add_connection_close(send: Send) -> Send:
    """A `send` that adds `Connection: close` to each answer."""

    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), CONNECTION_CLOSE_HEADER]}
        await send(message)

    return send_and_close
