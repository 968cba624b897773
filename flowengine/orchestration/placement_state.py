"""The state of a placement between two turns, and its compact form for the store."""

from typing import Literal

import msgspec

from flowengine.states.place_plan import PlacementPlan
from flowengine.states.ring_plan import RingMember

PlacementPhase = Literal["new", "waits", "queued", "placed", "rings", "talks", "over"]
PlacementOutcome = Literal[
    "", "answered", "machine", "busy", "no_answer", "invalid", "failed", "gave_up", "cancelled"
]
FINAL_OUTCOMES = frozenset({"answered", "machine", "invalid", "cancelled"})
"""After these nobody is called again, whatever tries are left"""
NO_PLACEMENT_PLAN = PlacementPlan(
    id="",
    flow="",
    to=RingMember("number", ""),
    data={},
    cli="",
    ring=0,
    tries=0,
    pause=0,
)


class Placement(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A call that is to be placed. It `waits` for its time, until `due`, and is `queued` until its
    turn comes, where its plan says so; then it was `placed`, but
    no phone rings before the platform has asked; `rings`; and `talks` while the flow runs. `due` is
    then when the phase counts as over without a word of the platform. `attempts` counts the requests
    to the platform, and `tries` what of them counts for the plan. `call_id` is the first call that
    asked; another one of the same attempt is hung up. `outcome` is the one of the latest try, and
    the one of the placement when it is over; `reason` says why it failed. `waits` counts how often
    it was queued. `member` takes no other call while the one whose turn has come is rung, and
    until it has come to the queue. `has_caller_left` says that the call that asked is over.
    `cancelled_by` is the operator who has cancelled it while a phone rang or somebody talked: that
    call goes on, and is the last one.
    """

    format: Literal[1] = 1
    id: str
    plan: PlacementPlan = NO_PLACEMENT_PLAN
    phase: PlacementPhase = "new"
    began_at: float = 0.0
    due: float = 0.0
    attempts: int = 0
    tries: int = 0
    call_id: str = ""
    outcome: PlacementOutcome = ""
    reason: str = ""
    ended_at: float = 0.0
    waits: int = 0
    member: RingMember | None = None
    has_caller_left: bool = False
    cancelled_by: str = ""

    @property
    def is_caller_on_line(self) -> bool:
        """Whether the end of the call that asked is waited for: its line is busy until then."""
        is_begun = self.plan.turn is not None and self.phase == "waits" and not self.waits
        return is_begun and not self.has_caller_left

    @property
    def is_running(self) -> bool:
        """Whether a call is under way."""
        return self.phase in ("placed", "rings", "talks")
