"""The state of a code under which callers are parked, and the pure function `conduct_parking`: who has
the code, who gets the caller, and what follows. It does no I/O and reads no clock.
"""

import hashlib
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.states.parking_plan import DONE_STATUS, IN_USE_STATUS, NOBODY_STATUS

ROOM_DIGEST_SIZE = 16


class ParkedCall(msgspec.Struct, frozen=True, array_like=True):
    """A call, and the API that it is on. Nobody waits for it after `until`."""

    call_id: str
    call_url: str
    until: float


class PickedPair(msgspec.Struct, frozen=True, array_like=True):
    """A caller who was parked, the one who has picked them up, and the conference for the two."""

    parked: ParkedCall
    picker: ParkedCall
    room: str


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


class CallParks(msgspec.Struct, frozen=True):
    """A call wants to be parked under the code, for so many seconds at most."""

    call_id: str
    application: str
    call_url: str
    limit: int
    has_exit: bool


class CallPicksUp(msgspec.Struct, frozen=True):
    """A call wants the one that is parked under the code."""

    call_id: str
    call_url: str


class ParkingLeft(msgspec.Struct, frozen=True):
    """A call that was parked, or has picked one up, is over."""

    call_id: str


class ParkingDue(msgspec.Struct, frozen=True):
    """The limit of the parking with this number is over."""

    number: int


ParkingEvent = CallParks | CallPicksUp | ParkingLeft | ParkingDue


class BringParked(msgspec.Struct, frozen=True):
    """Bring the call that was parked into the conference."""

    call_id: str
    call_url: str
    room: str


class RemoveOther(msgspec.Struct, frozen=True):
    """Hang up on a call in the conference, as the other has left."""

    call_id: str
    call_url: str
    room: str


class ReleaseParked(msgspec.Struct, frozen=True):
    """Bring the call that was parked into the exit of its state."""

    call_id: str
    call_url: str
    number: int
    exit: str


class SetLimit(msgspec.Struct, frozen=True):
    """Tell when the limit of the parking is over."""

    number: int
    seconds: int


class ForgetCall(msgspec.Struct, frozen=True):
    """Send no request about this call any more."""

    call_id: str


ParkingRequestEffect = BringParked | RemoveOther | ReleaseParked
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
        case CallParks():
            return _park(code, event, now)
        case CallPicksUp():
            return _pick_up(code, event, now)
        case ParkingLeft(call_id):
            return _leave(code, call_id)
        case ParkingDue(number):
            if code.parked is None or number != code.number:
                return ParkingTurn(code)
            place = code.parked.call_id, code.parked.call_url
            return ParkingTurn(
                replace(code, parked=None), (ReleaseParked(*place, number, "too_long"),)
            )


def _park(code: ParkingCode, event: CallParks, now: float) -> ParkingTurn:
    known = code.parked
    if known and known.call_id != event.call_id and known.until > now:
        return ParkingTurn(code, status=IN_USE_STATUS)
    number = code.number + 1
    parked = ParkedCall(event.call_id, event.call_url, now + event.limit)
    after = replace(code, application=event.application, number=number, parked=parked)
    return ParkingTurn(after, (SetLimit(number, event.limit),) if event.has_exit else ())


def _pick_up(code: ParkingCode, event: CallPicksUp, now: float) -> ParkingTurn:
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
    bring = BringParked(parked.call_id, parked.call_url, room)
    return ParkingTurn(replace(code, parked=None, pairs=pairs), (bring,), room=room)


def _leave(code: ParkingCode, call_id: str) -> ParkingTurn:
    """Free the code, and let everybody leave whom the call was brought together with."""
    parked = None if code.parked and code.parked.call_id == call_id else code.parked
    left = [pair for pair in code.pairs if call_id in (pair.parked.call_id, pair.picker.call_id)]
    others = [
        (pair.picker if call_id == pair.parked.call_id else pair.parked, pair.room) for pair in left
    ]
    removed = (RemoveOther(other.call_id, other.call_url, room) for other, room in others)
    pairs = tuple(pair for pair in code.pairs if pair not in left)
    after = replace(code, parked=parked, pairs=pairs)
    return ParkingTurn(after, (ForgetCall(call_id), *removed))


def format_parking_room(call_id: str) -> str:
    """The conference of a parked caller and the one who picks them up; nobody can guess its name."""
    digest = hashlib.blake2b(call_id.encode(), digest_size=ROOM_DIGEST_SIZE)
    return f"park-{digest.hexdigest()}"
