"""What holds for a queue whatever happens in whatever order, to several callers and several members."""

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

from flowengine.orchestration import conductor, queue_turn
from flowengine.orchestration.conductor import conduct, list_addresses
from flowengine.orchestration.matching import Queue, match_callers
from flowengine.orchestration.ring_state import Ring, decode_ring, encode_ring
from flowengine.orchestration.turn import (
    AgentFacts,
    AskMember,
    CallerChoseExit,
    CallerLeft,
    CallerLeftQueue,
    CallerOffered,
    CallerReleased,
    CancelLeg,
    CancelTimer,
    DialMember,
    EndCaller,
    EndWait,
    EnterQueue,
    HangUpLeg,
    JoinRoom,
    LegAnswered,
    LegAsked,
    LegEnded,
    LegPressed,
    OrchestrationEvent,
    PlaceLeg,
    ReleaseCaller,
    RingBegan,
    SetTimer,
    StayInQueue,
    TimerDue,
    Verdict,
)
from flowengine.orchestration.turn_draft import TurnDraft
from flowengine.states.queue_plan import QueueTerms
from flowengine.states.ring_plan import RingMember, RingPlan
from tests.orchestration.state_machines import assert_finds_fault, choose_settings

MEMBERS = tuple(RingMember("number", f"+4670000000{number}") for number in range(3))
MOST_CALLERS = 4
LIMIT, PAUSE = 600, 10


class Wait(msgspec.Struct):
    """A call in the queue."""

    call: str
    number: int
    priority: int
    entered_at: float
    is_offered: bool = False


class MemberCall(msgspec.Struct):
    """A call of the platform to a member."""

    id: str
    caller: str
    attempt: int
    member: RingMember
    phase: Literal["asks", "rings", "asked", "room", "over"] = "asks"


