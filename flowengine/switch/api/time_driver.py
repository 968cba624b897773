"""What makes time pass for a switch that serves: nothing in real time; in virtual time a task that
never runs ahead of a backend.
"""

import asyncio
import logging
from typing import Protocol

from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire import ConcurrentTransport

log = logging.getLogger(__name__)
FOREVER = float("inf")
MAX_STEPS_AT_ONCE = 64
"""So many things may happen before requests that came in meanwhile are looked at"""


class TimeDriver(Protocol):
    """Lets time pass."""

    kind: str

    @property
    def is_running(self) -> bool:
        """Whether time passes by itself."""
        ...

    def pause(self) -> bool:
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


class RealTimeDriver:
    """The clock on the wall needs no help and takes no orders."""

    kind = "real"
    is_running = True

    def pause(self) -> bool:
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


class VirtualTimeDriver:
    """Goes from one thing that is due to the next, as long as nobody holds it and no request is
    under way.
    """

    kind = "virtual"

    def __init__(self, clock: VirtualClock, transport: ConcurrentTransport) -> None:
        self._clock = clock
        self._transport = transport
        self._woken = asyncio.Event()
        self._step_lock = asyncio.Lock()
        self.is_running = True

    def pause(self) -> bool:
        """From now on."""
        self.is_running = False
        return True

    def run(self) -> None:
        """From now on."""
        self.is_running = True
        self.wake()

    def wake(self) -> None:
        """Look again."""
        self._woken.set()

    async def advance(self, seconds: float) -> bool:
        """Up to that moment, and no further."""
        end = self._clock.seconds + seconds
        async with self._step_lock:
            while await self._step_until(end):
                pass
        self._clock.advance(max(0.0, end - self._clock.seconds))
        return True

    async def serve(self) -> None:
        """Go on for ever."""
        while True:
            try:
                await self._run_due_steps()
            except Exception:
                log.exception("something that was due failed; time goes on")
                self._woken.set()
            await asyncio.sleep(0)
            await self._woken.wait()
            self._woken.clear()

    async def _run_due_steps(self) -> None:
        async with self._step_lock:
            for _ in range(MAX_STEPS_AT_ONCE):
                if not self.is_running or not await self._step_until(FOREVER):
                    return
        self._woken.set()

    async def _step_until(self, end: float) -> bool:
        """The next thing that is due until then, once all requests are replied to; False when there
        is none.
        """
        while self._transport.in_flight and self._clock.get_next_delay() != 0:
            await self._transport.wait()
        if end == FOREVER and not self.is_running:  # somebody has held time while this waited
            return False
        due = self._clock.get_next_delay()
        return due is not None and self._clock.seconds + due <= end and self._clock.step()
