"""The pure function `conduct`, from the state of a ring or of a wait in a queue and what has happened
to the state after it and what follows. It does no I/O and reads no clock: the time is an argument,
and requests to the platform are results.
"""

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from msgspec.structs import replace

from flowengine.limits import MAX_CALL_SECONDS, MAX_RING_SECONDS
from flowengine.orchestration.member_order import sort_members
from flowengine.orchestration.queue_turn import (
    end_wait,
    enter_queue,
    go_by_key,
    handle_queue_timer,
    settle_queue,
    take_offer,
)
from flowengine.orchestration.ring_state import LegResult, Ring, RingLeg
from flowengine.orchestration.turn import (
    AgentFacts,
    AskMember,
    CallerChoseExit,
    CallerLeft,
    CallerLeftQueue,
    CallerOffered,
    CallerReleased,
    CancelLeg,
    DialMember,
    Effect,
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
    RingBegan,
    SetTimer,
    TimerDue,
    Verdict,
    WaitOutcome,
)
from flowengine.orchestration.turn_draft import (
    LEG_TIMER_PREFIX,
    REPORT_MARGIN_SECONDS,
    TurnDraft,
)
from flowengine.states.ring_plan import RingMember

WHISPER_SECONDS = 90.0  # the longest text that the platform speaks, and a margin
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
    """Handle one event of a ring or of a wait in a queue. An event that comes twice gets the same
    verdict and has its effects once. `agents` are the facts of the members that `list_addresses`
    names. A ring that nobody knows any more ends its legs.
    """
    if ring is None:
        is_question = isinstance(event, LegAsked | LegAnswered | LegPressed)
        return Turn(None, verdict=EndLeg() if is_question else None)
    draft = TurnDraft(ring, now, agents)
    verdict = handle_event(draft, event)
    if draft.ring.plan.queue is None:
        place_next_legs(draft)
    else:
        settle_queue(draft)
    return Turn(draft.ring, tuple(draft.effects), verdict, tuple(draft.changed.values()))


def list_addresses(ring: Ring | None, event: OrchestrationEvent) -> set[str]:
    """The addresses of all members whose facts a turn may need. A queue chooses its members
    elsewhere.
    """
    members = {event.member} if type(event) is CallerOffered else set[RingMember]()
    if type(event) is RingBegan and event.plan.queue is None:
        members |= {*event.plan.members}
    if ring is not None:
        members |= {leg.member for leg in ring.legs}
        if ring.plan.queue is None:
            members |= {*ring.plan.members}
    return {member.address for member in members}


def handle_event(draft: TurnDraft, event: OrchestrationEvent) -> Verdict | None:
    """Handle the event; the verdict is for a leg that waits for an answer."""
    match event:
        case LegAsked() | LegAnswered() | LegPressed():
            return judge_leg(draft, event)
        case LegPlaced():
            pass  # the question of the platform may have been first, and only it counts
        case LegRefused() | LegEnded():
            handle_end(draft, event)
        case TimerDue(key):
            handle_timer(draft, key)
        case _:
            handle_caller_event(draft, event)
    return None


def handle_caller_event(
    draft: TurnDraft,
    event: RingBegan
    | CallerOffered
    | CallerChoseExit
    | CallerLeftQueue
    | CallerLeft
    | CallerReleased,
) -> None:
    """Handle what concerns the caller, and no leg."""
    match event:
        case RingBegan():
            begin(draft, event)
        case CallerOffered():
            take_offer(draft, event)
        case CallerChoseExit():
            go_by_key(draft, event)
        case CallerLeftQueue(number):
            if number > draft.ring.number and draft.ring.phase != "joined":
                end_for_caller(draft, "key")
        case CallerLeft():
            end_for_caller(draft, "abandoned")
            draft.change_ring(has_caller_left=True)
        case CallerReleased(number):
            if number == draft.ring.number and draft.ring.phase == "released":
                draft.change_ring(phase="over")
        case _:
            assert_never(event)


def handle_end(draft: TurnDraft, event: LegRefused | LegEnded) -> None:
    leg = draft.ring.find_leg(event.attempt)
    if leg is None:
        return
    if type(event) is LegEnded:
        if leg.call_id in ("", event.call_id):
            draft.end_leg(leg, find_result(leg, event.result))
    elif leg.phase == "placed":
        draft.end_leg(leg, "failed")


def judge_leg(draft: TurnDraft, event: LegAsked | LegAnswered | LegPressed) -> Verdict:
    """What a leg is answered that waits for an answer."""
    leg = draft.ring.find_leg(event.attempt)
    is_first = leg is not None and leg.phase == "placed" and type(event) is LegAsked
    if leg is None or not (is_first or leg.call_id == event.call_id):
        return EndLeg()  # over, or a second call for one request
    if leg.is_unwanted:
        return end_with_words(draft)
    match event:
        case LegAsked():
            return dial_member(draft, leg, event)
        case LegAnswered():
            return greet_member(draft, leg)
        case LegPressed(key=key):
            return handle_key(draft, leg, key)


