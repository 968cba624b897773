"""One request by which the platform delivers an event of a call, while it is being answered; and the
reply to it.
"""

import asyncio
import hashlib
import itertools
import os
from collections.abc import Callable, Mapping

import msgspec

from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.locate import LocatedCall
from flowengine.runtime.step_outcome import Place
from flowengine.runtime.step_start import is_from_conference
from flowengine.sinch import CallbackEvent, Dice, Ice, Pie
from flowengine.sinch.signing import parse_timestamp
from flowengine.states import LookupRequest, LookupResult

IDENTITY_BYTES = 16
# A call begins once and ends once, whatever bytes say so.
ICE_IDENTITY = b"ice".ljust(IDENTITY_BYTES, b"\0")
DICE_IDENTITY = b"dice".ljust(IDENTITY_BYTES, b"\0")
FIXED_IDENTITIES: Mapping[type, bytes] = {Ice: ICE_IDENTITY, Dice: DICE_IDENTITY}
"""The identity of these events, whatever their body; that of others is a fingerprint of it"""
_sequence_numbers = itertools.count()


def assume_connected() -> bool:
    """The default for deliveries that come over no connection of which anything is known."""
    return True


class CallbackDelivery(msgspec.Struct):
    """A delivery in flight.

    `stamp` is its x-timestamp in microseconds, 0 where it has none. `in_flight_key` is equal for
    deliveries that share one answer while the first of them is being answered. `is_unanswered` says
    that the platform goes on without the answer, as far as the event alone tells. `performed` are
    the requests made so far and `places` the states that made them, so that none is made twice when
    the step is taken again.
    """

    event: CallbackEvent
    body: bytes
    identity: bytes
    stamp: int
    is_connected: Callable[[], bool]
    arrived_at: float
    started_at: float
    in_flight_key: bytes = b""
    is_unanswered: bool = False
    fetch_seconds: float = 0.0
    is_claimed: bool = False
    has_caught_up: bool = False
    performed: list[tuple[LookupRequest, LookupResult]] = []
    places: list[Place] = []
    at: float = 0.0
    located: LocatedCall | None = None
    equal_events: int = 0
    shared: "asyncio.Future[Reply | None] | None" = None

    async def wait_for_reply(self) -> "Reply | None":
        """The reply that this delivery gets; None if it is given up."""
        if self.shared is None:
            self.shared = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self.shared)

    def build_claim_key(self, *, is_unanswered: bool) -> bytes:
        """What workers agree by on who makes the requests of this event. See `compute_in_flight_key`."""
        if is_unanswered:
            is_unique = is_unique_stamp(self.stamp)
            return self.identity + (self.stamp.to_bytes(8) if is_unique else os.urandom(8))
        return self.identity + self.equal_events.to_bytes(2)


class Reply(msgspec.Struct, frozen=True):
    """The bytes of an answer and what to note of it."""

    body: bytes
    record: CallbackRecord
    delivery: CallbackDelivery | None = None


def compute_plain_digest(body: bytes) -> bytes:
    """The identity of every delivery in stores of before."""
    return hashlib.blake2b(body, digest_size=IDENTITY_BYTES).digest()


def compute_in_flight_key(
    event: CallbackEvent, identity: bytes, stamp: int, *, is_unanswered: bool
) -> bytes:
    """What deliveries share an answer by.

    The platform asks a call's next question only after the answer to the one before. It waits for
    no answer to a notice or a key in a conference, so two with equal bytes may be two events.
    """
    if identity is ICE_IDENTITY or identity is DICE_IDENTITY:
        return identity + event.call_id.encode("utf-8", "surrogatepass")
    if is_unanswered:
        return identity + (stamp if is_unique_stamp(stamp) else next(_sequence_numbers)).to_bytes(8)
    return identity


def is_unanswered(event: CallbackEvent) -> bool:
    """Whether the platform goes on without the answer to this event."""
    return not event.is_awaited or (type(event) is Pie and is_from_conference(event))


def is_unique_stamp(stamp: int) -> bool:
    """Whether no two requests have this x-timestamp: one with a fraction of a second.

    The platform's published examples have whole seconds, in which a caller presses several keys.
    """
    return stamp % 1_000_000 != 0


def parse_stamp(text: bytes) -> int:
    """An x-timestamp in microseconds since 1970; 0 where it is none."""
    try:
        return parse_timestamp(text)[1]
    except ValueError:
        return 0
