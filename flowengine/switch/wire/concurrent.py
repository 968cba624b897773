"""By HTTP, many requests at a time, on the running event loop; and virtual time that stands still while they are under way."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx

from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire.transport import Reply, Response, response_of, too_late, unanswered


class Concurrent:
    """Asks without waiting. To be made, used and closed on one event loop."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=256))
        self._tasks: set[asyncio.Task[None]] = set()
        self._replied = asyncio.Event()
        self._fault: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """How many requests are not replied to yet"""
        return len(self._tasks)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: Reply) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(url, headers, body, timeout, reply))
        self._tasks.add(task)
        task.add_done_callback(self._settled)

    async def _ask(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float, reply: Reply) -> None:
        try:
            async with asyncio.timeout(seconds):
                answer: Response = response_of(await self._client.post(url, content=body, headers=dict(headers), timeout=None))
        except TimeoutError:
            answer = too_late(seconds)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            answer = unanswered(error, seconds)
        reply(answer)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._fault = self._fault or task.exception()
        self._replied.set()

    async def wait(self) -> None:
        """Until a request is replied to, if any is under way; what its `reply` raised is raised here."""
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
        await self._client.aclose()


class Waiting(Protocol):
    """What holds up virtual time: a transport, or what of it is one lane's own."""

    @property
    def in_flight(self) -> int:
        """How many requests are not replied to yet"""

    async def wait(self) -> None:
        """Until a request is replied to"""


async def drive(clock: VirtualClock, transport: Waiting, until: Callable[[], bool]) -> None:
    """Let virtual time pass until something holds, or nothing is due and nothing under way.

    Whatever is due at this very moment happens while requests are under way; only then time stands still for them.
    """
    while not until():
        if transport.in_flight and clock.due() != 0:
            await transport.wait()
        elif not clock.step():
            return
