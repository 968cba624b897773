"""One turn of a placement: what has happened, and what a call is answered. What the platform asks and
what is to be done are those of a leg.
"""

import msgspec

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
)
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.ring_plan import RingMember


class PlacementBegan(msgspec.Struct, frozen=True):
    """Somebody has asked for it, `at` this time."""

    plan: PlacementPlan
    at: float


class AskingCallEnded(msgspec.Struct, frozen=True):
    """The call that has asked for it is over (DiCE)."""


class CalleeAnswered(msgspec.Struct, frozen=True):
    """The callee, or a machine in their place, has picked up (ACE)."""

    attempt: int
    call_id: str
    is_machine: bool


class PlacedCallEnded(msgspec.Struct, frozen=True):
    """The call is over (DiCE)."""

    attempt: int
    call_id: str
    result: str
    reason: str = ""


class PlacementRefused(msgspec.Struct, frozen=True):
    """The platform has refused to place the call, or nobody knows whether it has, after all tries;
    or no flow of the live release can take it. With `is_invalid` nobody has this number.
    """

    attempt: int
    reason: str
    is_invalid: bool = False


class CalleeEntered(msgspec.Struct, frozen=True):
    """The callee has come to the queue whose turn they had."""


class PlacementCancelled(msgspec.Struct, frozen=True):
    """An operator with this name has cancelled it: nobody is called any more."""

    operator: str


PlacementEvent = (
    PlacementBegan
    | AskingCallEnded
    | LegAsked
    | CalleeAnswered
    | PlacedCallEnded
    | PlacementRefused
    | TimerDue
    | CallerOffered
    | CalleeEntered
    | PlacementCancelled
)


class FreeMember(msgspec.Struct, frozen=True):
    """Let a member take other calls, unless somebody else has them."""

    member: RingMember


PlacementEffect = (
    SetTimer | CancelTimer | PlaceLeg | CancelLeg | HangUpLeg | EnterQueue | EndWait | FreeMember
)


class BeginFlow(msgspec.Struct, frozen=True):
    """Begin the flow of the plan: somebody has answered."""

    plan: PlacementPlan


PlacementVerdict = DialMember | BeginFlow | EndLeg
