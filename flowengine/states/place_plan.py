"""What a `place` state asks for: a call to somebody, into a flow. All values of the call are put in
already; who is called, and when, is decided without the flow that has asked.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.limits import MAX_PLACEMENT_SECONDS
from flowengine.states.queue_plan import QueueTurn
from flowengine.states.ring_plan import RingMember

PLACEMENT_ID_PREFIX = "place-"  # no id of a call begins so
AT_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")
MAX_ZONE_SECONDS = 86_400  # no clock differs from UTC by so much
TOO_FAR_AHEAD = "a call is put off for a week at most"
ID_DIGEST_BYTES = 10
# No digits: people may read the id in a journal, which hides rows of digits.
_ID_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")
CALLEE_ZONE = "callee"
"""In place of a time zone: the one of the number that is called"""


class PlacementPlan(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One placement. Times are in seconds.

    `id` is made of the key, so that the same key places nothing twice. `flow` is begun with `data`,
    its inputs, when `to` answers. Not before `delay` is over, and not before `at`, a date and a time
    by the clock of `zone`; only while the calendar `within` is open; and with `turn`, when it comes
    in the queue. A phone rings for `ring`; of `tries`, two are `pause` apart.
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
    turn: QueueTurn | None = None


def list_turns(plans: Iterable[PlacementPlan]) -> list[QueueTurn]:
    """The turns that begin to wait as soon as the call that asks for these plans is over."""
    return [
        replace(plan.turn, placement=plan.id)
        for plan in plans
        if plan.turn is not None and not (plan.delay or plan.at)
    ]


def is_moment(text: str) -> bool:
    """Whether this is a date and a time."""
    try:
        return bool(AT_PATTERN.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def is_too_far_ahead(moment: str, now: float) -> bool:
    """Whether a date and a time are further ahead than a call may be put off, by any clock."""
    latest = now + MAX_PLACEMENT_SECONDS + MAX_ZONE_SECONDS
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() > latest


def compute_placement_id(application: str, flow: str, key: str) -> str:
    """The id of a placement: the same for the same key."""
    content = f"{application}\0{flow}\0{key}".encode()
    digest = hashlib.blake2b(content, digest_size=ID_DIGEST_BYTES, person=b"fe placement")
    return PLACEMENT_ID_PREFIX + digest.hexdigest().translate(_ID_LETTERS)
