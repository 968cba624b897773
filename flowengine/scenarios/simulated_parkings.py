"""Parked calls in simulated calls: carries out in virtual time, and in memory, what the server does by
its store and the platform's API.
"""

from collections.abc import Callable
from functools import partial

from flowengine.orchestration.leg_messages import PARK_REQUEST
from flowengine.orchestration.parking import (
    BringParkedCall,
    ForgetCall,
    ParkedCallBrought,
    ParkingCallEnded,
    ParkingCode,
    ParkingEffect,
    ParkingEvent,
    ParkingLimitReached,
    ParkingTurn,
    ParkRequested,
    PickUpRequested,
    ReleaseParkedCall,
    RemoveOther,
    SetLimit,
    conduct_parking,
)
from flowengine.states import LookupResult, OrchestrationResult, OwnEvent
from flowengine.states.parking_plan import BROUGHT_MUSIC, ParkingRequest
from flowengine.svaml import ConnectConf, encode_svaml
from flowengine.switch.api_error import ApiError
from flowengine.switch.clock import Timer
from flowengine.switch.exchange import Exchange

CHANGE_RETRY_SECONDS = 0.25


class ParkingSimulator:
    """Conducts the codes of all calls of an exchange. `answer` is what the flow of a call answers to an
    event of its own.
    """

    def __init__(self, exchange: Exchange, answer: Callable[[OwnEvent], bytes]) -> None:
        self._exchange = exchange
        self._answer = answer
        self._codes: dict[str, ParkingCode] = {}
        self._codes_by_call: dict[str, str] = {}
        self._requests: dict[str, Timer] = {}

    @property
    def is_settled(self) -> bool:
        """Whether the platform has obeyed all requests."""
        return not self._requests

    def answer_request(self, call_id: str, request: ParkingRequest) -> LookupResult:
        """Park the call under the code, or give it the one that is."""
        event: ParkingEvent = PickUpRequested(call_id, "")
        if request.do == "park":
            event = ParkRequested(call_id, "", "", request.limit, request.has_exit)
        turn = self._take_turn(request.code, event)
        self._codes_by_call[call_id] = request.code
        return LookupResult(turn.status, {"room": turn.room})

    def handle_caller_left(self, call_id: str) -> None:
        """The caller has hung up."""
        if call_id in self._codes_by_call:
            self._take_turn(self._codes_by_call[call_id], ParkingCallEnded(call_id))

    def _take_turn(self, name: str, event: ParkingEvent) -> ParkingTurn:
        now = self._exchange.clock.now().timestamp()
        turn = conduct_parking(self._codes.get(name, ParkingCode(id=name)), event, now)
        self._codes[name] = turn.code
        for effect in turn.effects:
            self._apply_effect(name, effect)
        return turn

    def _note_limit(self, name: str, number: int) -> None:
        self._take_turn(name, ParkingLimitReached(number))

    def _apply_effect(self, name: str, effect: ParkingEffect) -> None:
        match effect:
            case SetLimit(number, seconds):
                due = partial(self._note_limit, name, number)
                self._exchange.clock.call_later(seconds, due)
            case ForgetCall(call_id):
                if call_id in self._requests:
                    self._requests.pop(call_id).cancel()
            case _:
                self._schedule(effect, 0.0)

    def _schedule(
        self, request: BringParkedCall | RemoveOther | ReleaseParkedCall, seconds: float
    ) -> None:
        if request.call_id in self._requests:
            self._requests.pop(request.call_id).cancel()
        send = partial(self._send, request)
        self._requests[request.call_id] = self._exchange.clock.call_later(seconds, send)

    def _send(self, request: BringParkedCall | RemoveOther | ReleaseParkedCall) -> None:
        """Send a request, again and again until the platform obeys or the call is over."""
        del self._requests[request.call_id]
        call = self._exchange.calls[request.call_id]
        if call.ended is None and not self._perform(request):
            self._schedule(request, CHANGE_RETRY_SECONDS)

    def _perform(self, request: BringParkedCall | RemoveOther | ReleaseParkedCall) -> bool:
        call_id = request.call_id
        match request:
            case RemoveOther(room=room):
                found = self._exchange.rooms.find_room(room)
                return found is not None and found.kick(call_id)
            case BringParkedCall(room=room):
                joined = ConnectConf(conference_id=room, moh=BROUGHT_MUSIC)
                is_done = self._change(call_id, encode_svaml((), joined))
                if is_done:
                    self._take_turn(self._codes_by_call[call_id], ParkedCallBrought(call_id))
                return is_done
            case ReleaseParkedCall(exit=name, room=room):
                event = OrchestrationResult(call_id=call_id, exit=name)
                if room and not self._change(call_id, PARK_REQUEST):
                    return False
                return self._change(call_id, self._answer(event))

    def _change(self, call_id: str, svaml: bytes) -> bool:
        try:
            self._exchange.calls[call_id].patch(svaml)
        except ApiError:
            return False
        return True
