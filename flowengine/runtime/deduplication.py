"""Decides whether a delivery repeats an event that was answered, or is another event with equal
bytes.

The platform sends an event again only when it got no answer, and before it continues the call.
So an event has two deliveries only when the first answer was lost or late. All other deliveries
with equal bytes are new events. The table is in docs/decisions/0043.
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
from flowengine.states.orchestration_result import OWN_KINDS
from flowengine.storage.sessions import SavedCall

# Clocks round and timers fire a little early: a second delivery counts as caused by the time-out
# once this share of the time-out has passed.
_TIMED_OUT_SHARE = 0.9
# An event whose body has no time may happen again with equal bytes at any moment, so a delivery
# later than this share of the time-out is a new event.
_LATEST_RETRY_SHARE = 2.0

# A menu waits for a second at least before it reports silence, and a caller hangs up once.
_ONCE_A_SECOND_TYPES = ("timeout", "hangup")


class WaitState(NamedTuple):
    """What the call waits for: `is_unanswered` says whether the platform continues without an
    answer to this event, `is_elsewhere` whether the call waits for something other than the menu
    that was asked; `timeout` is the platform's.
    """

    is_unanswered: bool
    is_elsewhere: bool
    timeout: float


def is_repetition(saved: SavedCall, delivery: CallbackDelivery, waiting: WaitState) -> bool:
    """Whether the server has answered the event of this delivery before."""
    if type(delivery.event) is Ice:
        return has_spoken(saved)
    if not may_hold(saved, delivery.identity):
        return False
    log = decode_log(saved)
    if delivery.identity == DICE_IDENTITY:
        return has_ended(log, delivery)
    equal = find_equal_deliveries(log, delivery)
    if delivery.event.kind in OWN_KINDS:
        return bool(equal)  # a server's own event, whose body says which one it is
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
    """Whether this delivery is the event of the entry: the platform waits for the answer, so no
    second event can have followed the first.
    """
    event = delivery.event
    if type(event) is Pie and event.type in _ONCE_A_SECOND_TYPES and event.timestamp:
        return True
    if _measure_delay(entry, delivery) * 1_000_000 < entry.took:
        return True  # the platform sent it before it had an answer
    # With the answer, the platform would have another cookie and would be in another menu.
    has_old_cookie = entry.sets_cookie and COOKIE_KEY in event.cookies
    return has_old_cookie or waiting.is_elsewhere or is_overtaken(log, delivery)


def find_equal_deliveries(
    log: list[AnsweredDelivery], delivery: CallbackDelivery
) -> list[AnsweredDelivery]:
    """The earlier deliveries with equal bytes."""
    plain = compute_plain_digest(delivery.body) if any(entry.is_plain for entry in log) else b""
    return [
        entry for entry in log if entry.identity == (plain if entry.is_plain else delivery.identity)
    ]


def is_overtaken(log: list[AnsweredDelivery], delivery: CallbackDelivery) -> bool:
    """Whether the platform has continued the call since it sent this delivery: the server has
    answered a later request.
    """
    latest = next((entry.stamp for entry in reversed(log) if entry.is_spoken), 0)
    return 0 < delivery.stamp < latest


def has_ended(log: list[AnsweredDelivery], delivery: CallbackDelivery) -> bool:
    """Whether the server has already processed the end of the call."""
    if any(entry.identity == DICE_IDENTITY for entry in log):
        return True
    return bool(find_equal_deliveries(log, delivery))  # a server of an earlier version processed it


def has_spoken(saved: SavedCall) -> bool:
    """Whether the platform has received an answer that lets the call continue."""
    return any(entry.is_spoken or entry.identity == DICE_IDENTITY for entry in decode_log(saved))


def _is_sent_again(entry: AnsweredDelivery, delivery: CallbackDelivery, timeout: float) -> bool:
    """Whether the platform sent this delivery because the answer to that entry was lost or late."""
    is_same_request = entry.stamp == delivery.stamp and is_unique_stamp(delivery.stamp)
    if entry.is_undelivered or is_same_request:
        return True
    later = _measure_delay(entry, delivery)
    has_time = bool(delivery.event.timestamp) and type(delivery.event) is not Notify
    return later >= timeout * _TIMED_OUT_SHARE and (
        has_time or later <= timeout * _LATEST_RETRY_SHARE
    )


def _measure_delay(entry: AnsweredDelivery, delivery: CallbackDelivery) -> float:
    """The seconds between the two deliveries by the platform's x-timestamps; where these are not
    exact, by their arrival.
    """
    if is_unique_stamp(entry.stamp) and is_unique_stamp(delivery.stamp):
        return abs(delivery.stamp - entry.stamp) / 1_000_000
    return delivery.arrived_at - entry.arrived_at / 1_000_000
