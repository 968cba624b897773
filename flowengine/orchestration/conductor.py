"""The pure function `conduct`, from the state of a ring and what has happened to the state after it
and what follows. It does no I/O and reads no clock: the time is an argument, and requests to the
platform are results.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from flowengine.limits import MAX_CALL_SECONDS, MAX_RING_SECONDS
from flowengine.orchestration.member_order import find_facts, sort_members
from flowengine.orchestration.ring_state import LegResult, Ring, RingLeg
from flowengine.orchestration.turn import (
    AgentFacts,
    AskMember,
    Began,
    CallerLeft,
    CallerReleased,
    CancelLeg,
    CancelTimer,
    DialMember,
    Effect,
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
    SetTimer,
    TimerDue,
    Verdict,
)
from flowengine.states.ring_plan import RingMember

PLACING_SECONDS = 20.0  # from the request to the question of the platform, tries included
REPORT_MARGIN_SECONDS = 10.0  # the end of a leg is told a little later than it happens
WHISPER_SECONDS = 90.0  # the longest text that the platform speaks, and a margin
LEG_TIMER_PREFIX = "leg:"
END_RESULTS: Mapping[str, LegResult] = {"busy": "busy", "noanswer": "no_answer"}


class Turn(NamedTuple):
    """What a turn comes to: the ring after it, what is to be done, what the leg that asked is
    answered, and the members of whom something else is known now.
    """

    ring: Ring | None
    effects: tuple[Effect, ...] = ()
    verdict: Verdict | None = None
    agents: tuple[AgentFacts, ...] = ()


def conduct(
    ring: Ring | None, event: OrchestrationEvent, now: float, agents: Mapping[str, AgentFacts]
) -> Turn:
    """Handle one event of a ring. An event that comes twice gets the same verdict and has its
    effects once. `agents` are the facts of the members of the plan, those of a plan that begins
    among them. A ring that nobody knows any more ends its legs.
    """
    if ring is None:
        is_question = isinstance(event, LegAsked | LegAnswered | LegPressed)
        return Turn(None, verdict=EndLeg() if is_question else None)
    turn = _RingTurn(ring, now, agents)
    verdict = turn.handle_event(event)
    turn.place_next_legs()
    return Turn(turn.ring, tuple(turn.effects), verdict, tuple(turn.changed.values()))


def list_addresses(ring: Ring | None, event: OrchestrationEvent) -> set[str]:
    """The addresses of all members whose facts a turn may need."""
    members = set[RingMember](event.plan.members if type(event) is Began else ())
    if ring is not None:
        members |= {*ring.plan.members, *(leg.member for leg in ring.legs)}
    return {member.address for member in members}


class _RingTurn:
    """A turn in progress."""

    def __init__(self, ring: Ring, now: float, agents: Mapping[str, AgentFacts]) -> None:
        self.ring = ring
        self.effects: list[Effect] = []
        self.changed: dict[str, AgentFacts] = {}
        self._now = now
        self._agents = agents

    def handle_event(self, event: OrchestrationEvent) -> Verdict | None:
        """Handle the event; the verdict is for a leg that waits for an answer."""
        match event:
            case LegAsked() | LegAnswered() | LegPressed():
                return self._judge_leg(event)
            case LegPlaced():
                pass  # the question of the platform may have been first, and only it counts
            case LegRefused() | LegEnded():
                self._handle_end(event)
            case TimerDue(key):
                self._handle_timer(key)
            case Began():
                self._begin(event)
            case CallerLeft():
                self._end_for_caller()
            case CallerReleased(number):
                if number == self.ring.number and self.ring.phase == "released":
                    self.ring = replace(self.ring, phase="over")
        return None

    def _handle_end(self, event: LegRefused | LegEnded) -> None:
        leg = self.ring.find_leg(event.attempt)
        if leg is None:
            return
        if type(event) is LegEnded:
            if leg.call_id in ("", event.call_id):
                self._end_leg(leg, _find_result(leg, event.result))
        elif leg.phase == "placed":
            self._end_leg(leg, "failed")

    def _judge_leg(self, event: LegAsked | LegAnswered | LegPressed) -> Verdict:
        """What a leg is answered that waits for an answer."""
        leg = self.ring.find_leg(event.attempt)
        is_first = leg is not None and leg.phase == "placed" and type(event) is LegAsked
        if leg is None or not (is_first or leg.call_id == event.call_id):
            return EndLeg()  # over, or a second call for one request
        if leg.is_unwanted:
            return self._end_with_words()
        match event:
            case LegAsked():
                return self._dial_member(leg, event)
            case LegAnswered():
                return self._greet_member(leg)
            case LegPressed(key=key):
                return self._handle_key(leg, key)

    def _dial_member(self, leg: RingLeg, event: LegAsked) -> Verdict:
        plan = self.ring.plan
        if leg.phase == "placed":
            self.effects.append(CancelLeg(leg.attempt))  # its answer may be lost, but it was taken
            leg = replace(leg, phase="rings", call_id=event.call_id)
        if leg.phase == "rings":  # where the platform asks again, the phone begins to ring now
            self._replace_leg(leg, plan.each + REPORT_MARGIN_SECONDS)
        return DialMember(leg.member, plan.cli, plan.each)

    def _greet_member(self, leg: RingLeg) -> Verdict:
        plan = self.ring.plan
        if leg.phase == "joined" or not plan.whisper:
            return self._join_leg(leg)
        self._replace_leg(replace(leg, phase="asked"), plan.whisper_timeout + WHISPER_SECONDS)
        return AskMember(plan.whisper, plan.locale, plan.accept_key, plan.whisper_timeout)

    def _handle_key(self, leg: RingLeg, key: str) -> Verdict:
        if leg.phase == "joined" or key == self.ring.plan.accept_key:
            return self._join_leg(leg)
        self._note_result(leg, "declined")
        self._replace_leg(replace(leg, is_unwanted=True), REPORT_MARGIN_SECONDS)
        return EndLeg()

    def _join_leg(self, leg: RingLeg) -> Verdict:
        """Give the caller to this leg, the first that takes the call. All others end."""
        if leg.phase != "joined":
            self.ring = replace(self.ring, phase="joined", is_taken=True)
            self._replace_leg(
                replace(leg, phase="joined"), MAX_CALL_SECONDS + REPORT_MARGIN_SECONDS
            )
            for other in self.ring.active_legs:
                if other.attempt != leg.attempt:
                    self._drop_leg(other)
        return JoinRoom(self.ring.plan.room)

    def _end_with_words(self) -> Verdict:
        plan = self.ring.plan
        if not (self.ring.is_taken and plan.taken):
            return EndLeg()
        return EndLeg(plan.taken, plan.locale)

    def _begin(self, event: Began) -> None:
        ring = self.ring
        if event.number <= ring.number or ring.has_caller_left:
            return
        for leg in ring.active_legs:
            self._drop_leg(leg)
        plan = event.plan
        self.ring = replace(
            self.ring,
            number=event.number,
            plan=plan,
            phase="rings",
            waiting=sort_members(plan.members, plan.order, self._agents),
            results=(),
            is_taken=False,
        )

    def _end_for_caller(self) -> None:
        self.ring = replace(self.ring, phase="over", has_caller_left=True)
        for leg in self.ring.active_legs:
            self._drop_leg(leg)

    def _handle_timer(self, key: str) -> None:
        """Count a leg as over of which the platform has said nothing for too long."""
        attempt = key.removeprefix(LEG_TIMER_PREFIX)
        leg = self.ring.find_leg(int(attempt)) if attempt.isdigit() else None
        if leg is None:
            return
        if (left := leg.deadline - self._now) > 0:  # another worker has set it anew just now
            self.effects.append(SetTimer(key, left))
            return
        if leg.call_id:
            self.effects.append(HangUpLeg(leg.attempt, leg.call_id))
        result = _find_result(leg, "noanswer")
        if leg.phase == "rings" and leg.member.kind != "number" and not leg.is_unwanted:
            # The platform limits the ringing of phones alone: this one may go on.
            self._note_result(leg, result)
            self._replace_leg(replace(leg, is_unwanted=True), MAX_RING_SECONDS)
        else:
            self._end_leg(leg, result)

    def place_next_legs(self) -> None:
        """Call the members whose turn it is; without any, let the caller go on."""
        if self.ring.phase != "rings":
            return
        free = [member for member in self.ring.waiting if self._is_free(member)]
        if self.ring.plan.order != "all at once":
            free = [] if self.ring.active_legs else free[:1]
        for member in free:
            self._place_leg(member)
        # A leg of an earlier ring of this call may be about to end, and its member free then.
        is_awaited = any(leg.member in self.ring.waiting for leg in self.ring.legs)
        if not self.ring.active_legs and not is_awaited:
            self._release_caller(_choose_exit(self.ring))

    def _place_leg(self, member: RingMember) -> None:
        ring = self.ring
        attempt = ring.attempts + 1
        waiting = tuple(other for other in ring.waiting if other != member)
        leg = RingLeg(attempt, member, self._now + PLACING_SECONDS)
        self.ring = replace(ring, attempts=attempt, waiting=waiting, legs=(*ring.legs, leg))
        self._change_facts(member, occupied_by=ring.id, rung_at=self._now)
        self.effects += [
            PlaceLeg(attempt, member, ring.plan.cli),
            SetTimer(f"{LEG_TIMER_PREFIX}{attempt}", PLACING_SECONDS),
        ]

    def _drop_leg(self, leg: RingLeg) -> None:
        """End a leg that nobody wants any more. A phone that rings may go on until it is answered:
        its member is free only when the leg is over.
        """
        if leg.phase == "placed":
            self._end_leg(leg, None)
            return
        self.effects.append(HangUpLeg(leg.attempt, leg.call_id))
        seconds = min(leg.deadline - self._now, self.ring.plan.each + REPORT_MARGIN_SECONDS)
        if leg.phase == "rings" and leg.member.kind != "number":
            seconds = MAX_RING_SECONDS
        self._replace_leg(replace(leg, is_unwanted=True), seconds)

    def _end_leg(self, leg: RingLeg, result: LegResult | None) -> None:
        """Forget a leg that is over. `result` counts for a leg that was wanted."""
        legs = tuple(other for other in self.ring.legs if other.attempt != leg.attempt)
        self.ring = replace(self.ring, legs=legs)
        self.effects.append(CancelTimer(f"{LEG_TIMER_PREFIX}{leg.attempt}"))
        if leg.phase == "placed":
            self.effects.append(CancelLeg(leg.attempt))
        self._change_facts(leg.member, occupied_by="")
        if leg.phase == "joined":
            free_at = self._now + self.ring.plan.wrap_up
            self._change_facts(leg.member, idle_since=self._now, not_before=free_at)
        elif result is not None and not leg.is_unwanted:
            self._note_result(leg, result)
        if leg.phase == "joined" and not leg.is_unwanted:
            self._release_caller("after")

    def _note_result(self, leg: RingLeg, result: LegResult) -> None:
        self.ring = replace(self.ring, results=(*self.ring.results, result))
        if result != "failed":
            self._change_facts(leg.member, idle_since=self._now)

    def _release_caller(self, exit_name: str) -> None:
        ring = self.ring
        self.ring = replace(ring, phase="released", waiting=())
        if exit_name == "after" and "after" not in ring.plan.exits:
            self.effects.append(EndCaller(ring.number))
        else:
            self.effects.append(ReleaseCaller(ring.number, exit_name))

    def _replace_leg(self, leg: RingLeg, seconds: float) -> None:
        """Replace a leg, and the timer that counts it as over."""
        leg = replace(leg, deadline=self._now + seconds)
        if leg == self.ring.find_leg(leg.attempt):
            return
        legs = tuple(leg if other.attempt == leg.attempt else other for other in self.ring.legs)
        self.ring = replace(self.ring, legs=legs)
        self.effects.append(SetTimer(f"{LEG_TIMER_PREFIX}{leg.attempt}", seconds))

    def _is_free(self, member: RingMember) -> bool:
        facts = self._find_facts(member)
        return not facts.occupied_by and facts.not_before <= self._now

    def _find_facts(self, member: RingMember) -> AgentFacts:
        return self.changed.get(member.address) or find_facts(self._agents, member)

    def _change_facts(self, member: RingMember, **values: str | float) -> None:
        self.changed[member.address] = replace(self._find_facts(member), **values)


def _find_result(leg: RingLeg, told: str) -> LegResult:
    """What the end of a leg says of its member, by the result that the platform tells."""
    if leg.phase == "placed":
        return "failed"
    if leg.phase == "rings" and told != "answered":
        return END_RESULTS.get(told, "failed")
    return "declined"  # the member picked up and left


def _choose_exit(ring: Ring) -> str:
    """The exit of a ring without a member: those who were occupied count as busy."""
    results = {*ring.results, *(("busy",) if ring.waiting else ())}
    for name in ("busy", "no_answer"):
        if results == {name} and name in ring.plan.exits:
            return name
    return "nobody"
