"""What a queue does for one caller who waits in it. Whom it offers the caller to is the business of
`matching`.
"""

from msgspec.structs import replace

from flowengine.orchestration.turn import (
    AnnounceWait,
    CallerChoseExit,
    CallerOffered,
    CancelTimer,
    EndWait,
    EnterQueue,
    SetTimer,
    StayInQueue,
    WaitOutcome,
)
from flowengine.orchestration.turn_draft import TurnDraft
from flowengine.states.queue_plan import QueueTerms

LIMIT_TIMER, ANNOUNCE_TIMER = "limit", "announce"
DISMISS_TIMER_PREFIX = "dismiss:"  # with the number of the wait: a supervisor has ended it
ANNOUNCEMENT_SECONDS = 120.0  # the longest words, and the requests for them


def enter_queue(draft: TurnDraft, terms: QueueTerms) -> None:
    """Let the caller wait, after `number` and `plan` are those of this wait."""
    draft.change_ring(phase="waits", waiting=(), entered_at=draft.now)
    draft.effects.append(EnterQueue())
    if terms.limit:
        draft.effects.append(SetTimer(LIMIT_TIMER, terms.limit))
    if terms.every:
        draft.effects.append(SetTimer(ANNOUNCE_TIMER, terms.every))


def is_waiting_in_queue(draft: TurnDraft) -> bool:
    """Whether the caller is in a queue, and nobody has taken them."""
    return draft.ring.plan.queue is not None and draft.ring.phase in ("waits", "rings")


def end_wait(draft: TurnDraft, outcome: WaitOutcome) -> None:
    """Take the caller out of the queue, where they wait in one."""
    if not is_waiting_in_queue(draft):
        return
    draft.effects += [
        EndWait(draft.ring.number, draft.ring.plan.group, outcome),
        CancelTimer(LIMIT_TIMER),
        CancelTimer(ANNOUNCE_TIMER),
    ]


def take_offer(draft: TurnDraft, event: CallerOffered) -> None:
    """Call the member, unless the caller waits no more. An offer that comes twice counts once: the
    member is occupied by this orchestration until its leg is over.
    """
    ring, member = draft.ring, event.member
    if draft.find_facts(member).occupied_by != ring.id:
        return
    if ring.phase == "waits" and ring.number == event.number:
        draft.change_ring(phase="rings")
        draft.place_leg(member)
    elif all(leg.member != member for leg in ring.legs):
        draft.change_facts(member, occupied_by="")


def go_by_key(draft: TurnDraft, event: CallerChoseExit) -> None:
    """Bring out a caller who has pressed a key, unless a member was first."""
    if event.number > draft.ring.number and is_waiting_in_queue(draft):
        leave_queue(draft, "key", event.exit)


def leave_queue(draft: TurnDraft, outcome: WaitOutcome, exit_name: str) -> None:
    end_wait(draft, outcome)
    draft.drop_active_legs()
    draft.release_caller(exit_name)


def handle_queue_timer(draft: TurnDraft, key: str) -> None:
    """The longest wait is over, or it is time to tell the caller how it stands."""
    ring, terms = draft.ring, draft.ring.plan.queue
    if terms is None or not is_waiting_in_queue(draft):
        return
    if key == ANNOUNCE_TIMER and terms.every:
        number = ring.announcements + 1
        draft.change_ring(announcements=number)
        # Set anew when the caller is back in the room: this one is for callers who never come back.
        draft.effects.append(SetTimer(key, terms.every + ANNOUNCEMENT_SECONDS))
        draft.effects.append(AnnounceWait(ring.number, number))
    elif key == LIMIT_TIMER and terms.limit:
        left = ring.entered_at + terms.limit - draft.now
        if left > 0:  # of an earlier wait
            draft.effects.append(SetTimer(key, left))
        else:
            leave_unanswered(draft)
    elif key == f"{DISMISS_TIMER_PREFIX}{ring.number}":
        leave_unanswered(draft)


def leave_unanswered(draft: TurnDraft) -> None:
    """Let the caller go on in the flow as after the longest wait."""
    exits = draft.ring.plan.exits
    leave_queue(draft, "timeout", "too_long" if "too_long" in exits else "nobody")


def settle_queue(draft: TurnDraft) -> None:
    """Where the member has not taken the caller, let others be asked."""
    if draft.ring.phase == "rings" and not draft.ring.active_legs:
        draft.ring = replace(draft.ring, phase="waits")
        draft.effects.append(StayInQueue())
