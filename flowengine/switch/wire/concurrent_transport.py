"""By HTTP, many requests at a time, on the running event loop; and virtual time that stands still
while they are under way.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import h11

from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire.http_connection import SCHEME_PORTS, HttpConnectionPool
from flowengine.switch.wire.transport import (
    OnReply,
    Response,
    build_failed_response,
    build_timeout_response,
)


class ConcurrentTransport:
    """Sends requests without waiting for their replies. Create, use and close it on one event loop."""

    def __init__(self) -> None:
        self._pools: dict[str, HttpConnectionPool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._replied = asyncio.Event()
        self._fault: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """How many requests have no reply yet"""
        return len(self._tasks)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: OnReply
    ) -> None:
        task = asyncio.get_running_loop().create_task(
            self._send(url, headers, body, timeout, reply)
        )
        self._tasks.add(task)
        task.add_done_callback(self._finish_task)

    async def _send(
        self, url: str, headers: Mapping[str, str], body: bytes, seconds: float, reply: OnReply
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._fetch_answer(url, headers, body)
        except TimeoutError:
            answer = build_timeout_response(seconds)
        except (h11.ProtocolError, ValueError, OSError) as error:
            answer = build_failed_response(error, seconds)
        reply(answer)

    async def _fetch_answer(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        parts = urlsplit(url)
        if parts.scheme not in SCHEME_PORTS or not parts.hostname:
            raise ValueError("the URL must begin with http:// or https:// and a host")
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._pools:
            self._pools[place] = HttpConnectionPool(parts)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await self._pools[place].send_request(target, headers, body)

    def _finish_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._fault = self._fault or task.exception()
        self._replied.set()

    async def wait(self) -> None:
        """Wait for a reply, if any request is in flight. What its `reply` raised is raised here."""
        if self._tasks:
            self._replied.clear()
            await self._replied.wait()
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    async def close(self) -> None:
        """Cancel requests in flight, without replies."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._pools.values():
            server.close()


class TimeHolder(Protocol):
    """What holds virtual time: a transport, or the part of it that belongs to one lane."""

    @property
    def in_flight(self) -> int:
        """How many requests have no reply yet"""

    async def wait(self) -> None:
        """Wait for a reply"""


async def drive_clock(
    clock: VirtualClock, transport: TimeHolder, until: Callable[[], bool]
) -> None:
    """Let virtual time pass until something holds, or nothing is due and nothing is in flight. What
    is due at this very moment still happens while requests are in flight; only then time stands
    still for them.
    """
    while not until():
        # time stands still while a backend is asked: its answer would otherwise come at another
        # virtual time in each run
        if transport.in_flight and clock.get_next_delay() != 0:
            await transport.wait()
        elif not clock.step():
            return
