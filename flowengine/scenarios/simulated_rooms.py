"""Conferences in simulated calls: carries out in virtual time, and in memory, what the server does by
its store and the platform's API.
"""

from collections.abc import Callable, Iterable
from functools import partial

from flowengine.orchestration.room_conductor import conduct_room
from flowengine.orchestration.room_state import ModeratedConference
from flowengine.orchestration.room_turn import (
    ChangeMember,
    FindMember,
    ForgetMember,
    MemberChanged,
    MemberFound,
    MemberJoined,
    MemberLeft,
    MemberPressed,
    RemoveMember,
    RoomCommanded,
    RoomEvent,
    RoomRequest,
)
from flowengine.states import RoomUpdate
from flowengine.states.room_plan import CommandRoom, EnterRoom, PressInRoom
from flowengine.switch.clock import Timer
from flowengine.switch.exchange import Exchange
from flowengine.switch.media.room import Room

REQUEST_RETRY_SECONDS = 0.25  # while the platform says the words before the conference


class RoomSimulator:
    """Conducts the conferences of all calls of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rooms: dict[str, ModeratedConference] = {}
        self._names: dict[str, str] = {}
        self._requests: dict[tuple[str, str], Timer] = {}
        self._update_count = 0

    @property
    def is_settled(self) -> bool:
        """Whether the platform has obeyed all requests."""
        return not self._requests

    def handle_updates(self, call_id: str, updates: Iterable[RoomUpdate]) -> None:
        """Handle what a step updates, as soon as the callback is answered."""
        for update in updates:
            self._handle_update(call_id, update)

    def _handle_update(self, call_id: str, update: RoomUpdate) -> None:
        self._update_count += 1
        number = str(self._update_count)
        match update:
            case EnterRoom(plan):
                application = self._exchange.calls[call_id].application_key
                self._names[call_id] = plan.room
                self._later(plan.room, MemberJoined(call_id, application, "", plan))
            case PressInRoom(room, key):
                self._later(room, MemberPressed(number, call_id, key))
            case CommandRoom(room, do, who):
                self._later(room, RoomCommanded(number, do, who))

    def handle_caller_left(self, call_id: str) -> None:
        """The caller has hung up."""
        if name := self._names.get(call_id):
            self._take_turn(name, MemberLeft(call_id))

    def _later(self, name: str, event: RoomEvent) -> None:
        self._exchange.clock.call_later(0.0, partial(self._take_turn, name, event))

    def _take_turn(self, name: str, event: RoomEvent) -> None:
        turn = conduct_room(self._rooms.get(name, ModeratedConference(id=name)), event)
        self._rooms[name] = turn.room
        for effect in turn.effects:
            if isinstance(effect, ForgetMember):
                self._forget(effect.call_id)
            else:
                self._schedule(effect, 0.0)

    def _forget(self, call_id: str) -> None:
        for key in [key for key in self._requests if key[0] == call_id]:
            self._requests.pop(key).cancel()

    def _schedule(self, request: RoomRequest, seconds: float) -> None:
        subject = request.subject if isinstance(request, ChangeMember) else type(request).__name__
        key = request.call_id, subject
        if key in self._requests:
            self._requests.pop(key).cancel()
        send = partial(self._send, key, request)
        self._requests[key] = self._exchange.clock.call_later(seconds, send)

    def _send(self, key: tuple[str, str], request: RoomRequest) -> None:
        """Send a request, again and again until the call is in the conference."""
        del self._requests[key]
        found = self._exchange.rooms.find_room(request.room)
        event = perform_request(found, request) if found else None
        if event is None:
            self._schedule(request, REQUEST_RETRY_SECONDS)
        elif isinstance(event, MemberFound | MemberChanged):
            self._take_turn(request.room, event)


def perform_request(found: Room, request: RoomRequest) -> RoomEvent | None:
    """What follows where the platform has obeyed; None where the call is not in the conference."""
    call_id = request.call_id
    match request:
        case FindMember():
            is_in = any(one["id"] == call_id for one in found.list_participants())
            return MemberFound(call_id) if is_in else None
        case RemoveMember():
            return MemberLeft(call_id) if found.kick(call_id) else None
        case ChangeMember(command=command, music=music):
            changes: dict[str, Callable[[], bool]] = {
                "mute": lambda: found.mute(call_id),
                "unmute": lambda: found.unmute(call_id),
                "onhold": lambda: found.hold(call_id, music),
                "resume": lambda: found.resume(call_id),
            }
            return MemberChanged(call_id, command) if changes[command]() else None