def dial_member(draft: TurnDraft, leg: RingLeg, event: LegAsked) -> Verdict:
    plan = draft.ring.plan
    if leg.phase == "placed":
        draft.effects.append(CancelLeg(leg.attempt))  # its answer may be lost, but it was taken
        leg = replace(leg, phase="rings", call_id=event.call_id)
    if leg.phase == "rings":  # where the platform asks again, the phone begins to ring now
        draft.replace_leg(leg, plan.each + REPORT_MARGIN_SECONDS)
    return DialMember(leg.member, plan.cli, plan.each)


def greet_member(draft: TurnDraft, leg: RingLeg) -> Verdict:
    plan = draft.ring.plan
    if leg.phase == "joined" or not plan.whisper:
        return join_leg(draft, leg)
    draft.replace_leg(replace(leg, phase="asked"), plan.whisper_timeout + WHISPER_SECONDS)
    return AskMember(plan.whisper, plan.locale, plan.accept_key, plan.whisper_timeout)


def handle_key(draft: TurnDraft, leg: RingLeg, key: str) -> Verdict:
    if leg.phase == "joined" or key == draft.ring.plan.accept_key:
        return join_leg(draft, leg)
    draft.note_result(leg, "declined")
    draft.replace_leg(replace(leg, is_unwanted=True), REPORT_MARGIN_SECONDS)
    return EndLeg()


def join_leg(draft: TurnDraft, leg: RingLeg) -> Verdict:
    """Give the caller to this leg, the first that takes the call. All others end."""
    if leg.phase != "joined":
        end_wait(draft, "answered")
        draft.change_ring(phase="joined", is_taken=True)
        draft.replace_leg(replace(leg, phase="joined"), MAX_CALL_SECONDS + REPORT_MARGIN_SECONDS)
        for other in draft.ring.active_legs:
            if other.attempt != leg.attempt:
                draft.drop_leg(other)
    return JoinRoom(draft.ring.plan.room)


def end_with_words(draft: TurnDraft) -> Verdict:
    plan = draft.ring.plan
    if not (draft.ring.is_taken and plan.taken):
        return EndLeg()
    return EndLeg(plan.taken, plan.locale)


def begin(draft: TurnDraft, event: RingBegan) -> None:
    ring = draft.ring
    if event.number <= ring.number or ring.has_caller_left:
        return
    end_wait(draft, "key")
    draft.drop_active_legs()
    plan = event.plan
    draft.change_ring(number=event.number, plan=plan, results=(), is_taken=False)
    if plan.queue is not None:
        enter_queue(draft, plan.queue)
    else:
        waiting = sort_members(plan.members, plan.order, draft.agents)
        draft.change_ring(phase="rings", waiting=waiting)


def end_for_caller(draft: TurnDraft, outcome: WaitOutcome) -> None:
    """The caller is in the room no more."""
    end_wait(draft, outcome)
    draft.change_ring(phase="over")
    draft.drop_active_legs()


def handle_timer(draft: TurnDraft, key: str) -> None:
    """Count a leg as over of which the platform has said nothing for too long."""
    if not key.startswith(LEG_TIMER_PREFIX):
        handle_queue_timer(draft, key)
        return
    attempt = key.removeprefix(LEG_TIMER_PREFIX)
    leg = draft.ring.find_leg(int(attempt)) if attempt.isdigit() else None
    if leg is None:
        return
    if (left := leg.deadline - draft.now) > 0:  # another worker has set it anew just now
        draft.effects.append(SetTimer(key, left))
        return
    if leg.call_id:
        draft.effects.append(HangUpLeg(leg.attempt, leg.call_id))
    result = find_result(leg, "noanswer")
    if leg.phase == "rings" and leg.member.kind != "number" and not leg.is_unwanted:
        # The platform limits the ringing of phones alone: this one may go on.
        draft.note_result(leg, result)
        draft.replace_leg(replace(leg, is_unwanted=True), MAX_RING_SECONDS)
    else:
        draft.end_leg(leg, result)


def place_next_legs(draft: TurnDraft) -> None:
    """Call the members whose turn it is; without any, let the caller go on."""
    if draft.ring.phase != "rings":
        return
    free = [member for member in draft.ring.waiting if draft.is_free(member)]
    if draft.ring.plan.order != "all at once":
        free = [] if draft.ring.active_legs else free[:1]
    for member in free:
        waiting = tuple(other for other in draft.ring.waiting if other != member)
        draft.change_ring(waiting=waiting)
        draft.place_leg(member)
    # A leg of an earlier ring of this call may be about to end, and its member free then.
    is_awaited = any(leg.member in draft.ring.waiting for leg in draft.ring.legs)
    if not draft.ring.active_legs and not is_awaited:
        draft.release_caller(choose_exit(draft.ring))


def find_result(leg: RingLeg, told: str) -> LegResult:
    """What the end of a leg says of its member, by the result that the platform tells."""
    if leg.phase == "placed":
        return "failed"
    if leg.phase == "rings" and told != "answered":
        return END_RESULTS.get(told, "failed")
    return "declined"  # the member picked up and left


def choose_exit(ring: Ring) -> str:
    """The exit of a ring without a member: those who were occupied count as busy."""
    results = {*ring.results, *(("busy",) if ring.waiting else ())}
    for name in ("busy", "no_answer"):
        if results == {name} and name in ring.plan.exits:
            return name
    return "nobody"
