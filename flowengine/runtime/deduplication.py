"""Whether a delivery brings an event that was answered before, or another one with equal bytes.

The platform sends an event again only where it got no answer, before it goes on with the call. So
there are two deliveries of one event where the first answer was not delivered, or came too late;
whatever else comes with equal bytes is another event. The table is in docs/decisions/0043.
"""

from typing import NamedTuple

from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.delivery import (
    DICE_IDENTITY,
    CallbackDelivery,
    compute_plain_digest,
    is_unique_stamp,
)
from flowengine.runtime.delivery_log import AnsweredDelivery, decode_log, may_hold
from flowengine.sinch import Ice, Notify, Pie
from flowengine.storage.sessions import SavedCall

# Clocks are rounded and timers fire a little early: a second delivery that comes so much of the
# time-out after the first comes because of it.
_TIMED_OUT_SHARE = 0.9
# Without the time of the event in its body, equal bytes may be told of events at any time.
_LATEST_RETRY_SHARE = 2.0

# A menu waits for a second at least before it reports silence, and a caller hangs up once.
_ONCE_A_SECOND_TYPES = ("timeout", "hangup")


class WaitState(NamedTuple):
    """What the call waits for: whether the platform waits for the answer to this event, whether the
    call waits for an answer elsewhere than in the menu that was asked, and the platform's time-out.
    """

    is_unanswered: bool
    is_elsewhere: bool
    timeout: float


def is_repetition(saved: SavedCall, delivery: CallbackDelivery, waiting: WaitState) -> bool:
    """Whether the event of this delivery was answered already."""
    if type(delivery.event) is Ice:
        return has_spoken(saved)
    if not may_hold(saved, delivery.identity):
        return False
    log = decode_log(saved)
    if delivery.identity == DICE_IDENTITY:
        return has_ended(log, delivery)
    equal = find_equal_deliveries(log, delivery)
    if any(_is_sent_again(entry, delivery, waiting.timeout) for entry in equal):
        return True
    return (
        bool(equal)
        and (equal[-1].is_spoken or not waiting.is_unanswered)
        and _is_same_event(log, equal[-1], delivery, waiting)
    )


def _is_same_event(
    log: list[AnsweredDelivery],
    entry: AnsweredDelivery,
    delivery: CallbackDelivery,
    waiting: WaitState,
) -> bool:
    """Whether an event that the platform waits for cannot have come after that one."""
    event = delivery.event
    if type(event) is Pie and event.type in _ONCE_A_SECOND_TYPES and event.timestamp:
        return True
    if _measure_delay(entry, delivery) * 1_000_000 < entry.took:
        return True  # it was sent before there was an answer
    # With the answer, the platform would have another cookie and be in another menu by now.
    has_old_cookie = entry.sets_cookie and COOKIE_KEY in event.cookies
    return has_old_cookie or waiting.is_elsewhere or is_overtaken(log, delivery)


def find_equal_deliveries(
    log: list[AnsweredDelivery], delivery: CallbackDelivery
) -> list[AnsweredDelivery]:
    """The deliveries that brought equal bytes."""
    plain = compute_plain_digest(delivery.body) if any(entry.is_plain for entry in log) else b""
    return [
        entry for entry in log if entry.identity == (plain if entry.is_plain else delivery.identity)
    ]


def is_overtaken(log: list[AnsweredDelivery], delivery: CallbackDelivery) -> bool:
    """Whether the platform has gone on with the call since it sent this: a later request of its was
    answered.
    """
    latest = next((entry.stamp for entry in reversed(log) if entry.is_spoken), 0)
    return 0 < delivery.stamp < latest


def has_ended(log: list[AnsweredDelivery], delivery: CallbackDelivery) -> bool:
    """Whether the end of the call was told already."""
    if any(entry.identity == DICE_IDENTITY for entry in log):
        return True
    return bool(find_equal_deliveries(log, delivery))  # it was told to a server of before


def has_spoken(saved: SavedCall) -> bool:
    """Whether the platform has had an answer for this call by which it goes on."""
    return any(entry.is_spoken or entry.identity == DICE_IDENTITY for entry in decode_log(saved))


def _is_sent_again(entry: AnsweredDelivery, delivery: CallbackDelivery, timeout: float) -> bool:
    """Whether this comes because of what became of that delivery."""
    is_same_request = entry.stamp == delivery.stamp and is_unique_stamp(delivery.stamp)
    if entry.is_undelivered or is_same_request:
        return True
    later = _measure_delay(entry, delivery)
    has_time = bool(delivery.event.timestamp) and type(delivery.event) is not Notify
    return later >= timeout * _TIMED_OUT_SHARE and (
        has_time or later <= timeout * _LATEST_RETRY_SHARE
    )


def _measure_delay(entry: AnsweredDelivery, delivery: CallbackDelivery) -> float:
    """How much later this was sent than that delivery; without exact x-timestamps, came."""
    if is_unique_stamp(entry.stamp) and is_unique_stamp(delivery.stamp):
        return abs(delivery.stamp - entry.stamp) / 1_000_000
    return delivery.arrived_at - entry.arrived_at / 1_000_000