class QueueMachine(RuleBasedStateMachine):
    """The platform, the store and the conductor; each rule is one thing that may happen next."""

    @initialize(exits=st.frozensets(st.sampled_from(["too_long", "after"])))
    def open_line(self, exits: frozenset[str]) -> None:
        self.now = 1000.0
        self.exits = exits
        self.rings: dict[str, Ring] = {}
        self.steps: dict[str, int] = {}
        self.agents: dict[str, AgentFacts] = {}
        self.statuses = dict.fromkeys(MEMBERS, "in")
        self.waits: dict[str, Wait] = {}
        self.offers: list[tuple[str, CallerOffered]] = []
        self.requests: list[tuple[str, PlaceLeg]] = []
        self.calls: list[MemberCall] = []
        self.timers: dict[tuple[str, str], float] = {}
        self.releases: dict[str, ReleaseCaller | EndCaller] = {}
        self.here: set[str] = set()

    def take_turn(self, caller: str, event: OrchestrationEvent) -> Verdict | None:
        ring = self.rings[caller]
        known = list_addresses(ring, event)
        facts = {one: self.agents[one] for one in known if one in self.agents}
        turn = conduct(ring, event, self.now, facts)
        assert turn.ring is not None
        assert decode_ring(encode_ring(turn.ring)) == turn.ring
        assert {one.address for one in turn.agents} <= known
        self.rings[caller] = turn.ring
        self.agents |= {one.address: one for one in turn.agents}
        for effect in turn.effects:
            self.apply(caller, turn.ring, effect)
        return turn.verdict

    def apply(self, caller: str, ring: Ring, effect: Any) -> None:
        match effect:
            case SetTimer(key, seconds):
                self.timers[caller, key] = self.now + seconds
            case CancelTimer(key):
                self.timers.pop((caller, key), None)
            case PlaceLeg():
                self.requests.append((caller, effect))
            case CancelLeg(attempt):
                self.requests = [
                    one for one in self.requests if (one[0], one[1].attempt) != (caller, attempt)
                ]
            case HangUpLeg(call_id=call_id):
                self.obey_hang_up(call_id)
            case EnterQueue() | StayInQueue():
                assert ring.plan.queue is not None
                self.waits[caller] = Wait(
                    caller, ring.number, ring.plan.queue.priority, ring.entered_at
                )
            case EndWait():
                del self.waits[caller]
            case ReleaseCaller() | EndCaller():
                assert caller not in self.releases
                self.releases[caller] = effect

    def obey_hang_up(self, call_id: str) -> None:
        for call in self.calls:
            if call.id == call_id and call.phase in ("asked", "room"):
                call.phase = "over"

    def begin(self, caller: str, priority: int) -> None:
        self.steps[caller] += 1
        plan = RingPlan(
            "room", MEMBERS, "longest idle", 20, "+46", "en-US", "A call.", group="sales",
            whisper_timeout=8, exits=self.exits,
            queue=QueueTerms(priority=priority, limit=LIMIT, pause=PAUSE),
        )  # fmt: skip
        began = RingBegan(self.steps[caller], plan)
        self.take_turn(caller, began)
        self.take_turn(caller, began)

    def pick(self, data: st.DataObject, *phases: str) -> MemberCall:
        return data.draw(st.sampled_from([call for call in self.calls if call.phase in phases]))

    def has(self, *phases: str) -> bool:
        return any(call.phase in phases for call in self.calls)

    def list_waiting(self) -> list[str]:
        return sorted(one for one in self.here if self.rings[one].phase in ("waits", "rings"))

    @precondition(lambda self: len(self.rings) < MOST_CALLERS)
    @rule(priority=st.integers(0, 2))
    def enter(self, priority: int) -> None:
        caller = f"caller-{len(self.rings)}"
        self.rings[caller], self.steps[caller] = Ring(id=caller), 0
        self.here.add(caller)
        self.begin(caller, priority)

    @rule()
    def match(self) -> None:
        facts = {
            member.address: msgspec.structs.replace(
                self.agents.get(member.address) or AgentFacts(member.address),
                status=self.statuses[member],
            )
            for member in MEMBERS
        }
        calls = [wait for wait in self.waits.values() if not wait.is_offered]
        matching = match_callers(calls, Queue("sales", MEMBERS), facts, self.now)
        for wait, member in matching.offers:
            wait.is_offered = True
            known = facts[member.address]
            self.agents[member.address] = msgspec.structs.replace(known, occupied_by=wait.call)
            self.offers.append((wait.call, CallerOffered(wait.number, member)))

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), comes_again=st.booleans())
    def deliver_offer(self, data: st.DataObject, comes_again: bool) -> None:
        """A worker that is killed after the turn leaves its task to another one."""
        offer = data.draw(st.sampled_from(self.offers))
        self.take_turn(*offer)
        if not comes_again:
            self.offers.remove(offer)

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), is_answer_lost=st.booleans())
    def send_request(self, data: st.DataObject, is_answer_lost: bool) -> None:
        caller, placed = data.draw(st.sampled_from(self.requests))
        call = MemberCall(f"leg-{len(self.calls)}", caller, placed.attempt, placed.member)
        self.calls.append(call)
        if not is_answer_lost:
            self.requests.remove((caller, placed))

    @precondition(lambda self: self.has("asks", "rings", "asked"))
    @rule(data=st.data(), key=st.sampled_from(["1", "1", "2", ""]))
    def go_on(self, data: st.DataObject, key: str) -> None:
        """A leg asks what is next: before it rings, when it is answered, with a key."""
        call = self.pick(data, "asks", "rings", "asked")
        events = {
            "asks": LegAsked(call.attempt, call.id),
            "rings": LegAnswered(call.attempt, call.id),
            "asked": LegPressed(call.attempt, call.id, key),
        }
        match self.take_turn(call.caller, events[call.phase]):
            case DialMember():
                call.phase = "rings"
            case AskMember():
                call.phase = "asked"
            case JoinRoom():
                call.phase = "room"
            case _:
                self.end_call(call)

    def end_call(self, call: MemberCall) -> None:
        result = "noanswer" if call.phase == "rings" else "answered"
        call.phase = "over"
        self.take_turn(call.caller, LegEnded(call.attempt, call.id, result))

    @precondition(lambda self: self.has("asks", "rings", "asked", "room"))
    @rule(data=st.data())
    def hang_up_at_member(self, data: st.DataObject) -> None:
        self.end_call(self.pick(data, "asks", "rings", "asked", "room"))

    @precondition(lambda self: self.list_waiting())
    @rule(data=st.data(), how=st.sampled_from(["chose", "went", "again"]))
    def press_key(self, data: st.DataObject, how: str) -> None:
        """The caller presses a key: in the room, or in an announcement, maybe into the queue again."""
        caller = data.draw(st.sampled_from(self.list_waiting()))
        if how == "again":
            self.begin(caller, 0)
            return
        self.steps[caller] += 1
        number = self.steps[caller]
        event = CallerChoseExit(number, "key 2") if how == "chose" else CallerLeftQueue(number)
        self.take_turn(caller, event)
        self.take_turn(caller, event)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def caller_hangs_up(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(sorted(self.here)))
        self.here.remove(caller)
        self.releases.pop(caller, None)
        self.take_turn(caller, CallerLeft())

    @precondition(lambda self: self.list_waiting())
    @rule(data=st.data(), comes_again=st.booleans())
    def take_out(self, data: st.DataObject, comes_again: bool) -> None:
        """A supervisor ends a wait; a worker that is killed after the turn leaves its task."""
        caller = data.draw(st.sampled_from(self.list_waiting()))
        due = TimerDue(f"{queue_turn.DISMISS_TIMER_PREFIX}{self.rings[caller].number}")
        self.take_turn(caller, due)
        assert caller not in self.list_waiting()
        if comes_again:
            self.take_turn(caller, due)

    @precondition(lambda self: self.releases)
    @rule(data=st.data(), waits_again=st.booleans())
    def release(self, data: st.DataObject, waits_again: bool) -> None:
        caller = data.draw(st.sampled_from(sorted(self.releases)))
        released = self.releases.pop(caller)
        self.take_turn(caller, CallerReleased(released.number))
        if isinstance(released, EndCaller):
            self.here.discard(caller)
            self.take_turn(caller, CallerLeft())
        elif waits_again:
            self.begin(caller, 1)

    @rule(member=st.sampled_from(MEMBERS), status=st.sampled_from(["in", "out", "pause"]))
    def sign(self, member: RingMember, status: str) -> None:
        self.statuses[member] = status

    @precondition(lambda self: self.timers)
    @rule(seconds=st.sampled_from([1, 15, 120]))
    def wait(self, seconds: float) -> None:
        """Time goes on to the next timer, at most so far."""
        key = min(self.timers, key=lambda name: self.timers[name])
        self.now = min(self.now + seconds, max(self.now, self.timers[key]))
        if self.timers[key] <= self.now:
            self.run_out(key)

    def run_out(self, key: tuple[str, str]) -> None:
        del self.timers[key]
        caller, name = key
        leg = self.rings[caller].find_leg(int(name.removeprefix("leg:"))) if ":" in name else None
        for call in self.calls:  # the platform has ended it long before
            if leg is not None and call.id == leg.call_id:
                call.phase = "over"
        self.take_turn(caller, TimerDue(name))

    @invariant()
    def no_member_is_at_two_phones(self) -> None:
        busy = [call.member for call in self.calls if call.phase in ("rings", "asked", "room")]
        assert len(busy) == len(set(busy))

    @invariant()
    def no_caller_has_two_members(self) -> None:
        together = [call.caller for call in self.calls if call.phase == "room"]
        assert len(together) == len(set(together))

    @invariant()
    def members_are_occupied_by_whom_they_are_for(self) -> None:
        legs = {
            leg.member.address: caller for caller, ring in self.rings.items() for leg in ring.legs
        }
        offers = {offer.member.address: caller for caller, offer in self.offers}
        for address, facts in self.agents.items():
            if facts.occupied_by:
                assert facts.occupied_by in (legs.get(address), offers.get(address))
        for address, caller in legs.items():
            assert self.agents[address].occupied_by == caller

    @invariant()
    def callers_who_wait_are_in_the_queue_and_nobody_else(self) -> None:
        phases = {caller: ring.phase for caller, ring in self.rings.items()}
        assert set(self.waits) == {
            caller for caller, phase in phases.items() if phase in ("waits", "rings")
        }
        offered = {caller for caller, _ in self.offers}
        for caller, wait in self.waits.items():
            assert (caller, queue_turn.LIMIT_TIMER) in self.timers
            if wait.is_offered:
                assert phases[caller] == "rings" or caller in offered
            else:
                assert phases[caller] == "waits"

    @invariant()
    def caller_never_waits_for_nothing(self) -> None:
        for caller, ring in self.rings.items():
            if ring.phase == "rings":
                assert ring.active_legs
            if ring.phase == "joined":
                assert [leg.phase for leg in ring.active_legs] == ["joined"]
            if ring.phase == "released":
                assert caller in self.releases
            for leg in ring.legs:
                assert (caller, f"leg:{leg.attempt}") in self.timers

    def teardown(self) -> None:
        """By timers alone all waits end, and all members are free."""
        if not hasattr(self, "rings"):
            return
        for offer in self.offers:
            self.take_turn(*offer)
        self.offers.clear()
        for _ in range(100):
            if not self.timers:
                break
            key = min(self.timers, key=lambda name: self.timers[name])
            self.now = max(self.now, self.timers[key])
            self.run_out(key)
        assert not self.timers
        assert not self.waits
        assert not any(facts.occupied_by for facts in self.agents.values())


QueueMachine.TestCase.settings = choose_settings(60)
TestQueues = QueueMachine.TestCase


def offer_again(draft: TurnDraft, event: CallerOffered) -> None:
    """Place a leg for each offer, also for one that comes again."""
    draft.change_ring(phase="rings")
    draft.place_leg(event.member)


def keep_member(draft: TurnDraft, event: CallerOffered) -> None:
    """Forget to free a member whose caller has gone."""
    if draft.ring.phase == "waits" and draft.find_facts(event.member).occupied_by == draft.ring.id:
        draft.change_ring(phase="rings")
        draft.place_leg(event.member)


def stay_silent(draft: TurnDraft) -> None:
    """Forget to let a caller be offered again."""
    if draft.ring.phase == "rings" and not draft.ring.active_legs:
        draft.change_ring(phase="waits")


FAULTS: dict[str, tuple[str, Callable[..., None]]] = {
    "an offer counts twice": ("take_offer", offer_again),
    "a member stays occupied": ("take_offer", keep_member),
    "a caller is not offered again": ("settle_queue", stay_silent),
    "the wait of who has gone goes on": ("end_wait", lambda *_: None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_put_in_on_purpose_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, *FAULTS[fault])
    assert_finds_fault(QueueMachine, KeyError)
