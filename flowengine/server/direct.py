"""The short way of a callback through the web server.

uvicorn makes every request a task that receives and sends messages, which costs as much as the step that answers a callback. Here a
plain callback is answered as soon as its last byte has come, with one write. Every other request goes uvicorn's own way.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from flowengine.server.front import Front

_NOT_PLAIN = (b"expect", b"transfer-encoding", b"upgrade")


class Exchange:
    """A callback from its head to its answer. It stands where uvicorn has its cycle, and has what uvicorn asks of one."""

    __slots__ = ("_coroutine", "_protocol", "body", "disconnected", "keep_alive", "response_complete")
    message_event = asyncio.Event()  # uvicorn wakes a cycle that waits for more; nothing waits here
    _coroutine: Coroutine[Any, Any, tuple[int, bytes]]

    def __init__(self, protocol: "DirectProtocol") -> None:
        self._protocol = protocol
        self.body = b""
        self.keep_alive = True
        self.disconnected = self.response_complete = False

    def begin(self, front: Front) -> None:
        protocol = self._protocol
        scope = {"method": "POST", "path": "", "raw_path": protocol.url, "headers": protocol.headers, "client": protocol.client}
        self._coroutine = front.callback.answered(scope, self.body)
        self._go()

    def _go(self, _waited: Any = None) -> None:
        """Run on to the answer, or to what must be waited for: what a task does, but at once."""
        try:
            waited = self._coroutine.send(None)
        except StopIteration as end:
            self._answer(*end.value)
        except BaseException as error:
            self._protocol.logger.error("Exception in a callback", exc_info=error)  # noqa: TRY400  # as uvicorn reports it
            self._answer(500, b"{}")
            if not isinstance(error, (Exception, asyncio.CancelledError)):
                raise
        else:
            self._wait_for(waited)

    def _wait_for(self, waited: asyncio.Future[Any] | None) -> None:
        protocol = self._protocol
        if waited is None:
            protocol.loop.call_soon(self._go)
            return
        waited._asyncio_future_blocking = False  # noqa: SLF001  # says, as a task would, that it was awaited properly
        waited.add_done_callback(self._go)
        if isinstance(waited, asyncio.Task):  # what takes long; a stopping server waits for it, even if nobody hears the answer
            protocol.tasks.add(waited)
            waited.add_done_callback(protocol.tasks.discard)

    def _answer(self, status: int, body: bytes) -> None:
        if self.disconnected:
            return
        protocol = self._protocol
        head = [b"%b: %b\r\n" % header for header in protocol.server_state.default_headers]
        if not self.keep_alive:
            head.append(b"connection: close\r\n")
        length = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        protocol.transport.write(b"".join((STATUS_LINE[status], *head, length, body)))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a short way for callbacks."""

    _exchange: Exchange | None = None  # whose body is being read

    def on_message_begin(self) -> None:
        self.url, self.headers = b"", []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        front = self.app
        if isinstance(front, Front) and self.url in front.plain_paths and self._is_plain():
            self._exchange = self.cycle = Exchange(self)  # type: ignore[assignment]
        else:
            self._hand_over(self.url, self.headers)

    def _hand_over(self, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Tell uvicorn of this request from its beginning."""
        super().on_message_begin()
        super().on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def _is_plain(self) -> bool:
        """Whether this request is a POST with a length, on a connection that stays, where nothing else is under way."""
        headers, parser = dict(self.headers), self.parser
        return (
            (self.cycle is None or self.cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and len(headers.get(b"content-length", b"too long")) < 6  # what is longer goes the way on which it is refused early
            and headers.keys().isdisjoint(_NOT_PLAIN)
            and not self.flow.write_paused
            and self.limit_concurrency is None
            and not self.root_path
        )

    def on_body(self, body: bytes) -> None:
        if self._exchange is None:
            super().on_body(body)
        else:
            self._exchange.body += body

    def on_message_complete(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            super().on_message_complete()
        else:
            exchange.begin(self.app)
