"""A delivery: one request of the platform with an event of a call, and the reply to it."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import final

import msgspec

from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.leg_token import LegToken
from flowengine.runtime.locate import LocatedCall
from flowengine.runtime.step_outcome import Place
from flowengine.runtime.step_start import is_from_conference
from flowengine.sinch import CallbackEvent, Dice, Ice, Pie
from flowengine.sinch.signing import parse_timestamp
from flowengine.states import LookupRequest, LookupResult

IDENTITY_BYTES = 16
# A call begins once and ends once, so these events need no fingerprint of their bytes.
ICE_IDENTITY = b"ice".ljust(IDENTITY_BYTES, b"\0")
DICE_IDENTITY = b"dice".ljust(IDENTITY_BYTES, b"\0")
FIXED_IDENTITIES: Mapping[type, bytes] = {Ice: ICE_IDENTITY, Dice: DICE_IDENTITY}
"""The identity of these events; the identity of others is a fingerprint of the body."""
_sequence_numbers = itertools.count()


def assume_connected() -> bool:
    """The default for deliveries without a connection that the server could check."""
    return True


class CallbackDelivery(msgspec.Struct):
    """A delivery in flight. `stamp` is its x-timestamp in microseconds, 0 without one. Deliveries
    with the same `in_flight_key` share one answer while the first is being answered.
    `is_unanswered` says whether the platform continues without the answer, judged by the event
    alone. `leg` says which placed call this is of, if it is one. `performed` are the requests made so
    far and `places` the states that made them, so that a repeated step makes none twice.
    `recipients` counts the requests that get the answer or wait for it.
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
    leg: LegToken | None = None
    shared: "asyncio.Future[Reply | None] | None" = None
    recipients: int = 1

    async def wait_for_reply(self) -> "Reply | None":
        """The reply to this delivery; None when the work on it was cancelled."""
        if self.shared is None:
            self.shared = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self.shared)

    def build_claim_key(self, *, is_unanswered: bool) -> bytes:
        """The key of the claim on the requests of this event, the same in every worker. See
        `make_event_number`.
        """
        if is_unanswered:
            is_unique = is_unique_stamp(self.stamp)
            return self.identity + (self.stamp.to_bytes(8) if is_unique else os.urandom(8))
        return self.identity + self.equal_events.to_bytes(2)


@final
class Reply(msgspec.Struct, frozen=True):
    """The bytes of an answer, and the record of its callback."""

    body: bytes
    record: CallbackRecord
    delivery: CallbackDelivery | None = None


def compute_plain_digest(body: bytes) -> bytes:
    """The identity of a delivery in stores of earlier versions."""
    return hashlib.blake2b(body, digest_size=IDENTITY_BYTES).digest()


def make_event_number(stamp: int) -> bytes:
    """What tells an event from another one with equal bytes. The platform asks the next question of
    a call only after the answer to the one before. But it waits for no answer to a notice or to a
    key in a conference, so two deliveries with equal bytes may be two events there.
    """
    return (stamp if is_unique_stamp(stamp) else next(_sequence_numbers)).to_bytes(8)


def is_unanswered(event: CallbackEvent) -> bool:
    """Whether the platform continues without the answer to this event."""
    return not event.is_awaited or (type(event) is Pie and is_from_conference(event))


def is_unique_stamp(stamp: int) -> bool:
    """Whether an x-timestamp has a fraction of a second, so that no two requests share it. The
    platform's published examples have whole seconds, in which a caller can press several keys.
    """
    return stamp % 1_000_000 != 0


@lru_cache(maxsize=64)  # callbacks of one second have the same one
def parse_stamp(text: bytes) -> int:
    """An x-timestamp in microseconds since 1970; 0 where the text is no time."""
    try:
        return parse_timestamp(text)[1]
    except ValueError:
        return 0
