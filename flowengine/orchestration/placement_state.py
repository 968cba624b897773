"""The state of a placement between two turns, and its compact form for the store."""

from typing import Literal

import msgspec

from flowengine.states.place_plan import PlacementPlan
from flowengine.states.ring_plan import RingMember

PlacementPhase = Literal["new", "waits", "placed", "rings", "talks", "over"]
PlacementOutcome = Literal[
    "", "answered", "machine", "busy", "no_answer", "invalid", "failed", "gave_up"
]
FINAL_OUTCOMES = frozenset({"answered", "machine", "invalid"})
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
    """A call that is to be placed. It `waits` for its time, until `due`; then it was `placed`, but
    no phone rings before the platform has asked; `rings`; and `talks` while the flow runs. `due` is
    then when the phase counts as over without a word of the platform. `attempts` counts the requests
    to the platform, and `tries` what of them counts for the plan. `call_id` is the first call that
    asked; another one of the same attempt is hung up. `outcome` is the one of the latest try, and
    the one of the placement when it is over; `reason` says why it failed.
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

    @property
    def is_running(self) -> bool:
        """Whether a call is under way."""
        return self.phase in ("placed", "rings", "talks")
