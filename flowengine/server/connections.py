"""The table of the open connections of a worker: idle ones, and those with an unfinished request.

A proxy keeps connections open and sends its next request on one of them. When the server closes
that connection at the same moment, the proxy answers 502. So the server keeps idle connections for
longer than proxies do. It closes early only connections that never send a whole request, and idle
ones when file descriptors run out.
"""

import asyncio
import logging
import sys
from typing import Any, Protocol

from flowengine.limits import (
    DEFAULT_KEEP_ALIVE_SECONDS,
    MAX_DESCRIPTORS,
    MAX_RESERVED_DESCRIPTORS,
    MIN_RESERVED_DESCRIPTORS,
    REQUEST_SECONDS,
)
from flowengine.runtime.log_once import LogOnce

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

log = logging.getLogger(__name__)
NO_DESCRIPTORS = (
    "file descriptors run short, so idle and slow connections are closed to keep room for callbacks: "
    "allow the server more with ulimit -n or LimitNOFILE; in use are %s"
)
MAX_SWEEP_SECONDS = 1.0
MAX_HEAD_BYTES = 65_536  # a callback's head has less than one kilobyte
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
REQUEST_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class TrackedConnection(Protocol):
    """What the table needs of a protocol of the web server."""

    transport: asyncio.Transport

    def has_partial_request(self) -> bool:
        """Whether a part of a request has come, and its answer has not begun."""
        ...


class ConnectionTable:
    """Closes connections that are idle for too long, too slow, or in the way of callbacks.

    Both dictionaries are in order of time, so the first entry is the oldest. Times are those of the
    last sweep, so a connection needs no timer and no clock.
    """

    def __init__(
        self,
        keep_alive: float = DEFAULT_KEEP_ALIVE_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.is_retiring = False  # answers have `Connection: close`
        self._idle: dict[TrackedConnection, float] = {}
        self._receiving: dict[TrackedConnection, float] = {}
        self._keep_alive = keep_alive
        self._request_seconds = request_seconds
        self._interval = min(MAX_SWEEP_SECONDS, keep_alive / 5, request_seconds / 5)
        self._now = 0.0
        self._open = 0
        self._timer: asyncio.TimerHandle | None = None
        self._limit = max(1, read_descriptor_limit() - count_reserved_descriptors())
        self._max_open = sys.maxsize  # for connections; set when descriptors have run short
        self._closing: set[TrackedConnection] = set()
        self._log_once = LogOnce(log)

    def __len__(self) -> int:
        """How many connections are open."""
        return self._open

    def count_idle(self) -> int:
        """How many connections wait for their next request."""
        return len(self._idle)

    def add(self, connection: TrackedConnection) -> None:
        """Add a new connection; its first request must come in time."""
        self._open += 1
        if self._timer is None:
            self._schedule_sweep()
        self._receiving[connection] = self._now
        self._keep_room(connection)

    def discard(self, connection: TrackedConnection) -> None:
        """Remove a closed connection."""
        self._open -= 1
        self._idle.pop(connection, None)
        self._receiving.pop(connection, None)
        self._closing.discard(connection)

    def begin_request(self, connection: TrackedConnection) -> None:
        """Note that a part of a request has come. A request that comes in one piece needs no note
        before its end.
        """
        self._idle.pop(connection, None)
        self._receiving.setdefault(connection, self._now)

    def end_request(self, connection: TrackedConnection) -> None:
        """Note that the last byte of a request has come."""
        if self._idle.pop(connection, None) is None:  # most requests come in one piece
            self._receiving.pop(connection, None)

    def note_large_head(self) -> None:
        """The head of a request is longer than any callback's, and was refused."""
        self._log_once.error(
            "requests with a head of more than %d bytes are refused", MAX_HEAD_BYTES
        )

    def set_idle(self, connection: TrackedConnection) -> None:
        """Note that the answer is written and no other request has begun."""
        self._idle[connection] = self._now

    def _schedule_sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time()
        self._timer = loop.call_later(self._interval, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        if not self._open:
            return
        self._schedule_sweep()
        if self._open < self._max_open / 2:
            self._max_open = sys.maxsize
            self._log_once.end_all((NO_DESCRIPTORS,), "file descriptors are enough again")
        # noted times may be one sweep too old, so this waits one more: no connection closes early
        late = self._now - self._interval
        for connection in take_overdue(self._receiving, late - self._request_seconds):
            if connection.has_partial_request():
                connection.transport.write(REQUEST_TIMEOUT)
            close_transport(connection.transport)
        for connection in take_overdue(self._idle, late - self._keep_alive):
            close_transport(connection.transport)

    def _keep_room(self, connection: TrackedConnection) -> None:
        """Close idle connections while file descriptors are short. The system gives out the lowest
        free descriptor, so the number of a new one tells how many the process uses, as long as none
        was closed for room.
        """
        socket: Any = connection.transport.get_extra_info("socket")
        if socket is not None and socket.fileno() >= self._limit:
            self._max_open = min(self._max_open, self._open - 1)
            self._log_once.error(
                NO_DESCRIPTORS,
                socket.fileno() + 1,
            )
        while self._open - len(self._closing) > self._max_open and (
            oldest := self._take_oldest(connection)
        ):
            self._closing.add(oldest)
            close_transport(oldest.transport)

    def _take_oldest(self, new: TrackedConnection) -> TrackedConnection | None:
        """Remove and return the connection that was idle for longest, or else the one with the
        slowest request.
        """
        for waiting in (self._idle, self._receiving):
            for oldest in waiting:
                if oldest is not new:
                    del waiting[oldest]
                    return oldest
        return None


def take_overdue(waiting: dict[TrackedConnection, float], limit: float) -> list[TrackedConnection]:
    """Remove and yield the connections that have waited since this time or longer."""
    found = []
    for connection, since in waiting.items():
        if since > limit:
            break
        found.append(connection)
    for connection in found:
        del waiting[connection]
    return found


def close_transport(transport: asyncio.Transport) -> None:
    """Close a connection, even if its peer does not read."""
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()


def read_descriptor_limit() -> int:
    """How many file descriptors a process may have."""
    if resource is None:
        return MAX_DESCRIPTORS
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_DESCRIPTORS if allowed == resource.RLIM_INFINITY else allowed


def count_reserved_descriptors() -> int:
    """The number of descriptors that stay free, by closing idle connections."""
    return min(
        max(read_descriptor_limit() // 4, MIN_RESERVED_DESCRIPTORS), MAX_RESERVED_DESCRIPTORS
    )


def choose_backlog() -> int:
    """The number of connections that may wait to be accepted. A worker accepts all waiting ones
    before it can close another, so they must fit into the reserve.
    """
    return count_reserved_descriptors() // 2
