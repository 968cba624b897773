"""A protocol for uvicorn that answers callbacks without a task of their own.

uvicorn makes every request a task that receives and sends messages, which costs as much as the step
that answers a callback. Here a plain callback is answered as soon as its last byte has come, with
one write. Every other request goes uvicorn's own way.
"""

import asyncio
import logging
from typing import Any, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from flowengine.server.callback_dispatcher import HALF_CLOSED, CallbackDispatcher
from flowengine.server.tracked_protocols import TrackedHttpTools
from flowengine.sinch.signing import HeaderMap

log = logging.getLogger(__name__)
_UNUSUAL_HEADERS = frozenset((b"expect", b"transfer-encoding", b"upgrade"))


class HeaderCache(dict[int, bytes]):
    """A cache of the head of answers by their status: the status line and `headers`. Renew it when
    uvicorn has made a new list of headers, as it does when the date changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[tuple[bytes, bytes]] = []

    def renew(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Forget the heads with the headers of the second before."""
        self.clear()
        self.headers = headers

    def __missing__(self, status: int) -> bytes:
        lines = [b"%b: %b\r\n" % header for header in self.headers]
        kind = b"content-type: application/json\r\n"
        head = self[status] = b"".join((STATUS_LINE[status], *lines, kind))
        return head


_HEADS = HeaderCache()


class DirectRequest(msgspec.Struct, eq=False):
    """A callback from its head to its answer. It takes the place of uvicorn's request cycle and has
    the members that uvicorn uses of one.
    """

    # uvicorn sets this event to wake a cycle; this one never waits
    message_event: ClassVar = asyncio.Event()
    __repr__ = object.__repr__  # reports of errors must not quote the body
    method: ClassVar = "POST"
    _protocol: "DirectProtocol"
    path: bytes
    headers: HeaderMap
    client: tuple[str, int] | None
    body: bytes = b""
    scope: dict[str, Any] = {}
    keep_alive: bool = True
    disconnected: bool = False
    response_complete: bool = False
    _coroutine: Any = None  # answers the callback

    def begin(self, front: CallbackDispatcher) -> None:
        self._coroutine = front.callback.answer_request(self)
        self._run_coroutine()

    def is_connected(self) -> bool:
        """Whether the sender surely still waits for the answer."""
        return not (
            self.disconnected or HALF_CLOSED in self.scope or self._protocol.transport.is_closing()
        )

    def _run_coroutine(self, _waited: Any = None) -> None:
        """Run the coroutine until it is done or waits, without a task: most answers need no task
        switch.
        """
        try:
            waited = self._coroutine.send(None)
        except StopIteration as end:
            reply, failure = end.value, None
        except BaseException as error:  # noqa: BLE001  # it is reported below
            reply, failure = (500, b"{}"), error
        else:
            self._wait_for(waited)
            return
        # outside of any `except`: an error while writing would name the end of the coroutine as its
        # context, and with it the answer
        if failure is None:
            self._write_answer(*reply)
            return
        log.error("a callback could not be answered", exc_info=failure)
        self._write_answer(*reply)
        if not isinstance(failure, (Exception, asyncio.CancelledError)):
            raise failure

    def _wait_for(self, waited: asyncio.Future[Any] | None) -> None:
        protocol = self._protocol
        if waited is None:
            protocol.loop.call_soon(self._run_coroutine)
            return
        # says, as a task would, that it was awaited properly
        waited._asyncio_future_blocking = False  # noqa: SLF001
        waited.add_done_callback(self._run_coroutine)
        if isinstance(
            waited,
            asyncio.Task,
            # a slow answer runs in a task; a stopping server waits for the task, even when the sender
            # has left
        ):
            protocol.tasks.add(waited)
            waited.add_done_callback(protocol.tasks.discard)

    def _write_answer(self, status: int, body: bytes) -> None:
        protocol = self._protocol
        if self.disconnected or protocol.transport.is_closing():
            return
        stays = self.keep_alive and not protocol.table.is_retiring
        if _HEADS.headers is not protocol.server_state.default_headers:
            _HEADS.renew(protocol.server_state.default_headers)
        head = _HEADS[status]
        if not stays:
            head += b"connection: close\r\n"
        protocol.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        self.response_complete = True
        if not stays:
            protocol.transport.close()
        protocol.on_response_complete()


class DirectProtocol(TrackedHttpTools):
    """uvicorn's protocol, with a short path for callbacks."""

    _direct_request: DirectRequest | None = None  # whose body is being read

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        app, is_limited = self.app, self.limit_concurrency is not None or bool(self.root_path)
        self._plain_paths = (
            app.plain_paths if isinstance(app, CallbackDispatcher) and not is_limited else ()
        )

    def on_message_begin(self) -> None:
        self.url, self.headers = b"", []
        self._is_receiving = self._is_reading_head = True
        self._partial_head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Take a plain callback: a POST with one length, on a connection that stays open and has no
        other request in flight.
        """
        self._is_reading_head = False
        headers, parser, cycle = HeaderMap(self.headers), self.parser, self.cycle
        if (
            self.url in self._plain_paths
            and (cycle is None or cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.should_keep_alive()
            # without this header only HTTP 1.1 keeps connections, and asking the parser takes long
            and (b"connection" not in headers or parser.get_http_version() == "1.1")
            # a callback has some 2 kB; uvicorn's path refuses what is too long before it comes
            and len(headers.get(b"content-length", b"too long")) < 5
            and _UNUSUAL_HEADERS.isdisjoint(headers)
            and len(headers) == len(self.headers)  # no header comes twice
            and not self.flow.write_paused
        ):
            request = DirectRequest(self, self.url, headers, self.client)
            self._direct_request = self.cycle = request  # type: ignore[assignment]
        else:
            self._hand_over(self.url, self.headers)

    def _hand_over(self, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Give this request to uvicorn, from its beginning."""
        super().on_message_begin()
        super().on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._direct_request is None:
            super().on_body(body)
        else:
            self._direct_request.body += body

    def on_message_complete(self) -> None:
        request = self._direct_request
        if request is None:
            super().on_message_complete()
            return
        self._direct_request = None
        self._is_receiving = False
        self.table.end_request(self)
        request.begin(self.app)
