"""HTTP as lean as it gets: with httpx's pool, a hundred requests at once would mostly wait for this process, not for the server."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import h11

from flowengine.switch.wire import Response
from flowengine.switch.wire.transport import Reply, too_late, unanswered

PIECE: Final = 65_536
PORTS: Final = {"http": 80, "https": 443}


class Closed(ConnectionError):  # noqa: N818  # named for what the connection is
    """The server has closed the connection before it answered; one that was kept open may be closed at any time."""


class Connection:
    """Asks again and again, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT)

    @property
    def alive(self) -> bool:
        """Whether it can be asked again, as far as can be seen."""
        return self._state.our_state is h11.IDLE and not self._reader.at_eof()

    async def ask(self, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The whole answer."""
        request = h11.Request(method="POST", target=target, headers=list(headers.items()))
        parts = (self._state.send(part) for part in (request, h11.Data(data=body), h11.EndOfMessage()))
        self._writer.write(b"".join(part or b"" for part in parts))
        head, pieces = await self._head(), []
        while isinstance(piece := await self._event(), h11.Data):
            pieces.append(bytes(piece.data))
        if self._state.their_state is h11.DONE and self._state.our_state is h11.DONE:
            self._state.start_next_cycle()
        return Response(head.status_code, {name.decode(): value.decode("latin-1") for name, value in head.headers}, b"".join(pieces))

    async def _head(self) -> h11.Response:
        while not isinstance(event := await self._event(), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise Closed("the server has closed the connection")
        return event

    async def _event(self) -> object:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            piece = await self._reader.read(PIECE)
            if not piece and self._state.their_state is h11.SEND_RESPONSE:
                raise Closed("the server has closed the connection")
            self._state.receive_data(piece)
        return event

    def close(self) -> None:
        self._writer.close()


class Pool:
    """A transport to one server. What it is told to reply to may raise: that ends the group that its requests are tasks of."""

    def __init__(self, url: str, group: asyncio.TaskGroup) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"host": parts.netloc.rpartition("@")[2]}
        self._group = group
        self._idle: list[Connection] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: Reply) -> None:  # noqa: ARG002
        """As transports do."""
        self._group.create_task(self._ask({**self._headers, **headers, "content-length": str(len(body))}, body, timeout, reply))

    def close(self) -> None:
        """Hang up on the server."""
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, headers: Mapping[str, str], body: bytes, seconds: float, reply: Reply) -> None:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._asked(headers, body)
        except TimeoutError:
            answer = too_late(seconds)
        except (OSError, h11.RemoteProtocolError) as error:
            answer = unanswered(error, seconds)
        reply(answer)

    async def _asked(self, headers: Mapping[str, str], body: bytes) -> Response:
        while self._idle:
            connection = self._idle.pop()
            try:
                if connection.alive:
                    return await connection.ask(self._target, headers, body)
            except (Closed, ConnectionResetError, BrokenPipeError):
                continue  # it was closed while nobody looked, unread
            finally:
                self._put_away(connection)
        return await self._afresh(headers, body)

    async def _afresh(self, headers: Mapping[str, str], body: bytes) -> Response:
        connection = Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._tls))
        try:
            return await connection.ask(self._target, headers, body)
        finally:
            self._put_away(connection)

    def _put_away(self, connection: Connection) -> None:
        if connection.alive:
            self._idle.append(connection)
        else:
            connection.close()
