"""The janitor asks the platform for calls of rings that have not moved for a while: callbacks may be
lost, and nobody shall wait for a call that is over.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.turn import CallerLeft, LegEnded
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import LIVE_KIND, Orchestrations
from flowengine.runtime.platform_requests import PlatformRequests
from flowengine.storage.sessions import SavedOrchestration, Store, StoreError

JANITOR_SECONDS = 60.0
CONNECTED_LOOKS = 10  # callers who talk to a member are looked for in one look of so many
_CLAIM = "\njanitor"  # no call has this id
log = logging.getLogger(__name__)


class OrchestrationJanitor:
    """Looks after rings; of all workers one at a time does."""

    def __init__(
        self,
        store: Store,
        orchestrations: Orchestrations,
        requests: PlatformRequests,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._orchestrations = orchestrations
        self._requests = requests
        self._clock = clock
        self._log_once = LogOnce(log)

    async def run(self) -> None:
        """Look once a minute, for ever."""
        while True:
            await asyncio.sleep(JANITOR_SECONDS)
            try:
                await self.look_after_rings()
            except StoreError as error:
                self._log_once.error("rings cannot be looked after: %s", error)

    async def look_after_rings(self) -> None:
        """End the calls that the platform does not know any more."""
        now = self._clock()
        if not await self._store.claim(_CLAIM, b"look", now + JANITOR_SECONDS * 0.9):
            return
        for saved in await self._orchestrations.store.list_orchestrations(LIVE_KIND):
            looks = int((now - saved.expires + CALL_KEPT_SECONDS) / JANITOR_SECONDS)
            if looks:
                await self._look_after(saved, looks)

    async def _look_after(self, saved: SavedOrchestration, looks: int) -> None:
        owned = self._orchestrations.encoding.decode_ring(saved)
        if owned is None:
            return
        ring, owner = owned.ring, owned.owner
        if ring.phase in ("new", "over") or (
            ring.phase == "joined" and looks % CONNECTED_LOOKS != 1
        ):
            return
        if await self._requests.is_call_ongoing(owner, ring.id) is False:
            log.warning("call %s is over, and the platform has not said so", ring.id)
            await self._orchestrations.take_turn(ring.id, CallerLeft())
            return
        for leg in ring.active_legs:
            if (
                leg.phase == "joined"
                and await self._requests.is_call_ongoing(owner, leg.call_id) is False
            ):
                log.warning("leg %s is over, and the platform has not said so", leg.call_id)
                ended = LegEnded(leg.attempt, leg.call_id, "answered")
                await self._orchestrations.take_turn(ring.id, ended)
