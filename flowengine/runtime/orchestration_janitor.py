"""The janitor asks the platform for calls of rings and codes of parked calls that have not moved for a
while, and for those of conferences: callbacks may be lost, and nobody shall wait for a call that is
over.

Most callbacks are lost while a server or the store is down. So each worker looks after all rings
soon after its start, and soon after the store kept the end of a call from a ring; later looks leave
those alone in which people talk, but for one look of some.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.parking import ParkingCallEnded
from flowengine.orchestration.room_turn import MemberLeft
from flowengine.orchestration.turn import CallerLeft, LegEnded
from flowengine.runtime.delivery_log import is_over
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import LIVE_KIND, Orchestrations
from flowengine.runtime.parkings import PARKING_KIND
from flowengine.runtime.placement_janitor import look_after_placements
from flowengine.runtime.placements import Placements
from flowengine.runtime.platform_requests import CallOwner, PlatformRequests
from flowengine.runtime.rooms import ROOM_KIND
from flowengine.storage.sessions import SavedOrchestration, Store, StoreError

JANITOR_SECONDS = 60.0
FIRST_CHECK_SECONDS = 5.0  # after the start of a worker
CHECKS_PER_FULL_CHECK = 10
_CLAIM = "\njanitor"  # no call has this id
log = logging.getLogger(__name__)
RINGS_ALONE = "rings cannot be looked after: %s"


class OrchestrationJanitor:
    """Looks after rings; of all workers one at a time does."""

    def __init__(
        self,
        store: Store,
        orchestrations: Orchestrations,
        requests: PlatformRequests,
        clock: Callable[[], float] | None = None,
        placements: Placements | None = None,
    ) -> None:
        self._store = store
        self._orchestrations = orchestrations
        self._requests = requests
        self._clock = clock or store.clock
        self._placements = placements
        self._log_once = LogOnce(log)

    async def run(self) -> None:
        """Look soon, and then once a minute, for ever; soon again when the store failed."""
        ends, pause, looks = self._orchestrations.missed_ends, FIRST_CHECK_SECONDS, 0
        while True:
            await self._sleep(pause)
            has_missed = ends.is_set()
            ends.clear()
            try:
                is_done = await self.look_after_rings(looks, has_missed=has_missed)
                self._log_once.end(RINGS_ALONE, "rings are looked after again")
            except StoreError as error:
                self._log_once.error(RINGS_ALONE, error)
                is_done = False
            if has_missed and not is_done:
                ends.set()
            pause, looks = JANITOR_SECONDS, looks + 1

    async def _sleep(self, pause: float) -> None:
        """Wait for the next look: less where the store has kept an end from a ring."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._orchestrations.missed_ends.wait()
                await asyncio.sleep(FIRST_CHECK_SECONDS)

    async def look_after_rings(self, looks: int, *, has_missed: bool = False) -> bool:
        """End the calls that the platform does not know any more. `looks` counts the looks of this
        worker before this one; `has_missed` says that the store has kept an end from a ring. Returns
        False when another worker looks.
        """
        is_early = looks == 0 or has_missed
        now, pause = self._clock(), FIRST_CHECK_SECONDS if is_early else JANITOR_SECONDS
        key = b"first look" if is_early else b"look"
        if not await self._store.claim(_CLAIM, key, now + pause * 0.9):
            return False
        # the second one sees what moved just before a server was killed, which the first leaves alone
        is_whole = has_missed or looks == 1 or looks % CHECKS_PER_FULL_CHECK == 0
        for saved in await self._orchestrations.store.list_orchestrations(LIVE_KIND):
            if now - saved.expires + CALL_KEPT_SECONDS >= pause:
                await self._look_after(saved, is_whole=is_whole)
        if self._placements is not None:
            await look_after_placements(self._placements, self._requests)
        # people come and go in a conference all the time, so it does not count when it has moved
        for saved in await self._orchestrations.store.list_orchestrations(ROOM_KIND):
            await self._look_after_room(saved)
        for saved in await self._orchestrations.store.list_orchestrations(PARKING_KIND):
            if now - saved.expires + CALL_KEPT_SECONDS >= pause:
                await self._look_after_code(saved, is_whole=is_whole)
        return True

    async def _look_after_code(self, saved: SavedOrchestration, *, is_whole: bool) -> None:
        """Free a code whose call is over, and end the other one of two who cannot talk any more."""
        code = self._orchestrations.encoding.decode_parking(saved)
        if code is None:
            return
        pairs = [pair for pair in code.pairs if is_whole or not pair.is_brought]
        calls = [call for pair in pairs for call in (pair.parked, pair.picker)]
        for call in (code.parked, *calls) if code.parked else calls:
            owner = CallOwner(code.application, call.call_url)
            if await self._requests.is_call_ongoing(owner, call.call_id) is False:
                log.warning("call %s is over, and the platform has not said so", call.call_id)
                await self._orchestrations.parkings.take_turn(
                    saved.id, ParkingCallEnded(call.call_id)
                )

    async def _look_after_room(self, saved: SavedOrchestration) -> None:
        """Forget members of a conference whose calls are over."""
        rooms = self._orchestrations.rooms
        room = rooms.open(saved)
        for member in room.members if room else ():
            owner = CallOwner(room.application if room else "", member.call_url)
            if await self._requests.is_call_ongoing(owner, member.call_id) is False:
                log.warning("call %s is over, and the platform has not said so", member.call_id)
                await rooms.take_turn(saved.id, MemberLeft(member.call_id))

    async def _look_after(self, saved: SavedOrchestration, *, is_whole: bool) -> None:
        owned = self._orchestrations.encoding.decode_ring(saved)
        if owned is None:
            return
        ring, owner = owned.ring, owned.owner
        if ring.phase in ("new", "over") or (ring.phase == "joined" and not is_whole):
            return
        if await self._requests.is_call_ongoing(owner, ring.id) is False:
            call = await self._store.load(ring.id)
            if call is None or not is_over(call):
                log.warning("call %s is over, and the platform has not said so", ring.id)
            await self._orchestrations.take_turn(ring.id, CallerLeft())
            return
        for leg in ring.active_legs:
            is_joined = leg.phase == "joined"
            if is_joined and await self._requests.is_call_ongoing(owner, leg.call_id) is False:
                log.warning("leg %s is over, and the platform has not said so", leg.call_id)
                ended = LegEnded(leg.attempt, leg.call_id, "answered")
                await self._orchestrations.take_turn(ring.id, ended)
