"""Asks the platform for placed calls that are under way: their end may have been told to nobody, as
while a server is down.
"""

import logging

from flowengine.orchestration.placement_turn import PlacedCallEnded
from flowengine.runtime.placements import RUNNING_KIND, Placements
from flowengine.runtime.platform_requests import PlatformRequests

log = logging.getLogger(__name__)


async def look_after_placements(placements: Placements, requests: PlatformRequests) -> None:
    """End the calls that the platform does not know any more."""
    for saved in await placements.store.list_orchestrations(RUNNING_KIND):
        owned = placements.encoding.decode_placement(saved)
        if owned is None or not owned.placement.call_id:
            continue
        placement = owned.placement
        if await requests.is_call_ongoing(owned.owner, placement.call_id) is False:
            log.warning("placed call %s is over, and the platform has not said so", saved.id)
            result = "answered" if placement.phase == "talks" else "noanswer"
            ended = PlacedCallEnded(placement.attempts, placement.call_id, result)
            await placements.take_turn(placement.id, ended)
