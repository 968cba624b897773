"""The state of a ring between two turns, and its compact form for the store."""

from typing import Literal

import msgspec

from flowengine.states.ring_plan import RingMember, RingPlan

NO_PLAN = RingPlan("", (), "all at once", 0, "", "")

LegPhase = Literal["placed", "rings", "asked", "joined"]
LegResult = Literal["busy", "no_answer", "declined", "failed"]
RingPhase = Literal["new", "waits", "rings", "joined", "released", "over"]


class RingLeg(msgspec.Struct, frozen=True, array_like=True):
    """A call to a member that is not over. While `placed`, no phone rings: the platform asks first.
    `call_id` is that of the first call that asked; another one of the same attempt is hung up.
    `deadline` is when the leg counts as over without a word of the platform. The ring takes no
    answer of a leg that `is_unwanted`.
    """

    attempt: int
    member: RingMember
    deadline: float
    phase: LegPhase = "placed"
    call_id: str = ""
    is_unwanted: bool = False


class Ring(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The rings of a call and its waits in queues, of which `number` is the latest: before the first
    (`new`), in a queue that has offered the caller to nobody (`waits`), looking for a member
    (`rings`), with one (`joined`), until the caller goes on in the flow (`released`), and
    after that (`over`). `waiting` are the members that were not rung yet, in their order;
    `results` are of those that were. `attempts` counts the legs of all rings of the call.
    `is_taken` says that a member has had the caller. `entered_at` is when they entered the queue, and
    `announcements` counts what they have heard there, in all queues.
    """

    format: Literal[1] = 1
    id: str
    number: int = 0
    plan: RingPlan = NO_PLAN
    phase: RingPhase = "new"
    waiting: tuple[RingMember, ...] = ()
    legs: tuple[RingLeg, ...] = ()
    attempts: int = 0
    results: tuple[LegResult, ...] = ()
    is_taken: bool = False
    has_caller_left: bool = False
    entered_at: float = 0.0
    announcements: int = 0

    def find_leg(self, attempt: int) -> RingLeg | None:
        """The leg of this attempt, unless it is over."""
        return next((leg for leg in self.legs if leg.attempt == attempt), None)

    @property
    def queued_since(self) -> float:
        """What counts for the place in the queue: who was called back has waited before."""
        return (self.plan.queue.since if self.plan.queue else 0.0) or self.entered_at

    @property
    def active_legs(self) -> tuple[RingLeg, ...]:
        """The legs that may still get the caller."""
        return tuple(leg for leg in self.legs if not leg.is_unwanted)


encode_ring = msgspec.msgpack.Encoder().encode
_decode_ring = msgspec.msgpack.Decoder(Ring).decode


def decode_ring(data: bytes) -> Ring | None:
    """The ring from its bytes; None for bytes of another kind, or of a later format."""
    try:
        return _decode_ring(data)
    except msgspec.MsgspecError:
        return None
