"""The pure function `conduct_placement`, from the state of a placement and what has happened to the
state after it and what follows. It does no I/O and reads no clock; the hours of the project are an
argument.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from flowengine.limits import MAX_CALL_SECONDS, MAX_PLACEMENT_SECONDS, MAX_RING_SECONDS
from flowengine.orchestration.placement_state import (
    FINAL_OUTCOMES,
    Placement,
    PlacementOutcome,
    PlacementPhase,
)
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
    PlacementVerdict,
)
from flowengine.orchestration.turn import (
    CallerOffered,
    CancelLeg,
    CancelTimer,
    DialMember,
    EndLeg,
    EndWait,
    EnterQueue,
    HangUpLeg,
    LegAsked,
    PlaceLeg,
    SetTimer,
    TimerDue,
    WaitOutcome,
)
from flowengine.orchestration.turn_draft import PLACING_SECONDS, REPORT_MARGIN_SECONDS
from flowengine.states.place_plan import PlacementPlan

TRY_TIMER, CALL_TIMER, HOLD_TIMER = "try", "call", "hold"
ASKING_CALL_SECONDS = 60.0  # after this its end was lost, or its flow goes on for long
HOLD_SECONDS = 60.0  # from the answer on; the words before the queue are over by then
OUTCOME_BY_RESULT: Mapping[str, PlacementOutcome] = {
    "busy": "busy",
    "noanswer": "no_answer",
    "answered": "answered",  # the question about the answer was lost, but somebody was there
}
BLOCKED_REASON = "blocked"


class CallingHours(Protocol):
    """When a plan lets people be called. Times are in seconds since 1970."""

    def find_start(self, plan: PlacementPlan, now: float) -> float:
        """When it may begin, by its delay and its date."""
        ...

    def find_opening(self, plan: PlacementPlan, at: float) -> float | None:
        """The first moment from `at` on within its hours; None where there is none for long."""
        ...


class PlacementTurn(NamedTuple):
    """What a turn comes to: the placement after it, what is to be done, and what the call that asked
    is answered.
    """

    placement: Placement | None
    effects: tuple[PlacementEffect, ...] = ()
    verdict: PlacementVerdict | None = None


def conduct_placement(
    placement: Placement | None, event: PlacementEvent, now: float, hours: CallingHours
) -> PlacementTurn:
    """Handle one event of a placement. An event that comes twice gets the same verdict and has its
    effects once. A placement that nobody knows any more ends its call.
    """
    if placement is None:
        is_question = isinstance(event, LegAsked | CalleeAnswered)
        return PlacementTurn(None, verdict=EndLeg() if is_question else None)
    turn = _Turn(placement, now, hours)
    verdict = turn.handle_event(event)
    return PlacementTurn(turn.placement, tuple(turn.effects), verdict)


class _Turn:
    """A turn in progress."""

    def __init__(self, placement: Placement, now: float, hours: CallingHours) -> None:
        self.placement = placement
        self.effects: list[PlacementEffect] = []
        self._now = now
        self._hours = hours

    def handle_event(self, event: PlacementEvent) -> PlacementVerdict | None:
        match event:
            case LegAsked():
                return self._judge_question(event)
            case CalleeAnswered():
                return self._judge_answer(event)
            case PlacementBegan(plan, at):
                self._begin(plan, at)
            case AskingCallEnded() if self.placement.is_caller_on_line:
                self._note_caller_left()
            case TimerDue(key):
                self._handle_timer(key)
            case CallerOffered():
                self._take_turn_in_queue(event)
            case CalleeEntered() if self.placement.phase == "talks":
                self._leave_queue("called")
            case PlacementCancelled(operator):
                self._cancel(operator)
            case PlacedCallEnded() | PlacementRefused():
                self._handle_end(event)
        return None

    def _begin(self, plan: PlacementPlan, at: float) -> None:
        if self.placement.phase == "new":
            self.placement = replace(self.placement, plan=plan, began_at=at)
            self._wait_for_start()

    def _note_caller_left(self) -> None:
        """Enter the queue now, where it is time. The place waits there since the end of the call, and
        would count outside of the hours.
        """
        placement = self.placement
        self.placement = replace(placement, has_caller_left=True)
        self._wait_for_start()
        if placement.plan.turn is not None and self.placement.due > self._now:
            self.placement = replace(self.placement, waits=1)
            self.effects.append(EndWait(1, placement.plan.turn.group, "called"))

    def _wait_for_start(self) -> None:
        """Wait for the time of the plan; for a turn also until the caller has hung up."""
        placement = self.placement
        start = max(self._hours.find_start(placement.plan, placement.began_at), self._now)
        if placement.plan.turn is not None and not placement.has_caller_left:
            start = max(start, placement.began_at + ASKING_CALL_SECONDS)
        self._wait_until(start)

    def _wait_until(self, at: float) -> None:
        """Wait for the first moment from `at` on within the hours."""
        latest = self._find_latest()
        # no calendar is asked of a year that dates do not have
        opening = self._hours.find_opening(self.placement.plan, at) if at <= latest else None
        if opening is None or opening > latest:
            self._end("gave_up", "there is no time within the hours")
            return
        self.placement = replace(self.placement, phase="waits", due=opening, call_id="")
        self.effects.append(SetTimer(TRY_TIMER, max(opening - self._now, 0.0)))

    def _find_latest(self) -> float:
        return self.placement.began_at + MAX_PLACEMENT_SECONDS * 2

    def _handle_timer(self, key: str) -> None:
        placement = self.placement
        if key == TRY_TIMER and placement.phase == "waits":
            if placement.due > self._now:  # another worker has set it anew just now
                self.effects.append(SetTimer(key, placement.due - self._now))
                return
            self._try_now()
        elif key == TRY_TIMER and placement.phase == "queued" and placement.due <= self._now:
            self._leave_queue("timeout")
            self._end("gave_up", "the turn has not come")
        elif key == HOLD_TIMER and placement.phase == "talks":
            self._leave_queue("called")
        elif key == CALL_TIMER and placement.is_running:
            if placement.due > self._now:
                self.effects.append(SetTimer(key, placement.due - self._now))
                return
            self._count_as_over()

    def _try_now(self) -> None:
        placement = self.placement
        opening = self._hours.find_opening(placement.plan, self._now)
        if opening is None or opening > self._now:
            self._leave_queue("called")
            self._wait_until(self._now)
            return
        if placement.plan.turn is not None and placement.phase != "queued":
            self._enter_queue()
            return
        attempt = placement.attempts + 1
        self.placement = replace(placement, attempts=attempt, tries=placement.tries + 1, call_id="")
        self._enter_phase("placed", PLACING_SECONDS)
        self.effects.append(PlaceLeg(attempt, placement.plan.to, placement.plan.cli))

    def _enter_queue(self) -> None:
        """Wait for the turn, at the place that the caller had."""
        latest = self._find_latest()
        waits = self.placement.waits + 1
        self.placement = replace(self.placement, phase="queued", due=latest, waits=waits)
        self.effects += [EnterQueue(), SetTimer(TRY_TIMER, latest - self._now)]

    def _take_turn_in_queue(self, event: CallerOffered) -> None:
        """Call now: this member is free. An offer that comes twice counts once."""
        if self._is_first_wait(event):
            self.placement = replace(self.placement, phase="queued", waits=1, has_caller_left=True)
        placement = self.placement
        if placement.phase == "queued" and event.number == placement.waits:
            self.placement = replace(placement, member=event.member)
            self.effects.append(CancelTimer(TRY_TIMER))
            self._try_now()
        elif placement.member != event.member:
            self.effects.append(FreeMember(event.member))
            if event.number != placement.waits or not placement.is_running:
                # another call with the same key has asked for a place, which nobody needs
                group = placement.plan.turn.group if placement.plan.turn else ""
                self.effects.append(EndWait(event.number, group, "called"))

    def _is_first_wait(self, event: CallerOffered) -> bool:
        """Whether the place began to wait with the end of the call that asked, before this
        placement knew of it.
        """
        placement = self.placement
        is_before = placement.phase == "waits" and not placement.waits
        return is_before and placement.plan.turn is not None and event.number == 1

    def _leave_queue(self, outcome: WaitOutcome) -> None:
        """Give up the place, where there is one, and let the member go who was kept."""
        turn, member = self.placement.plan.turn, self.placement.member
        if turn is None or not (member or self.placement.phase == "queued"):
            return
        self.effects.append(EndWait(self.placement.waits, turn.group, outcome))
        if member is not None:
            self.effects += [FreeMember(member), CancelTimer(HOLD_TIMER)]
            self.placement = replace(self.placement, member=None)

    def _count_as_over(self) -> None:
        """The platform has said nothing for too long."""
        placement = self.placement
        if placement.call_id:
            self.effects.append(HangUpLeg(placement.attempts, placement.call_id))
        if placement.phase == "talks":
            self._end(placement.outcome, "")
        else:
            rang = placement.phase == "rings"
            self._note_failure("no_answer" if rang else "failed", "the platform said no more")

    def _judge_question(self, event: LegAsked) -> PlacementVerdict:
        """The answer before anybody is rung: the first call that asks has the attempt, and only
        within the hours.
        """
        placement, plan = self.placement, self.placement.plan
        if event.attempt != placement.attempts:
            return EndLeg()
        if placement.phase == "placed":
            self.effects.append(CancelLeg(event.attempt))
            if self._hours.find_opening(plan, self._now) != self._now:
                self.placement = replace(placement, tries=placement.tries - 1)
                self.effects.append(CancelTimer(CALL_TIMER))
                self._leave_queue("called")
                self._wait_until(self._now)
                return EndLeg()
            self.placement = replace(placement, call_id=event.call_id)
            # the platform limits the ringing of phones alone
            seconds = plan.ring if plan.to.kind == "number" else MAX_RING_SECONDS
            self._enter_phase("rings", seconds + REPORT_MARGIN_SECONDS)
        elif placement.phase != "rings" or placement.call_id != event.call_id:
            return EndLeg()
        return DialMember(plan.to, plan.cli, plan.ring)

    def _judge_answer(self, event: CalleeAnswered) -> PlacementVerdict:
        placement = self.placement
        is_own = event.attempt == placement.attempts and placement.call_id == event.call_id
        if not is_own or placement.phase not in ("rings", "talks"):
            return EndLeg()
        if placement.phase == "rings":
            outcome: PlacementOutcome = "machine" if event.is_machine else "answered"
            self.placement = replace(placement, outcome=outcome)
            self._enter_phase("talks", MAX_CALL_SECONDS + REPORT_MARGIN_SECONDS)
            if placement.member is not None:
                self.effects.append(SetTimer(HOLD_TIMER, HOLD_SECONDS))
        return BeginFlow(placement.plan)

    def _handle_end(self, event: PlacedCallEnded | PlacementRefused) -> None:
        placement = self.placement
        if event.attempt != placement.attempts or not placement.is_running:
            return
        if isinstance(event, PlacementRefused):
            self.effects.append(CancelLeg(event.attempt))
            self._note_failure("invalid" if event.is_invalid else "failed", event.reason)
        elif placement.call_id and placement.call_id != event.call_id:
            return  # a second call for one request
        elif placement.phase == "talks":
            self._end(placement.outcome, "")
        elif placement.phase == "rings":
            outcome = OUTCOME_BY_RESULT.get(event.result, "failed")
            is_blocked = outcome == "failed" and event.reason.lower() == BLOCKED_REASON
            self._note_failure("invalid" if is_blocked else outcome, event.reason.lower())

    def _note_failure(self, outcome: PlacementOutcome, reason: str) -> None:
        """Try again after the pause, where a try is left and might do better."""
        placement = self.placement
        if placement.cancelled_by and outcome not in FINAL_OUTCOMES:
            # also after the last try: who has asked for it, such as a campaign, places no other
            self._end("cancelled", f"by {placement.cancelled_by}")
            return
        if outcome in FINAL_OUTCOMES or placement.tries >= placement.plan.tries:
            self._end(outcome, reason)
            return
        self._leave_queue("called")
        self.effects.append(CancelTimer(CALL_TIMER))
        self.placement = replace(self.placement, outcome=outcome, reason=reason)
        self._wait_until(self._now + placement.plan.pause)

    def _cancel(self, operator: str) -> None:
        """End it, unless a phone rings or somebody talks: then no other call follows."""
        placement = self.placement
        if placement.phase in ("rings", "talks"):
            self.placement = replace(placement, cancelled_by=placement.cancelled_by or operator)
        elif placement.phase in ("waits", "queued", "placed"):
            self._leave_queue("cancelled")
            if placement.phase == "placed":
                self.effects.append(CancelLeg(placement.attempts))
            elif placement.plan.turn is not None and not placement.waits:
                # the place may wait since the end of the call that asked, or be about to
                self.effects.append(EndWait(1, placement.plan.turn.group, "cancelled"))
            self.effects.append(CancelTimer(TRY_TIMER))
            self._end("cancelled", f"by {operator}")

    def _end(self, outcome: PlacementOutcome, reason: str) -> None:
        self._leave_queue("called")
        self.effects.append(CancelTimer(CALL_TIMER))
        self.placement = replace(
            self.placement, phase="over", outcome=outcome, reason=reason, ended_at=self._now
        )

    def _enter_phase(self, phase: PlacementPhase, seconds: float) -> None:
        self.placement = replace(self.placement, phase=phase, due=self._now + seconds)
        self.effects.append(SetTimer(CALL_TIMER, seconds))
