"""What makes time pass for a switch that serves: nothing in real time; in virtual time a task that
never runs ahead of a backend.
"""

import asyncio
import logging
from typing import Protocol

from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire import Concurrent

log = logging.getLogger(__name__)
FOREVER = float("inf")
BREATH = 64
"""So many things may happen before requests that came in meanwhile are looked at"""


class Driver(Protocol):
    """Lets time pass."""

    kind: str

    @property
    def running(self) -> bool:
        """Whether time passes by itself."""
        ...

    def hold(self) -> bool:
        """Let time pass only when it is told to; False where that cannot be."""
        ...

    def run(self) -> None:
        """Let time pass by itself again."""

    async def advance(self, seconds: float) -> bool:
        """Let so much time pass, with all that happens in it; False where that cannot be."""
        ...

    def wake(self) -> None:
        """Something may be due that was not before."""

    async def serve(self) -> None:
        """Let time pass by itself, for ever."""


class RealTime:
    """The clock on the wall needs no help and takes no orders."""

    kind = "real"
    running = True

    def hold(self) -> bool:
        """Never."""
        return False

    def run(self) -> None:
        """It does."""

    async def advance(self, seconds: float) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def wake(self) -> None:
        """It is awake."""

    async def serve(self) -> None:
        """Nothing to do."""


class VirtualTime:
    """Goes from one thing that is due to the next, as long as nobody holds it and no request is
    under way.
    """

    kind = "virtual"

    def __init__(self, clock: VirtualClock, transport: Concurrent) -> None:
        self._clock = clock
        self._transport = transport
        self._woken = asyncio.Event()
        self._stepping = asyncio.Lock()
        self.running = True

    def hold(self) -> bool:
        """From now on."""
        self.running = False
        return True

    def run(self) -> None:
        """From now on."""
        self.running = True
        self.wake()

    def wake(self) -> None:
        """Look again."""
        self._woken.set()

    async def advance(self, seconds: float) -> bool:
        """Up to that moment, and no further."""
        end = self._clock.seconds + seconds
        async with self._stepping:
            while await self._next(end):
                pass
        self._clock.pass_time(max(0.0, end - self._clock.seconds))
        return True

    async def serve(self) -> None:
        """Go on for ever."""
        while True:
            try:
                await self._on()
            except Exception:
                log.exception("something that was due failed; time goes on")
                self._woken.set()
            await asyncio.sleep(0)
            await self._woken.wait()
            self._woken.clear()

    async def _on(self) -> None:
        async with self._stepping:
            for _ in range(BREATH):
                if not self.running or not await self._next(FOREVER):
                    return
        self._woken.set()

    async def _next(self, end: float) -> bool:
        """The next thing that is due until then, once all requests are replied to; False when there
        is none.
        """
        while self._transport.in_flight and self._clock.due() != 0:
            await self._transport.wait()
        if end == FOREVER and not self.running:  # somebody has held time while this waited
            return False
        due = self._clock.due()
        return due is not None and self._clock.seconds + due <= end and self._clock.step()
