"""By HTTP, many requests at a time, on the running event loop; and virtual time that stands still
while they are under way.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import h11

from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire.http import PORTS, Server
from flowengine.switch.wire.transport import Reply, Response, too_late, unanswered


class Concurrent:
    """Asks without waiting. To be made, used and closed on one event loop."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._replied = asyncio.Event()
        self._fault: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """How many requests are not replied to yet"""
        return len(self._tasks)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: Reply
    ) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(url, headers, body, timeout, reply))
        self._tasks.add(task)
        task.add_done_callback(self._settled)

    async def _ask(
        self, url: str, headers: Mapping[str, str], body: bytes, seconds: float, reply: Reply
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._answer(url, headers, body)
        except TimeoutError:
            answer = too_late(seconds)
        except (h11.ProtocolError, ValueError, OSError) as error:
            answer = unanswered(error, seconds)
        reply(answer)

    async def _answer(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("the URL must begin with http:// or https:// and a host")
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._servers:
            self._servers[place] = Server(parts)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await self._servers[place].ask(target, headers, body)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._fault = self._fault or task.exception()
        self._replied.set()

    async def wait(self) -> None:
        """Until a request is replied to, if any is under way; what its `reply` raised is raised
        here.
        """
        if self._tasks:
            self._replied.clear()
            await self._replied.wait()
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    async def close(self) -> None:
        """Give up on what is under way, without replies."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers.values():
            server.close()


class Waiting(Protocol):
    """What holds up virtual time: a transport, or what of it is one lane's own."""

    @property
    def in_flight(self) -> int:
        """How many requests are not replied to yet"""

    async def wait(self) -> None:
        """Until a request is replied to"""


async def drive(clock: VirtualClock, transport: Waiting, until: Callable[[], bool]) -> None:
    """Let virtual time pass until something holds, or nothing is due and nothing under way.

    Whatever is due at this very moment happens while requests are under way; only then time stands
    still for them.
    """
    while not until():
        if transport.in_flight and clock.due() != 0:
            await transport.wait()
        elif not clock.step():
            return
