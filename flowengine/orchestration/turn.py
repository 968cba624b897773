"""One turn of an orchestration: what has happened, what follows, and what a leg is answered.

An orchestration has the id of the call of its caller, so a caller is in one at a time. A leg is a
call that it has placed to a member; its attempt number is never used again.
"""

from typing import Literal

import msgspec

from flowengine.states.queue_plan import AgentStatus
from flowengine.states.ring_plan import RingMember, RingPlan

WaitOutcome = Literal["answered", "abandoned", "key", "timeout", "called", "cancelled"]
"""How a wait in a queue has ended: a member has taken the caller, the caller has hung up, has gone on
by a key, or was brought out after the longest wait; the turn of a call-back has come, or an operator
has cancelled it
"""


class RingBegan(msgspec.Struct, frozen=True):
    """The state that asks for it is saved. `number` grows with each ring of a call."""

    number: int
    plan: RingPlan


class LegAsked(msgspec.Struct, frozen=True):
    """The platform asks what to do with a leg before anybody is rung (ICE)."""

    attempt: int
    call_id: str


class LegAnswered(msgspec.Struct, frozen=True):
    """The member has picked up (ACE)."""

    attempt: int
    call_id: str


class LegPressed(msgspec.Struct, frozen=True):
    """The member has left the whisper (PIE): with a key, or "" after silence or a wrong key."""

    attempt: int
    call_id: str
    key: str


class LegEnded(msgspec.Struct, frozen=True):
    """The leg is over (DiCE): `result` is busy, noanswer, failed, answered, …"""

    attempt: int
    call_id: str
    result: str


class LegPlaced(msgspec.Struct, frozen=True):
    """The platform has taken the request to place a leg."""

    attempt: int
    call_id: str


class LegRefused(msgspec.Struct, frozen=True):
    """The platform has refused to place a leg, or nobody knows whether it has, after all tries."""

    attempt: int
    reason: str


class TimerDue(msgspec.Struct, frozen=True):
    """A timer has run out."""

    key: str


class CallerLeft(msgspec.Struct, frozen=True):
    """The caller has hung up."""


class CallerReleased(msgspec.Struct, frozen=True):
    """The request of ReleaseCaller or EndCaller is done: the caller goes on in the flow."""

    number: int


class CallerOffered(msgspec.Struct, frozen=True):
    """The queue offers the caller to this member, who is occupied by the caller's orchestration from
    now on. It is for the wait with this number alone.
    """

    number: int
    member: RingMember


class CallerChoseExit(msgspec.Struct, frozen=True):
    """The caller has pressed a key in the room that leads to this exit, in the step with this
    number.
    """

    number: int
    exit: str


class CallerLeftQueue(msgspec.Struct, frozen=True):
    """The caller has left the queue by themselves in the step with this number, as by a key in an
    announcement, and is in the room no more. A member who was first keeps them.
    """

    number: int


OrchestrationEvent = (
    RingBegan
    | CallerOffered
    | CallerChoseExit
    | CallerLeftQueue
    | LegAsked
    | LegAnswered
    | LegPressed
    | LegEnded
    | LegPlaced
    | LegRefused
    | TimerDue
    | CallerLeft
    | CallerReleased
)


class SetTimer(msgspec.Struct, frozen=True):
    """Set a timer, instead of one with this key."""

    key: str
    seconds: float


class CancelTimer(msgspec.Struct, frozen=True):
    """Forget a timer."""

    key: str


class PlaceLeg(msgspec.Struct, frozen=True):
    """Have the platform call a member; it asks again before it rings (LegAsked)."""

    attempt: int
    member: RingMember
    cli: str


class CancelLeg(msgspec.Struct, frozen=True):
    """Send the request to place a leg no more: it was taken, or nobody needs it."""

    attempt: int


class HangUpLeg(msgspec.Struct, frozen=True):
    """End a leg."""

    attempt: int
    call_id: str


class ReleaseCaller(msgspec.Struct, frozen=True):
    """Bring the caller out of the room, into this exit of the state."""

    number: int
    exit: str


class EndCaller(msgspec.Struct, frozen=True):
    """Hang up on the caller, who has nothing left to hear."""

    number: int


class EnterQueue(msgspec.Struct, frozen=True):
    """Put the caller into the queue of their plan, and have it match."""


class StayInQueue(msgspec.Struct, frozen=True):
    """Nobody has taken the call: let it be offered again, at its old place."""


class EndWait(msgspec.Struct, frozen=True):
    """Take the caller out of the queue of this group, from the wait with this number."""

    number: int
    group: str
    outcome: WaitOutcome


class AnnounceWait(msgspec.Struct, frozen=True):
    """Have the caller hear how it stands. `announcement` counts those of the call."""

    number: int
    announcement: int


PlatformRequest = PlaceLeg | HangUpLeg | ReleaseCaller | EndCaller | AnnounceWait
"""Effects that are requests to the platform"""
QueueEffect = EnterQueue | StayInQueue | EndWait
Effect = SetTimer | CancelTimer | CancelLeg | QueueEffect | PlatformRequest


class DialMember(msgspec.Struct, frozen=True):
    """Ring the member, for so many seconds."""

    member: RingMember
    cli: str
    seconds: int


class AskMember(msgspec.Struct, frozen=True):
    """Say the whisper, and wait for the key."""

    whisper: str
    locale: str
    key: str
    seconds: int


class JoinRoom(msgspec.Struct, frozen=True):
    """Put the leg into the room of the caller."""

    room: str


class EndLeg(msgspec.Struct, frozen=True):
    """Say this, and hang up; without words, hang up at once."""

    words: str = ""
    locale: str = ""


Verdict = DialMember | AskMember | JoinRoom | EndLeg


class AgentFacts(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one member across all rings of a group: `occupied_by` is the orchestration
    that rings or has connected them, "" where none. Times are in seconds since 1970: since when
    they have had no call (`idle_since`), before when they must not be rung (`not_before`), and when
    they were rung last (`rung_at`). `status` is theirs in the group of the queue that asks: members
    are signed in until they sign out.
    """

    address: str
    occupied_by: str = ""
    idle_since: float = 0.0
    not_before: float = 0.0
    rung_at: float = 0.0
    status: AgentStatus = "in"
