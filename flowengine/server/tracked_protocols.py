"""uvicorn's own protocols, which report to the table of connections."""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

import h11
import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flowengine.server.callback_dispatcher import HALF_CLOSED, CallbackDispatcher
from flowengine.server.connections import HEAD_TOO_LARGE, MAX_HEAD_BYTES, ConnectionTable


def get_connection_table(app: object) -> ConnectionTable:
    """The connection table of this worker; a new one where the application is not ours."""
    return app.connections if isinstance(app, CallbackDispatcher) else ConnectionTable()


def mark_half_closed(cycles: Iterable[Any]) -> bool:
    """Mark the unanswered requests of a connection whose sender sends no more: the sender may have
    closed the connection, which looks the same. Returns whether there are any.
    """
    waiting = [cycle for cycle in cycles if cycle is not None and not cycle.response_complete]
    for cycle in waiting:
        cycle.scope[HALF_CLOSED] = True
    return bool(waiting)


class TrackedHttpTools(HttpToolsProtocol):
    """uvicorn's protocol on httptools, the parser of Node.

    A request with `Upgrade` is answered as if it had none, as RFC 9110 allows: HTTP clients of Java
    offer HTTP/2 so. The parser takes what follows the head for another protocol, and uvicorn would
    answer the head without the body.
    """

    _asks_upgrade = False
    _upgrade_offset = 0  # where the body begins in the data that came last
    _is_receiving = _is_reading_head = _is_half_closed = False
    _partial_head_bytes = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.table = get_connection_table(self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.table.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for the answers to whole requests: their sender sends no more, and may
        still read.
        """
        if self._is_receiving:
            return False
        cycles = (self.cycle, *(cycle for cycle, _ in self.pipeline))
        self._is_half_closed = mark_half_closed(cycles)
        return self._is_half_closed

    def data_received(self, data: bytes) -> None:
        """Refuse an endless head. The parser takes a head of any length, joins its pieces again and
        again, and blocks all other requests meanwhile.
        """
        super().data_received(data)
        if self._asks_upgrade:
            self._restart_without_upgrade(data)
            return
        if not self._is_receiving:
            return
        self.table.begin_request(self)
        if not self._is_reading_head:
            return
        self._partial_head_bytes += len(data)
        if self._partial_head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.table.note_large_head()
            self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self._is_receiving = self._is_reading_head = True
        self._partial_head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Blanks behind a value are no part of it (RFC 9110, 5.5); the parser leaves them there."""
        super().on_header(name, value.rstrip())

    def on_headers_complete(self) -> None:
        self._is_reading_head = False
        parser = self.parser
        # a CONNECT has no header of that name, and no body
        self._asks_upgrade = parser.should_upgrade() and parser.get_method() != b"CONNECT"
        if not self._asks_upgrade:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._asks_upgrade:  # its body is still to come
            return
        self._is_receiving = False
        self.table.end_request(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Mark the connection as idle in the table, where uvicorn would set a timer for each
        answer.
        """
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self._is_half_closed:
            self.transport.close()
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if not self._is_receiving:
            self.table.set_idle(self)

    def _unsupported_upgrade_warning(self) -> None:
        """Note where the parser has stopped, in place of a warning."""
        error = sys.exc_info()[1]
        if isinstance(error, httptools.HttpParserUpgrade):
            self._upgrade_offset = error.args[0]

    def _restart_without_upgrade(self, data: bytes) -> None:
        """Parse the request again from its beginning, without the header `Upgrade`."""
        parser = self.parser
        version = parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self._asks_upgrade = False
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join((*lines, b"", data[self._upgrade_offset :])))

    def has_partial_request(self) -> bool:
        if not self._is_receiving or self.pipeline:
            return False
        cycle = self.cycle
        if self._is_reading_head or cycle is None:
            return cycle is None or cycle.response_complete
        return not getattr(cycle, "response_started", False)


class TrackedH11(H11Protocol):
    """uvicorn's protocol on h11, which is pure Python and does not report where a request begins or
    ends.
    """

    _is_half_closed = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.table = get_connection_table(self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.table.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """As that of `TrackedHttpTools`."""
        if self._is_receiving():
            return False
        self._is_half_closed = mark_half_closed((self.cycle,))
        return self._is_half_closed

    def data_received(self, data: bytes) -> None:
        self.table.begin_request(self)
        super().data_received(data)
        if self.conn.their_state in (h11.DONE, h11.MUST_CLOSE):
            self.table.end_request(self)

    def on_response_complete(self) -> None:
        self.table.end_request(self)
        super().on_response_complete()
        if self._is_half_closed:  # another request may have come before the end
            mark_half_closed((self.cycle,))
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            if self._is_half_closed:
                self.transport.close()
            elif self._is_receiving():
                self.table.begin_request(self)
            else:
                self.table.set_idle(self)

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is ignored, as by `TrackedHttpTools`."""

    def _is_receiving(self) -> bool:
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def has_partial_request(self) -> bool:
        cycle = self.cycle
        return self._is_receiving() and (
            cycle is None or cycle.response_complete or not cycle.response_started
        )
