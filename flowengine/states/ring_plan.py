"""What a `ring` or `queue` state asks for: whom to call for the caller who waits, and how. All values of the
call are put in already, so that who carries it out needs no flow.
"""

from typing import Literal

import msgspec

from flowengine.states.queue_plan import QueueTerms

HOST_FACT = "call.host"
"""The name under which a call that may ring keeps the host of its `callResourceUrl`: all requests
about one caller go to one region. Expressions cannot read it.
"""
RingOrder = Literal["all at once", "in turn", "round robin", "longest idle"]


class RingMember(msgspec.Struct, frozen=True, array_like=True):
    """Somebody to ring: `kind` is number or sip; `address` is as the platform takes it."""

    kind: Literal["number", "sip"]
    address: str


class RingPlan(msgspec.Struct, frozen=True, array_like=True):
    """One ring for one caller, or with `queue` one wait in the queue of a group. Times are in seconds.

    `room` is the conference that the caller waits in. `each` is how long one phone rings. With
    `whisper` (in the platform's prompt notation) the member hears it, and has the call after key
    `accept_key`; without one, the first who answers has the call. `taken` (likewise) is what the others hear
    who answer too late. `group` is the name of the group of members, "" where they stand in the
    state. `exits` are the exits that the state has, beside `nobody`: busy, no_answer, after.
    """

    room: str
    members: tuple[RingMember, ...]
    order: RingOrder
    each: int
    cli: str
    locale: str
    whisper: str = ""
    accept_key: str = "1"
    whisper_timeout: int = 8
    taken: str = ""
    music: str = ""
    group: str = ""
    wrap_up: int = 0
    exits: frozenset[str] = frozenset()
    queue: QueueTerms | None = None
