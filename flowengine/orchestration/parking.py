"""The state of a code under which callers are parked, and the pure function `conduct_parking`: who has
the code, who gets the caller, and what follows. It does no I/O and reads no clock.
"""

import hashlib
import math
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.states.parking_plan import DONE_STATUS, IN_USE_STATUS, NOBODY_STATUS

ROOM_DIGEST_SIZE = 16


class ParkedCall(msgspec.Struct, frozen=True, array_like=True):
    """A call, and the API that it is on. Nobody waits for it after `until`. A parked one has the
    number of its parking; with `has_exit` it goes on by an exit then. With `may_be_brought` it was
    picked up once: a request that is under way may bring it into its conference.
    """

    call_id: str
    call_url: str
    until: float
    number: int = 0
    has_exit: bool = False
    may_be_brought: bool = False


class PickedPair(msgspec.Struct, frozen=True, array_like=True):
    """A caller who was parked, the one who has picked them up, and the conference for the two.
    `is_brought` is set once the platform has brought the parked one there.
    """

    parked: ParkedCall
    picker: ParkedCall
    room: str
    is_brought: bool = False


class ParkingCode(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A code of an application: the call that is parked under it, the latest of so many (`number`),
    and those that were picked up by it and have not ended.
    """

    format: Literal[1] = 1
    id: str
    application: str = ""
    number: int = 0
    parked: ParkedCall | None = None
    pairs: tuple[PickedPair, ...] = ()


class ParkRequested(msgspec.Struct, frozen=True):
    """A call wants to be parked under the code, for so many seconds at most."""

    call_id: str
    application: str
    call_url: str
    limit: int
    has_exit: bool


class PickUpRequested(msgspec.Struct, frozen=True):
    """A call wants the one that is parked under the code."""

    call_id: str
    call_url: str


class ParkingCallEnded(msgspec.Struct, frozen=True):
    """A call that was parked, or has picked one up, is over."""

    call_id: str


class ParkedCallBrought(msgspec.Struct, frozen=True):
    """The platform has brought the call that was parked into the conference."""

    call_id: str


class ParkedCallLost(msgspec.Struct, frozen=True):
    """The call that was parked cannot be brought to the one who has picked it up."""

    call_id: str


class ParkingLimitReached(msgspec.Struct, frozen=True):
    """The limit of the parking with this number is over."""

    number: int


ParkingEvent = (
    ParkRequested
    | PickUpRequested
    | ParkedCallBrought
    | ParkedCallLost
    | ParkingCallEnded
    | ParkingLimitReached
)


class BringParkedCall(msgspec.Struct, frozen=True):
    """Bring the call that was parked into the conference."""

    call_id: str
    call_url: str
    room: str


class RemoveOther(msgspec.Struct, frozen=True):
    """Hang up on a call in the conference, as the other has left."""

    call_id: str
    call_url: str
    room: str


class ReleaseParkedCall(msgspec.Struct, frozen=True):
    """Bring a call into the exit of its state, out of the conference where it is in one."""

    call_id: str
    call_url: str
    number: int
    exit: str
    room: str = ""


class SetLimit(msgspec.Struct, frozen=True):
    """Tell when the limit of the parking is over."""

    number: int
    seconds: int


class ForgetCall(msgspec.Struct, frozen=True):
    """Send no request about this call any more."""

    call_id: str


ParkingRequestEffect = BringParkedCall | RemoveOther | ReleaseParkedCall
"""Effects that are requests to the platform"""
ParkingEffect = ParkingRequestEffect | SetLimit | ForgetCall


class ParkingTurn(NamedTuple):
    """What a turn comes to. `status` and `room` are the answer to the call that asks."""

    code: ParkingCode
    effects: tuple[ParkingEffect, ...] = ()
    status: int = DONE_STATUS
    room: str = ""


def conduct_parking(code: ParkingCode, event: ParkingEvent, now: float) -> ParkingTurn:
    """Handle one event. A call that asks twice gets the same answer."""
    match event:
        case ParkRequested():
            return _park(code, event, now)
        case PickUpRequested():
            return _pick_up(code, event, now)
        case ParkingCallEnded(call_id):
            return _leave(code, call_id, now)
        case ParkedCallBrought(call_id):
            return _note_brought(code, call_id)
        case ParkedCallLost(call_id):
            return _give_up(code, call_id)
        case ParkingLimitReached(number):
            return _note_limit(code, number)


def _park(code: ParkingCode, event: ParkRequested, now: float) -> ParkingTurn:
    known = code.parked
    if known and known.call_id != event.call_id and known.until > now:
        return ParkingTurn(code, status=IN_USE_STATUS)
    # the limit of the new one takes the place of that of a call whose time is over
    expired = _end_waiting(known) if known and known.call_id != event.call_id else ()
    number = code.number + 1
    until = now + event.limit
    parked = ParkedCall(event.call_id, event.call_url, until, number, event.has_exit)
    after = replace(code, application=event.application, number=number, parked=parked)
    limit = (SetLimit(number, event.limit),) if event.has_exit else ()
    return ParkingTurn(after, (*expired, *limit))


def _note_limit(code: ParkingCode, number: int) -> ParkingTurn:
    if code.parked is None or number != code.parked.number:
        return ParkingTurn(code)
    return ParkingTurn(replace(code, parked=None), _end_waiting(code.parked))


def _end_waiting(parked: ParkedCall) -> tuple[ParkingEffect, ...]:
    """Let a parked call go on whose time is over; one without an exit ends by itself, unless it is in
    its conference meanwhile, where it would be alone.
    """
    call_id, call_url = parked.call_id, parked.call_url
    room = format_parking_room(call_id) if parked.may_be_brought else ""
    if parked.has_exit:
        return (ReleaseParkedCall(call_id, call_url, parked.number, "too_long", room),)
    return (RemoveOther(call_id, call_url, room),) if room else ()


def _pick_up(code: ParkingCode, event: PickUpRequested, now: float) -> ParkingTurn:
    """The first that asks gets the call."""
    for pair in code.pairs:
        if pair.picker.call_id == event.call_id:
            return ParkingTurn(code, room=pair.room)
    parked = code.parked
    if parked is None or parked.until <= now or parked.call_id == event.call_id:
        return ParkingTurn(code, status=NOBODY_STATUS)
    picker = ParkedCall(event.call_id, event.call_url, now + CALL_KEPT_SECONDS)
    room = format_parking_room(parked.call_id)
    pair = PickedPair(parked, picker, room)
    pairs = *(one for one in code.pairs if one.picker.until > now), pair
    bring = BringParkedCall(parked.call_id, parked.call_url, room)
    return ParkingTurn(replace(code, parked=None, pairs=pairs), (bring,), room=room)


def _note_brought(code: ParkingCode, call_id: str) -> ParkingTurn:
    """The two can talk. Where the picker left while the request was under way, the call is alone in
    the conference, and goes on from there.
    """
    parked = code.parked
    if parked is not None and parked.call_id == call_id:
        room = format_parking_room(call_id)
        place = call_id, parked.call_url
        leaving: ParkingEffect = (
            ReleaseParkedCall(*place, parked.number, "too_long", room)
            if parked.has_exit
            else RemoveOther(*place, room)
        )
        return ParkingTurn(replace(code, parked=None), (leaving,))
    pairs = tuple(
        replace(pair, is_brought=True) if pair.parked.call_id == call_id else pair
        for pair in code.pairs
    )
    return ParkingTurn(replace(code, pairs=pairs))


def _give_up(code: ParkingCode, call_id: str) -> ParkingTurn:
    """Let those go on who wait for a call that does not come."""
    lost = [pair for pair in code.pairs if pair.parked.call_id == call_id and not pair.is_brought]
    number = code.number + len(lost)
    pairs = tuple(pair for pair in code.pairs if pair not in lost)
    released = (
        ReleaseParkedCall(pair.picker.call_id, pair.picker.call_url, place, "nobody", pair.room)
        for place, pair in enumerate(lost, code.number + 1)
    )
    return ParkingTurn(replace(code, number=number, pairs=pairs), tuple(released))


def _leave(code: ParkingCode, call_id: str, now: float) -> ParkingTurn:
    """Free the code, and let everybody leave whom the call was brought together with. Who was not
    brought yet stays parked, or hears that nobody is there.
    """
    parked = None if code.parked and code.parked.call_id == call_id else code.parked
    code, released, *_ = _give_up(replace(code, parked=parked), call_id)
    effects: list[ParkingEffect] = [ForgetCall(call_id), *released]
    left = [pair for pair in code.pairs if call_id in (pair.parked.call_id, pair.picker.call_id)]
    code = replace(code, pairs=tuple(pair for pair in code.pairs if pair not in left))
    for pair in left:
        other = pair.picker if call_id == pair.parked.call_id else pair.parked
        if pair.is_brought:
            effects.append(RemoveOther(other.call_id, other.call_url, pair.room))
        else:
            code, again, *_ = _park_again(code, other, now)
            effects += (ForgetCall(other.call_id), *again)
    return ParkingTurn(code, tuple(effects))


def _park_again(code: ParkingCode, call: ParkedCall, now: float) -> ParkingTurn:
    """Have a call wait on whom nobody has picked up after all. Where another call has the code, it
    goes on as after its limit.
    """
    if code.parked is not None and code.parked.call_id == call.call_id:
        return ParkingTurn(code)
    # a number of its own, as each answer to a call has
    call = replace(call, number=code.number + 1, may_be_brought=True)
    code = replace(code, number=call.number)
    if code.parked is not None or call.until <= now:
        return ParkingTurn(code, _end_waiting(call))
    limit = SetLimit(call.number, math.ceil(call.until - now))
    return ParkingTurn(replace(code, parked=call), (limit,))


def format_parking_room(call_id: str) -> str:
    """The conference of a parked caller and the one who picks them up; nobody can guess its name."""
    digest = hashlib.blake2b(call_id.encode(), digest_size=ROOM_DIGEST_SIZE)
    return f"park-{digest.hexdigest()}"
