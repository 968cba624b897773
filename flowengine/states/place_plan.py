"""What a `place` state asks for: a call to somebody, into a flow. All values of the call are put in
already; who is called, and when, is decided without the flow that has asked.
"""

from typing import Any

import msgspec

from flowengine.states.ring_plan import RingMember

PLACEMENT_ID_PREFIX = "place-"  # no id of a call begins so
CALLEE_ZONE = "callee"
"""In place of a time zone: the one of the number that is called"""


class PlacementPlan(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One placement. Times are in seconds.

    `id` is made of the key, so that the same key places nothing twice. `flow` is begun with `data`,
    its inputs, when `to` answers. Not before `delay` is over, and not before `at`, a date and a time
    by the clock of `zone`; only while the calendar `within` is open. A phone rings for `ring`; of
    `tries`, two are `pause` apart.
    """

    id: str
    flow: str
    to: RingMember
    data: dict[str, Any]
    cli: str
    ring: int
    tries: int
    pause: int
    delay: int = 0
    at: str = ""
    within: str = ""
    zone: str = ""
