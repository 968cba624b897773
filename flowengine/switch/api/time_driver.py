"""Lets time pass for a served switch: in real time by itself, in virtual time by a task that never
runs ahead of a backend.
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
    """Lets time pass for a served switch."""

    kind: str

    @property
    def is_running(self) -> bool:
        """Whether time passes by itself."""
        ...

    def pause(self) -> bool:
        """Hold time; False where that is not possible."""
        ...

    def run(self) -> None:
        """Let time pass by itself again."""

    async def advance(self, seconds: float) -> bool:
        """Let so much time pass, with all that is due in it; False where that is not possible."""
        ...

    def wake(self) -> None:
        """Look for new work: something may be due that was not before."""

    async def serve(self) -> None:
        """Let time pass by itself, for ever."""


class RealTimeDriver:
    """Real time, which passes by itself and cannot be held."""

    kind = "real"
    is_running = True

    def pause(self) -> bool:
        """Not possible: always False."""
        return False

    def run(self) -> None:
        """Nothing to do."""

    async def advance(self, seconds: float) -> bool:  # noqa: ARG002
        """Not possible: always False."""
        return False

    def wake(self) -> None:
        """Nothing to do."""

    async def serve(self) -> None:
        """Nothing to do."""


class VirtualTimeDriver:
    """Moves time to the next timer that is due, as long as nobody holds it and no request is in
    flight.
    """

    kind = "virtual"

    def __init__(self, clock: VirtualClock, transport: ConcurrentTransport) -> None:
        self._clock = clock
        self._transport = transport
        self._woken = asyncio.Event()
        self._step_lock = asyncio.Lock()
        self.is_running = True

    def pause(self) -> bool:
        """Hold time from now on."""
        self.is_running = False
        return True

    def run(self) -> None:
        """Let time pass from now on."""
        self.is_running = True
        self.wake()

    def wake(self) -> None:
        """Look for new work."""
        self._woken.set()

    async def advance(self, seconds: float) -> bool:
        """Let so much time pass, and no more."""
        end = self._clock.seconds + seconds
        async with self._step_lock:
            while await self._step_until(end):
                pass
        self._clock.advance(max(0.0, end - self._clock.seconds))
        return True

    async def serve(self) -> None:
        """Let time pass, for ever."""
        while True:
            try:
                await self._run_due_steps()
            except Exception:
                # one failing call must not stop the time of all others
                log.exception("a due event failed; the clock goes on")
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
        """Run the next timer that is due until then, once all requests have their replies; False
        where there is none.
        """
        # what is due at this moment still happens while a backend is asked
        while self._transport.in_flight and self._clock.get_next_delay() != 0:
            await self._transport.wait()
        if end == FOREVER and not self.is_running:  # somebody has held time while this waited
            return False
        due = self._clock.get_next_delay()
        return due is not None and self._clock.seconds + due <= end and self._clock.step()
