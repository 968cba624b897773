"""Placements in any order of events, whatever is repeated, late or lost."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.orchestration.placement import ASKING_CALL_SECONDS, conduct_placement
from flowengine.orchestration.placement_state import FINAL_OUTCOMES, Placement, PlacementPhase
from flowengine.orchestration.placement_turn import (
    AskingCallEnded,
    BeginFlow,
    CalleeAnswered,
    CalleeEntered,
    FreeMember,
    PlacedCallEnded,
    PlacementBegan,
    PlacementCancelled,
    PlacementEffect,
    PlacementEvent,
    PlacementRefused,
)
from flowengine.orchestration.turn import (
    CallerOffered,
    DialMember,
    EndLeg,
    EndWait,
    EnterQueue,
    LegAsked,
    PlaceLeg,
    SetTimer,
    TimerDue,
)
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.queue_plan import QueueTurn
from flowengine.states.ring_plan import RingMember
from tests.thoroughness import examples

PLAN = PlacementPlan(
    id="place-b",
    flow="back",
    to=RingMember("number", "+46700000001"),
    data={},
    cli="",
    ring=30,
    tries=3,
    pause=600,
    within="day",
)
OPEN_SECONDS, DAY_SECONDS = 4000.0, 10_000.0


class DayHours:
    """Open for the first part of each day."""

    def find_start(self, _plan: PlacementPlan, now: float) -> float:
        return now

    def find_opening(self, _plan: PlacementPlan, at: float) -> float:
        return at if at % DAY_SECONDS < OPEN_SECONDS else (at // DAY_SECONDS + 1) * DAY_SECONDS


ATTEMPTS = st.integers(1, 4)
CALLS = st.sampled_from(["one", "two"])
EVENTS = st.one_of(
    st.just(PlacementBegan(PLAN, 0.0)),
    st.just(AskingCallEnded()),
    st.builds(LegAsked, ATTEMPTS, CALLS),
    st.builds(CalleeAnswered, ATTEMPTS, CALLS, st.booleans()),
    st.builds(
        PlacedCallEnded,
        ATTEMPTS,
        CALLS,
        st.sampled_from(["busy", "noanswer", "failed", "answered"]),
        st.sampled_from(["", "blocked"]),
    ),
    st.builds(PlacementRefused, ATTEMPTS, st.just("no"), st.booleans()),
    st.builds(TimerDue, st.sampled_from(["try", "call"])),
    st.just(PlacementCancelled("omar")),
)
MEMBERS = [RingMember("number", "+14045009001"), RingMember("number", "+14045009002")]
TURN_EVENTS = st.one_of(
    EVENTS,
    st.builds(CallerOffered, st.integers(1, 4), st.sampled_from(MEMBERS)),
    st.just(CalleeEntered()),
    st.just(TimerDue("hold")),
)
TURN_PLAN = replace(PLAN, turn=QueueTurn("support", 3, 5.0))


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 1.0, 50.0, 700.0, 5000.0])), max_size=40))
def test_placement_rings_once_for_each_try_and_only_within_the_hours(
    events: list[tuple[PlacementEvent, float]],
) -> None:
    placement, now, hours = Placement(id=PLAN.id), 0.0, DayHours()
    rung: dict[int, str] = {}
    talked: set[tuple[int, str]] = set()
    is_cancelled = False
    for event, seconds in [(PlacementBegan(PLAN, 0.0), 0.0), *events]:
        now += seconds
        before = placement
        turn = conduct_placement(placement, event, now, hours)
        assert turn.placement is not None
        placement = turn.placement
        if isinstance(turn.verdict, DialMember):
            assert isinstance(event, LegAsked)
            if event.attempt not in rung:
                assert not is_cancelled
                assert hours.find_opening(PLAN, now) == now
                assert not talked
            assert rung.setdefault(event.attempt, event.call_id) == event.call_id
        if isinstance(turn.verdict, BeginFlow):
            assert isinstance(event, CalleeAnswered)
            talked.add((event.attempt, event.call_id))
        assert all(rung[attempt] == call for attempt, call in talked)
        assert len(talked) <= 1
        assert len(rung) <= PLAN.tries
        # the same event again has no further effect
        again = conduct_placement(placement, event, now, hours)
        if not isinstance(event, TimerDue):
            assert again.placement == placement
            assert not again.effects
        is_cancelled = is_cancelled or isinstance(event, PlacementCancelled)
        if is_cancelled:
            assert placement.phase in ("rings", "talks", "over")
        if before.phase == "over":
            assert placement == before
        if placement.phase == "over":
            assert placement.outcome in FINAL_OUTCOMES or placement.tries == PLAN.tries
            assert is_cancelled or placement.outcome != "cancelled"
        else:
            assert has_next_step(placement)


class PlaceInQueue:
    """The entries of a placement by number, as the store keeps them: those whose wait goes on."""

    def __init__(self) -> None:
        self.entries: dict[int, bool] = {}

    def enter(self, number: int) -> None:
        self.entries.setdefault(number, True)

    def may_come(self, event: PlacementEvent) -> bool:
        """Whether this is known to happen: of a call that has ended, and of a place that there is."""
        if isinstance(event, AskingCallEnded):
            return 1 in self.entries
        return not isinstance(event, CallerOffered) or event.number in self.entries

    def apply(self, effects: Iterable[PlacementEffect], waits: int) -> None:
        for effect in effects:
            if isinstance(effect, EndWait):
                self.entries[effect.number] = False
            elif isinstance(effect, EnterQueue):
                self.enter(waits)
                assert self.entries[waits]

    @property
    def open_entries(self) -> list[int]:
        return [number for number, is_open in self.entries.items() if is_open]


@settings(max_examples=examples(400), deadline=None)
@given(
    st.lists(
        st.tuples(
            TURN_EVENTS | st.just("the call that asks ends"),
            st.sampled_from([0.0, 1.0, 50.0, 700.0, 5000.0]),
        ),
        max_size=40,
    )
)
def test_placement_in_turn_keeps_one_member_and_calls_nobody_without_one(
    events: list[tuple[PlacementEvent | str, float]],
) -> None:
    """The place is in the queue from the end of the call on, also while the placement has not heard
    of that end.
    """
    placement, now, hours = Placement(id=PLAN.id), 0.0, DayHours()
    queue, has_call_ended = PlaceInQueue(), False
    for event, seconds in [(PlacementBegan(TURN_PLAN, 0.0), 0.0), *events]:
        now += seconds
        if isinstance(event, str):
            queue.enter(1)  # with the step that ends the call
            has_call_ended = True
            continue
        if not queue.may_come(event):
            continue
        before = placement.member
        turn = conduct_placement(placement, event, now, hours)
        assert turn.placement is not None
        placement = turn.placement
        freed = [effect.member for effect in turn.effects if isinstance(effect, FreeMember)]
        queue.apply(turn.effects, placement.waits)
        # nobody is kept, and nobody is called, for a caller who is still on the line
        assert has_call_ended or now >= ASKING_CALL_SECONDS or not placement.waits
        if any(isinstance(effect, PlaceLeg) for effect in turn.effects):
            assert isinstance(event, CallerOffered)
            assert placement.member == event.member
        # whoever was kept, and whoever was offered, is kept now or is free again
        wanted = {before, event.member} if isinstance(event, CallerOffered) else {before}
        assert wanted <= {None, placement.member, *freed}
        assert placement.member not in freed
        # the place is in the queue as long as the turn has not come, or a member is kept
        is_there = placement.phase == "queued" or placement.member is not None
        known = [placement.waits] if is_there else []
        # before it has entered by itself, the end of the call may have been first
        has_settled = placement.waits or placement.phase == "over"
        assert queue.open_entries == (known if has_settled else [*queue.entries])
        assert placement.phase != "over" or placement.member is None


@pytest.mark.parametrize("phase", ["new", "waits", "over"])
def test_offer_for_a_place_that_nobody_needs_frees_the_member_and_ends_the_wait(
    phase: PlacementPhase,
) -> None:
    """Another call with the same key has asked for it: the placement is none of a turn."""
    placement = Placement(id=PLAN.id, plan=PLAN, phase=phase, due=9.0)
    turn = conduct_placement(placement, CallerOffered(1, MEMBERS[0]), 0.0, DayHours())
    assert turn.placement == placement
    assert turn.effects == (FreeMember(MEMBERS[0]), EndWait(1, "", "called"))


def test_turn_that_does_not_come_is_given_up() -> None:
    began = PlacementBegan(TURN_PLAN, 0.0)
    turn = conduct_placement(Placement(id=PLAN.id), began, 0.0, DayHours())
    assert turn.placement
    turn = conduct_placement(turn.placement, AskingCallEnded(), 0.0, DayHours())
    assert turn.placement
    turn = conduct_placement(turn.placement, TimerDue("try"), 0.0, DayHours())
    assert turn.placement
    assert turn.placement.phase == "queued"
    late = turn.placement.due
    turn = conduct_placement(turn.placement, TimerDue("try"), late, DayHours())
    assert turn.placement
    assert (turn.placement.outcome, turn.placement.phase) == ("gave_up", "over")
    assert EndWait(1, "support", "timeout") in turn.effects


def has_next_step(placement: Placement) -> bool:
    """Whether a timer will go on with it, whatever the platform says or does not."""
    return placement.due > 0 or placement.began_at == 0.0


def test_placement_that_nobody_knows_ends_its_call() -> None:
    hours = DayHours()
    assert conduct_placement(None, LegAsked(1, "one"), 0.0, hours).verdict == EndLeg()
    assert conduct_placement(None, PlacedCallEnded(1, "one", "busy"), 0.0, hours).verdict is None


def test_placement_that_is_over_by_its_timers_alone_has_tried_as_often_as_it_may() -> None:
    placement, now, hours = Placement(id=PLAN.id), 0.0, DayHours()
    turn = conduct_placement(placement, PlacementBegan(PLAN, 0.0), now, hours)
    requests = 0
    while turn.placement and turn.placement.phase != "over":
        timers = [effect for effect in turn.effects if isinstance(effect, SetTimer)]
        requests += any(isinstance(effect, PlaceLeg) for effect in turn.effects)
        now += timers[-1].seconds
        turn = conduct_placement(turn.placement, TimerDue(timers[-1].key), now, hours)
    assert requests == PLAN.tries
    assert turn.placement
    assert (turn.placement.outcome, turn.placement.tries) == ("failed", 3)


def test_placement_far_ahead_gives_up_before_a_calendar_is_asked() -> None:
    class FarHours(DayHours):
        def find_start(self, _plan: PlacementPlan, _now: float) -> float:
            return datetime(9999, 12, 31, 23, 59, tzinfo=UTC).timestamp() + 5 * 3600

        def find_opening(self, _plan: PlacementPlan, at: float) -> float:
            return datetime.fromtimestamp(at, UTC).timestamp()

    turn = conduct_placement(Placement(id=PLAN.id), PlacementBegan(PLAN, 0.0), 0.0, FarHours())
    assert turn.placement
    assert turn.placement.outcome == "gave_up"
