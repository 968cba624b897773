"""Which callers of a queue are offered to whom. Pure, as the conductor is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from flowengine.orchestration.member_order import find_facts, sort_members
from flowengine.orchestration.turn import AgentFacts
from flowengine.states.ring_plan import RingMember, RingOrder


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """The group that takes the calls of a queue, as the caller who came last has brought it. Who
    waits stands in entries, of which there may be many.
    """

    group: str = ""
    members: tuple[RingMember, ...] = ()
    order: RingOrder = "longest idle"
    format: int = 1


class WaitingCall(Protocol):
    """A call that waits, and is offered to nobody."""

    @property
    def priority(self) -> int:
        """From 0 to 9; the highest goes first."""

    @property
    def entered_at(self) -> float:
        """When it came, in seconds since 1970."""


MIN_ANSWERED_CALLS = 3  # the time between two may be chance

CallT = TypeVar("CallT", bound=WaitingCall)


class Offer(NamedTuple, Generic[CallT]):
    """A call that goes to a member next."""

    call: CallT
    member: RingMember


class Presence(NamedTuple):
    """How many members of a group are signed in, be they free or not, and how many are free."""

    signed_in: int
    free: int


class Matching(NamedTuple, Generic[CallT]):
    """Who gets whom. Where calls are left, `look_at` is when a member has rested; None where there
    is nothing to wait for but the end of a call, or a member who signs in.
    """

    offers: tuple[Offer[CallT], ...]
    look_at: float | None


def match_callers(
    calls: Sequence[CallT], queue: Queue, agents: Mapping[str, AgentFacts], now: float
) -> Matching[CallT]:
    """Offer each free member one caller: the highest priority first, then who has waited the
    longest. A member is free who is signed in, has no call, and has rested.
    """
    ready = [
        member
        for member in sort_members(queue.members, queue.order, agents)
        if is_ready(find_facts(agents, member))
    ]
    free = [member for member in ready if find_facts(agents, member).not_before <= now]
    first = sorted(calls, key=lambda call: (-call.priority, call.entered_at))
    offers = tuple(map(Offer, first, free))
    rest = [facts.not_before for facts in (find_facts(agents, member) for member in ready)]
    later = [moment for moment in rest if moment > now]
    is_left = len(offers) < len(calls)
    return Matching(offers, min(later) if is_left and later else None)


def is_ready(facts: AgentFacts) -> bool:
    """Whether a member takes calls, now or after a rest."""
    return not facts.occupied_by and facts.status == "in"


def format_queue_id(application: str, group: str) -> str:
    """The id of the queue of a group, for the calls of one application."""
    return f"queue {application} {group}"


def parse_queue_group(queue_id: str) -> str:
    """The group of a queue. Names of groups have no spaces."""
    return queue_id.rpartition(" ")[2]


def count_members(members: Iterable[AgentFacts], now: float) -> Presence:
    """How many members of a group are there for callers."""
    known = [*members]
    free = sum(is_ready(facts) and facts.not_before <= now for facts in known)
    return Presence(sum(facts.status != "out" for facts in known), free)


def estimate_wait(position: int, answered_calls: int, seconds: float, presence: Presence) -> int:
    """The seconds that a caller at this position will wait, where so many calls were taken in the
    latest seconds; 0 where too few were to say, a free member is left for them, or nobody is there.
    """
    # what was taken in a quiet hour tells how seldom people call, not how long they wait
    if answered_calls < MIN_ANSWERED_CALLS or position <= presence.free or not presence.signed_in:
        return 0
    # half the time between two has gone since the latest, on the average
    return max(1, round(position * seconds / (answered_calls - 0.5)))
