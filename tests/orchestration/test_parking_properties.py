"""What holds for a code of parked calls whatever happens in whatever order: callers who hang up, limits
that run out, workers that are killed, and a platform that obeys late, twice, or not at all.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from flowengine.orchestration import parking
from flowengine.orchestration.parking import (
    BringParkedCall,
    ForgetCall,
    ParkedCallBrought,
    ParkedCallLost,
    ParkingCallEnded,
    ParkingCode,
    ParkingEvent,
    ParkingLimitReached,
    ParkingRequestEffect,
    ParkingTurn,
    ParkRequested,
    PickUpRequested,
    ReleaseParkedCall,
    RemoveOther,
    SetLimit,
    conduct_parking,
)
from flowengine.states.parking_plan import DONE_STATUS
from tests.orchestration.state_machines import assert_finds_fault, choose_settings

CALLS = ("anna", "bo", "cy", "dee")
LIMIT = 300


class Call(msgspec.Struct):
    """A call of the platform: in its flow, parked, in a room, or over. `until` is when the platform
    ends a parked call without an exit.
    """

    place: Literal["flow", "parked", "room", "over"] = "flow"
    room: str = ""
    until: float = 1e9
    has_exit: bool = True


class ParkingMachine(RuleBasedStateMachine):
    """The platform, the store and the conductor; each rule is one thing that may happen next."""

    @initialize()
    def open_code(self) -> None:
        self.now = 1000.0
        self.code = ParkingCode(id="parking:1")
        self.calls = {name: Call() for name in CALLS}
        self.events: list[ParkingEvent] = []
        self.limit: tuple[float, int] | None = None
        self.pending: dict[tuple[str, str], ParkingRequestEffect] = {}
        self.in_flight: list[ParkingRequestEffect] = []
        self.released: set[tuple[str, int]] = set()

    def take_turn(self, event: ParkingEvent) -> ParkingTurn:
        turn = conduct_parking(self.code, event, self.now)
        self.code = turn.code
        for effect in turn.effects:
            if isinstance(effect, ForgetCall):
                for key in [key for key in self.pending if key[1] == effect.call_id]:
                    del self.pending[key]
            elif isinstance(effect, SetLimit):
                self.limit = self.now + effect.seconds, effect.number
            else:
                self.pending[type(effect).__name__, effect.call_id] = effect
        return turn

    def list_calls(self, *places: str) -> list[str]:
        return [name for name, call in self.calls.items() if call.place in places]

    @precondition(lambda self: self.list_calls("flow"))
    @rule(data=st.data(), has_exit=st.booleans(), comes_again=st.booleans())
    def park(self, data: st.DataObject, has_exit: bool, comes_again: bool) -> None:
        """The lookup may be made again, where the answer to the callback was lost."""
        name = data.draw(st.sampled_from(self.list_calls("flow")))
        event = ParkRequested(name, "app", "", LIMIT, has_exit)
        status = self.take_turn(event).status
        if comes_again:
            assert self.take_turn(event).status == status
        if status == DONE_STATUS:
            call = self.calls[name]
            call.place, call.until, call.has_exit = "parked", self.now + LIMIT, has_exit

    @precondition(lambda self: self.list_calls("flow"))
    @rule(data=st.data(), comes_again=st.booleans(), is_over_first=st.booleans())
    def pick_up(self, data: st.DataObject, comes_again: bool, is_over_first: bool) -> None:
        """The one who picks up may hang up before the answer."""
        name = data.draw(st.sampled_from(self.list_calls("flow")))
        turn = self.take_turn(PickUpRequested(name, ""))
        if comes_again:
            assert self.take_turn(PickUpRequested(name, ""))[2:] == turn[2:]
        if is_over_first:
            self.end(name)
        elif turn.status == DONE_STATUS:
            self.calls[name].place, self.calls[name].room = "room", turn.room

    @precondition(lambda self: self.list_calls("parked", "room"))
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.list_calls("parked", "room"))))

    def end(self, name: str) -> None:
        self.calls[name].place = "over"
        self.events.append(ParkingCallEnded(name))

    @precondition(lambda self: self.list_calls("over"))
    @rule(data=st.data())
    def call_again(self, data: st.DataObject) -> None:
        """Somebody calls anew, once all is told of the call before."""
        name = data.draw(st.sampled_from(self.list_calls("over")))
        known = [*self.events, *self.in_flight, *self.pending.values()]
        if all(getattr(one, "call_id", "") != name for one in known):
            self.calls[name] = Call()

    @precondition(lambda self: self.events)
    @rule(data=st.data(), comes_again=st.booleans())
    def deliver(self, data: st.DataObject, comes_again: bool) -> None:
        """A worker that is killed after the turn leaves its task to another one."""
        event = data.draw(st.sampled_from(self.events))
        self.take_turn(event)
        if not comes_again:
            self.events.remove(event)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Send a request, perhaps again."""
        self.in_flight.append(self.pending[data.draw(st.sampled_from(sorted(self.pending)))])

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), is_answer_lost=st.booleans())
    def obey(self, data: st.DataObject, is_answer_lost: bool) -> None:
        place = data.draw(st.integers(0, len(self.in_flight) - 1))
        request = self.in_flight.pop(place)
        self.perform(request, is_answer_lost=is_answer_lost and self.is_pending(request))

    def is_pending(self, request: ParkingRequestEffect) -> bool:
        return self.pending.get((type(request).__name__, request.call_id)) == request

    def perform(self, request: ParkingRequestEffect, *, is_answer_lost: bool = False) -> None:
        """Do what the request says, as `runtime.parking_tasks` and the platform do."""
        call = self.calls[request.call_id]
        event: ParkingEvent | None = None
        if isinstance(request, BringParkedCall):
            event = self.bring(call, request)
        elif isinstance(request, ReleaseParkedCall):
            self.release(call, request)
        elif call.place == "room":
            self.end(request.call_id)
        elif call.place != "over":
            return  # it may be about to come into the conference
        if is_answer_lost:
            return
        if self.is_pending(request):
            del self.pending[type(request).__name__, request.call_id]
        if event is not None:
            self.take_turn(event)

    def release(self, call: Call, request: ReleaseParkedCall) -> None:
        """Once: a repeated request has the answer of the first, and the call has gone on since."""
        visit = request.call_id, request.number
        # what a call in a conference is told without being taken out is refused
        is_possible = call.place == "parked" or (call.place == "room" and request.room)
        if is_possible and visit not in self.released:
            self.released.add(visit)
            call.place, call.room = "flow", ""

    def bring(self, call: Call, request: BringParkedCall) -> ParkingEvent:
        if call.place == "parked":
            call.place, call.room = "room", request.room
        is_there = (call.place, call.room) == ("room", request.room)
        return ParkedCallBrought(request.call_id) if is_there else ParkedCallLost(request.call_id)

    @rule(seconds=st.sampled_from([10, 200, 301]))
    def wait(self, seconds: float) -> None:
        """Time goes on, at most to the limit."""
        ends = [self.calls[name].until for name in self.list_calls("parked")]
        limits = [self.limit[0]] if self.limit else []
        self.now = max(self.now, min([self.now + seconds, *ends, *limits]))
        for name in self.list_calls("parked"):
            if self.calls[name].until <= self.now and not self.calls[name].has_exit:
                self.end(name)

    @precondition(lambda self: self.limit and self.limit[0] <= self.now)
    @rule(comes_again=st.booleans())
    def run_limit_out(self, comes_again: bool) -> None:
        assert self.limit is not None
        number = self.limit[1]
        self.limit = self.limit if comes_again else None
        self.take_turn(ParkingLimitReached(number))

    @invariant()
    def parked_call_is_given_to_one_call_alone(self) -> None:
        parked = [pair.parked.call_id for pair in self.code.pairs]
        pickers = [pair.picker.call_id for pair in self.code.pairs]
        assert len({*parked, *pickers}) == len(parked) + len(pickers)
        if self.code.parked is not None:
            assert self.code.parked.call_id not in {*parked, *pickers}

    @invariant()
    def no_more_than_two_are_in_a_room(self) -> None:
        rooms = [self.calls[name].room for name in self.list_calls("room")]
        assert all(rooms.count(room) <= 2 for room in rooms)

    def settle(self) -> None:
        """All turns are taken, and all requests are obeyed."""
        for _ in range(100):
            self.in_flight += self.pending.values()
            parked = self.list_calls("parked")
            # tried again until the call is in the conference, or over
            is_left = any(
                type(one) is not RemoveOther or one.call_id not in parked for one in self.in_flight
            )
            if not self.events and not is_left:
                return
            while self.events:
                self.take_turn(self.events.pop(0))
            while self.in_flight:
                self.perform(self.in_flight.pop(0))
        raise AssertionError("requests without end")

    def teardown(self) -> None:
        """When all limits are over, nobody is parked, and nobody is alone in a room."""
        if not hasattr(self, "code"):
            return
        self.settle()
        for _ in range(10):
            self.now += LIMIT + 1
            if self.limit is not None:
                number, self.limit = self.limit[1], None
                self.take_turn(ParkingLimitReached(number))
            for name in self.list_calls("parked"):
                if not self.calls[name].has_exit:
                    self.end(name)
            self.settle()
        assert not self.list_calls("parked")
        assert self.code.parked is None
        rooms = [self.calls[name].room for name in self.list_calls("room")]
        assert all(rooms.count(room) == 2 for room in rooms)
        talking = {one.call_id for pair in self.code.pairs for one in (pair.parked, pair.picker)}
        assert talking == {*self.list_calls("room")}


ParkingMachine.TestCase.settings = choose_settings(100)
TestParking = ParkingMachine.TestCase


def keep_code(code: ParkingCode, _call_id: str, _now: float) -> ParkingTurn:
    """Forget to free a code."""
    return ParkingTurn(code)


def park_nobody_again(code: ParkingCode, *_: Any) -> ParkingTurn:
    """Forget a call whose picker has left."""
    return ParkingTurn(code)


FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "a code stays in use": ("_leave", keep_code),
    "a call whose picker has left is forgotten": ("_park_again", park_nobody_again),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_a_parking_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, *FAULTS[fault])
    assert_finds_fault(ParkingMachine, max_examples=500)
