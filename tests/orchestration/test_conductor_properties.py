"""What holds for a ring whatever happens in whatever order: to one caller, five members, a platform
that repeats, delays and loses, and other rings that want the same members.
"""

from typing import Any, Literal

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flowengine.orchestration.conductor import Turn, conduct, list_addresses
from flowengine.orchestration.ring_state import Ring, decode_ring, encode_ring
from flowengine.orchestration.turn import (
    AgentFacts,
    AskMember,
    CallerLeft,
    CallerReleased,
    CancelLeg,
    CancelTimer,
    DialMember,
    EndCaller,
    EndLeg,
    HangUpLeg,
    JoinRoom,
    LegAnswered,
    LegAsked,
    LegEnded,
    LegPlaced,
    LegPressed,
    LegRefused,
    OrchestrationEvent,
    PlaceLeg,
    ReleaseCaller,
    RingBegan,
    SetTimer,
    TimerDue,
)
from flowengine.states.ring_plan import RingMember, RingOrder, RingPlan
from tests.orchestration.state_machines import choose_settings

MEMBERS = (
    *(RingMember("number", f"+4670000000{number}") for number in range(3)),
    RingMember("sip", "desk@pbx.example.com"),
    RingMember("sip", "porch@pbx.example.com"),
)
RINGS_ON = 300  # seconds that a SIP phone rings, whose ringing the platform does not limit
EACH, WHISPER_TIMEOUT, LONGEST_WHISPER, LONGEST_CALL = 20, 8, 60, 14_400
OTHER = "another ring"
ORDERS: tuple[RingOrder, ...] = ("all at once", "in turn", "round robin", "longest idle")


class PlacedCall(msgspec.Struct):
    """A call of the platform to a member. `until` is when the platform ends this phase itself."""

    id: str
    attempt: int
    member: RingMember
    phase: Literal["asks", "rings", "answered", "whisper", "room", "over"] = "asks"
    until: float = 1e9

    @property
    def is_at_member(self) -> bool:
        return self.phase not in ("asks", "over")


