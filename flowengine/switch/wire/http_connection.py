"""A minimal HTTP client. With httpx and a hundred requests at once, callbacks would wait longer for
its pool than for the backend.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult

import h11

from flowengine.switch.wire.transport import Response

READ_BYTES: Final = 65_536
SCHEME_PORTS: Final = {"http": 80, "https": 443}


class ConnectionClosedError(ConnectionError):  # named for what the connection is
    """The server has closed the connection before it answered; one that was kept open may be closed
    at any time.
    """


class HttpConnection:
    """One connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT)

    @property
    def is_alive(self) -> bool:
        """Whether the connection can be used again, as far as can be seen."""
        return self._state.our_state is h11.IDLE and not self._reader.at_eof()

    async def send_request(self, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The complete response."""
        request = h11.Request(method="POST", target=target, headers=list(headers.items()))
        parts = (
            self._state.send(part) for part in (request, h11.Data(data=body), h11.EndOfMessage())
        )
        self._writer.write(b"".join(part or b"" for part in parts))
        head, pieces = await self._read_head(), []
        while isinstance(piece := await self._read_event(), h11.Data):
            pieces.append(bytes(piece.data))
        # otherwise one side wants the connection closed
        if self._state.their_state is h11.DONE and self._state.our_state is h11.DONE:
            self._state.start_next_cycle()
        return Response(
            head.status_code,
            {name.decode(): value.decode("latin-1") for name, value in head.headers},
            b"".join(pieces),
        )

    async def _read_head(self) -> h11.Response:
        while not isinstance(event := await self._read_event(), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionClosedError("the server has closed the connection")
        return event

    async def _read_event(self) -> object:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            piece = await self._reader.read(READ_BYTES)
            if not piece and self._state.their_state is h11.SEND_RESPONSE:
                raise ConnectionClosedError("the server has closed the connection")
            self._state.receive_data(piece)
        return event

    def close(self) -> None:
        self._writer.close()


class HttpConnectionPool:
    """Connections to one server, kept open; as many as there are requests at once."""

    def __init__(self, url: SplitResult) -> None:
        self._host = url.hostname or ""
        self._port = url.port or SCHEME_PORTS[url.scheme]
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._host_header = {"host": url.netloc.rpartition("@")[2]}
        self._idle: list[HttpConnection] = []

    async def send_request(self, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The response. Raises an OSError or h11.ProtocolError."""
        whole = {**self._host_header, **headers, "content-length": str(len(body))}
        while self._idle:
            connection = self._idle.pop()
            try:
                if connection.is_alive:
                    return await connection.send_request(target, whole, body)
            except (ConnectionClosedError, ConnectionResetError, BrokenPipeError):
                # only then is a request sent again: the backend cannot have seen it
                continue  # it was closed while nobody looked, unread
            finally:
                self._release(connection)
        return await self._send_anew(target, whole, body)

    async def _send_anew(self, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        connection = HttpConnection(
            *await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        )
        try:
            return await connection.send_request(target, headers, body)
        finally:
            self._release(connection)

    def _release(self, connection: HttpConnection) -> None:
        if connection.is_alive:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