class RingMachine(RuleBasedStateMachine):
    """The platform and the conductor; each rule is one thing that may happen next."""

    @initialize(
        order=st.sampled_from(ORDERS),
        whisper=st.sampled_from(["", "A call."]),
        exits=st.frozensets(st.sampled_from(["busy", "no_answer", "after"])),
        members=st.sets(st.sampled_from(MEMBERS), min_size=1),
        wrap_up=st.sampled_from([0, 30]),
    )
    def begin(
        self,
        order: RingOrder,
        whisper: str,
        exits: frozenset[str],
        members: set[RingMember],
        wrap_up: int,
    ) -> None:
        rung = tuple(member for member in MEMBERS if member in members)
        self.plan = RingPlan(
            "room", rung, order, EACH, "+46", "en-US", whisper=whisper, exits=exits,
            whisper_timeout=WHISPER_TIMEOUT, taken="Taken.", wrap_up=wrap_up,
        )  # fmt: skip
        self.now = 1000.0
        self.ring = Ring(id="call-1")
        self.number = 1
        self.agents: dict[str, AgentFacts] = {}
        self.calls: list[PlacedCall] = []
        self.requests: dict[int, PlaceLeg] = {}
        self.hang_ups: set[str] = set()
        self.timers: dict[str, float] = {}
        self.release: ReleaseCaller | EndCaller | None = None
        self.history: list[OrchestrationEvent] = []
        self.is_caller_here = True
        self.take_turn(RingBegan(1, self.plan))

    def take_turn(self, event: OrchestrationEvent) -> Turn:
        """Handle the event twice: the second time nothing may change."""
        self.history.append(event)
        turn = self.conduct(event)
        self.apply(turn)
        again = self.conduct(event)
        assert (again.ring, again.verdict) == (turn.ring, turn.verdict)
        is_too_early = isinstance(event, TimerDue) and event.key in self.timers
        assert again.effects == () or is_too_early
        return turn

    def conduct(self, event: OrchestrationEvent) -> Turn:
        known = list_addresses(self.ring, event)
        facts = {name: fact for name, fact in self.agents.items() if name in known}
        turn = conduct(self.ring, event, self.now, facts)
        assert {fact.address for fact in turn.agents} <= known
        return turn

    def apply(self, turn: Turn) -> None:
        assert turn.ring is not None
        ring = decode_ring(encode_ring(turn.ring))
        assert ring == turn.ring
        self.ring = turn.ring
        self.agents |= {fact.address: fact for fact in turn.agents}
        for effect in turn.effects:
            match effect:
                case SetTimer(key, seconds):
                    self.timers[key] = self.now + seconds
                case CancelTimer(key):
                    self.timers.pop(key, None)
                case PlaceLeg(attempt):
                    assert self.is_caller_here
                    assert attempt not in self.requests
                    self.requests[attempt] = effect
                case CancelLeg(attempt):
                    self.requests.pop(attempt, None)
                case HangUpLeg(call_id=call_id):
                    self.hang_ups.add(call_id)
                case ReleaseCaller() | EndCaller():
                    assert self.release is None
                    self.release = effect

    def pick(self, data: st.DataObject, *phases: str) -> PlacedCall:
        return data.draw(st.sampled_from([call for call in self.calls if call.phase in phases]))

    def has(self, *phases: str) -> bool:
        return any(call.phase in phases for call in self.calls)

    def end_call(self, call: PlacedCall, result: str, *, is_told: bool = True) -> None:
        call.phase = "over"
        if is_told:
            self.take_turn(LegEnded(call.attempt, call.id, result))

    def obey(self, call: PlacedCall, verdict: Any) -> None:
        """Do what the answer to a question of this call says."""
        match verdict:
            case DialMember(member=member):
                assert member == call.member
                seconds = EACH if member.kind == "number" else RINGS_ON
                call.phase, call.until = "rings", self.now + seconds
            case AskMember():
                call.phase, call.until = "whisper", self.now + LONGEST_WHISPER + WHISPER_TIMEOUT
            case JoinRoom():
                call.phase, call.until = "room", self.now + LONGEST_CALL
            case EndLeg():
                self.end_call(call, "answered" if call.phase != "asks" else "failed")

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), outcome=st.sampled_from(["taken", "taken, and nobody knows", "refused"]))
    def send_request(self, data: st.DataObject, outcome: str) -> None:
        """A request whose answer is lost is sent again, and makes a second call."""
        attempt = data.draw(st.sampled_from(sorted(self.requests)))
        request = self.requests[attempt]
        if outcome == "refused":
            del self.requests[attempt]
            self.take_turn(LegRefused(attempt, "no credit"))
            return
        call = PlacedCall(f"leg-{len(self.calls)}", attempt, request.member)
        self.calls.append(call)
        if outcome == "taken":
            del self.requests[attempt]
            self.take_turn(LegPlaced(attempt, call.id))

    @precondition(lambda self: self.has("asks"))
    @rule(data=st.data(), is_lost=st.booleans())
    def ask(self, data: st.DataObject, is_lost: bool) -> None:
        call = self.pick(data, "asks")
        turn = self.take_turn(LegAsked(call.attempt, call.id))
        if not is_lost:
            self.obey(call, turn.verdict)

    @precondition(lambda self: self.has("rings", "answered"))
    @rule(data=st.data(), is_lost=st.booleans())
    def answer(self, data: st.DataObject, is_lost: bool) -> None:
        call = self.pick(data, "rings", "answered")
        call.phase, call.until = "answered", self.now + 10
        turn = self.take_turn(LegAnswered(call.attempt, call.id))
        if not is_lost:
            self.obey(call, turn.verdict)

    @precondition(lambda self: self.has("whisper"))
    @rule(data=st.data(), key=st.sampled_from(["1", "2", ""]), is_lost=st.booleans())
    def press(self, data: st.DataObject, key: str, is_lost: bool) -> None:
        call = self.pick(data, "whisper")
        turn = self.take_turn(LegPressed(call.attempt, call.id, key))
        if not is_lost:
            self.obey(call, turn.verdict)

    @precondition(lambda self: self.has("rings", "answered", "whisper", "room"))
    @rule(
        data=st.data(),
        result=st.sampled_from(["busy", "noanswer", "failed"]),
        is_told=st.booleans(),
    )
    def hang_up_at_member(self, data: st.DataObject, result: str, is_told: bool) -> None:
        call = self.pick(data, "rings", "answered", "whisper", "room")
        self.end_call(call, result if call.phase == "rings" else "answered", is_told=is_told)

    @precondition(lambda self: self.hang_ups)
    @rule(data=st.data(), is_told=st.booleans())
    def obey_hang_up(self, data: st.DataObject, is_told: bool) -> None:
        """The platform may refuse to end a call that rings."""
        call_id = data.draw(st.sampled_from(sorted(self.hang_ups)))
        self.hang_ups.remove(call_id)
        call = next(call for call in self.calls if call.id == call_id)
        if call.phase in ("answered", "whisper", "room"):
            self.end_call(call, "answered", is_told=is_told)

    @precondition(lambda self: self.history)
    @rule(data=st.data())
    def repeat_late(self, data: st.DataObject) -> None:
        """Any event comes again; the platform obeys no answer to it."""
        event = data.draw(st.sampled_from(self.history))
        if not isinstance(event, LegRefused | TimerDue | CallerLeft):
            self.take_turn(event)

    @rule(seconds=st.sampled_from([1, 10, 25, 100]), are_ends_told=st.booleans())
    def wait(self, seconds: float, are_ends_told: bool) -> None:
        """Time goes on to the next thing that happens by itself, at most so far."""
        ends = [call.until for call in self.calls if call.phase != "over"]
        self.now = min([self.now + seconds, *self.timers.values(), *ends])
        for call in self.calls:
            if call.phase != "over" and call.until <= self.now:
                result = "noanswer" if call.phase == "rings" else "answered"
                self.end_call(call, result, is_told=are_ends_told)

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def let_timer_run_out(self, data: st.DataObject) -> None:
        """Now, though it may have been set anew since a worker has claimed it."""
        key = data.draw(st.sampled_from(sorted(self.timers)))
        if self.timers[key] <= self.now:
            del self.timers[key]
            self.finish_hang_ups(key)
        self.take_turn(TimerDue(key))

    def finish_hang_ups(self, key: str) -> None:
        """The platform has ended a connected call long before the timer that waits for it."""
        leg = self.ring.find_leg(int(key.removeprefix("leg:")))
        for call in self.calls:
            if leg and call.id == leg.call_id and call.id in self.hang_ups and call.is_at_member:
                call.phase = "over"

    @precondition(lambda self: self.is_caller_here)
    @rule()
    def caller_leaves(self) -> None:
        self.is_caller_here = False
        self.take_turn(CallerLeft())

    @precondition(lambda self: self.release and self.is_caller_here)
    @rule(rings_again=st.booleans(), order=st.sampled_from(ORDERS), is_told_first=st.booleans())
    def release_caller(self, rings_again: bool, order: RingOrder, is_told_first: bool) -> None:
        """The caller goes on in the flow, maybe into another ring, or is hung up."""
        assert self.release is not None
        released = self.release
        assert released.number == self.number
        self.release = None
        if isinstance(released, EndCaller):
            self.take_turn(CallerReleased(self.number))
            self.caller_leaves()
        elif rings_again:
            self.number += 1
            plan = msgspec.structs.replace(self.plan, order=order, members=MEMBERS)
            turns = [CallerReleased(released.number), RingBegan(self.number, plan)]
            for event in turns if is_told_first else reversed(turns):
                self.take_turn(event)
        else:
            self.take_turn(CallerReleased(self.number))

    @rule(member=st.sampled_from(MEMBERS))
    def other_ring(self, member: RingMember) -> None:
        """Another ring takes a member, or lets them go."""
        facts = self.agents.get(member.address) or AgentFacts(member.address)
        if facts.occupied_by in ("", OTHER):
            other = "" if facts.occupied_by else OTHER
            self.agents[member.address] = msgspec.structs.replace(facts, occupied_by=other)

    @invariant()
    def no_two_members_have_the_caller(self) -> None:
        assert sum(call.phase == "room" for call in self.calls) <= 1

    @invariant()
    def no_member_is_rung_twice_at_once(self) -> None:
        busy = [call.member for call in self.calls if call.is_at_member]
        assert len(busy) == len(set(busy))
        for member in busy:
            assert self.agents[member.address].occupied_by == self.ring.id

    @invariant()
    def caller_never_waits_for_nothing(self) -> None:
        ring = self.ring
        for leg in ring.legs:
            assert f"leg:{leg.attempt}" in self.timers
        if ring.phase == "rings":
            assert ring.legs
        if ring.phase == "joined":
            assert [leg.phase for leg in ring.active_legs] == ["joined"]
        if ring.phase == "released":
            assert self.release is not None
        if ring.phase in ("released", "over"):
            assert not ring.active_legs
            assert not ring.waiting or ring.has_caller_left

    @invariant()
    def nobody_is_rung_for_a_caller_who_has_left(self) -> None:
        if not self.is_caller_here:
            assert not self.requests
            assert all(
                call.id in self.hang_ups or call.phase in ("rings", "asks")
                for call in self.calls
                if call.is_at_member
            )

    @invariant()
    def members_of_no_leg_are_free(self) -> None:
        occupied = {leg.member.address for leg in self.ring.legs}
        for facts in self.agents.values():
            assert (facts.occupied_by == self.ring.id) is (facts.address in occupied)

    def teardown(self) -> None:
        """Without anybody's doing, a ring comes to its end by its timers alone."""
        if not hasattr(self, "ring"):
            return
        while self.timers:
            key = min(self.timers, key=lambda name: self.timers[name])
            self.now = max(self.now, self.timers.pop(key))
            self.finish_hang_ups(key)
            self.take_turn(TimerDue(key))
        assert self.ring.phase in ("released", "over")
        assert not self.ring.legs
        assert not any(facts.occupied_by == self.ring.id for facts in self.agents.values())


RingMachine.TestCase.settings = choose_settings(200)
TestRings = RingMachine.TestCase
