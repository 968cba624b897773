"""A turn in progress: what rings and queues do with legs and members alike."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from flowengine.limits import MAX_RING_SECONDS
from flowengine.orchestration.member_order import find_facts
from flowengine.orchestration.ring_state import LegResult, Ring, RingLeg
from flowengine.orchestration.turn import (
    AgentFacts,
    CancelLeg,
    CancelTimer,
    Effect,
    EndCaller,
    HangUpLeg,
    PlaceLeg,
    ReleaseCaller,
    SetTimer,
)
from flowengine.states.ring_plan import RingMember

PLACING_SECONDS = 20.0  # from the request to the question of the platform, tries included
REPORT_MARGIN_SECONDS = 10.0  # the end of a leg is told a little later than it happens
LEG_TIMER_PREFIX = "leg:"


class TurnDraft:
    """The orchestration as this turn leaves it, with what is to be done, and the members of whom
    something else is known by now.
    """

    def __init__(self, ring: Ring, now: float, agents: Mapping[str, AgentFacts]) -> None:
        self.ring = ring
        self.now = now
        self.effects: list[Effect] = []
        self.changed: dict[str, AgentFacts] = {}
        self.agents = agents

    def change_ring(self, **values: Any) -> None:
        self.ring = replace(self.ring, **values)

    def find_facts(self, member: RingMember) -> AgentFacts:
        return self.changed.get(member.address) or find_facts(self.agents, member)

    def change_facts(self, member: RingMember, **values: str | float) -> None:
        self.changed[member.address] = replace(self.find_facts(member), **values)

    def is_free(self, member: RingMember) -> bool:
        """Whether a member can be rung now."""
        facts = self.find_facts(member)
        return not facts.occupied_by and facts.not_before <= self.now

    def place_leg(self, member: RingMember) -> None:
        """Call a member, who is occupied by this orchestration until the leg is over."""
        ring = self.ring
        attempt = ring.attempts + 1
        leg = RingLeg(attempt, member, self.now + PLACING_SECONDS)
        self.change_ring(attempts=attempt, legs=(*ring.legs, leg))
        self.change_facts(member, occupied_by=ring.id, rung_at=self.now)
        self.effects += [
            PlaceLeg(attempt, member, ring.plan.cli),
            SetTimer(f"{LEG_TIMER_PREFIX}{attempt}", PLACING_SECONDS),
        ]

    def replace_leg(self, leg: RingLeg, seconds: float) -> None:
        """Replace a leg, and the timer that counts it as over."""
        leg = replace(leg, deadline=self.now + seconds)
        if leg == self.ring.find_leg(leg.attempt):
            return
        legs = tuple(leg if other.attempt == leg.attempt else other for other in self.ring.legs)
        self.change_ring(legs=legs)
        self.effects.append(SetTimer(f"{LEG_TIMER_PREFIX}{leg.attempt}", seconds))

    def drop_active_legs(self) -> None:
        for leg in self.ring.active_legs:
            self.drop_leg(leg)

    def drop_leg(self, leg: RingLeg) -> None:
        """End a leg that nobody wants any more. A phone that rings may go on until it is answered:
        its member is free only when the leg is over.
        """
        if leg.phase == "placed":
            self.end_leg(leg, None)
            return
        self.effects.append(HangUpLeg(leg.attempt, leg.call_id))
        seconds = min(leg.deadline - self.now, self.ring.plan.each + REPORT_MARGIN_SECONDS)
        if leg.phase == "rings" and leg.member.kind != "number":
            seconds = MAX_RING_SECONDS
        self.replace_leg(replace(leg, is_unwanted=True), seconds)

    def end_leg(self, leg: RingLeg, result: LegResult | None) -> None:
        """Forget a leg that is over. `result` counts for a leg that was wanted."""
        legs = tuple(other for other in self.ring.legs if other.attempt != leg.attempt)
        self.change_ring(legs=legs)
        self.effects.append(CancelTimer(f"{LEG_TIMER_PREFIX}{leg.attempt}"))
        if leg.phase == "placed":
            self.effects.append(CancelLeg(leg.attempt))
        self.change_facts(leg.member, occupied_by="")
        if leg.phase == "joined":
            free_at = self.now + self.ring.plan.wrap_up
            self.change_facts(leg.member, idle_since=self.now, not_before=free_at)
        elif result is not None and not leg.is_unwanted:
            self.note_result(leg, result)
        if leg.phase == "joined" and not leg.is_unwanted:
            self.release_caller("after")

    def note_result(self, leg: RingLeg, result: LegResult) -> None:
        """Note that a member has not taken the call. A queue leaves them alone for a while."""
        terms = self.ring.plan.queue
        if terms is None:
            self.change_ring(results=(*self.ring.results, result))
        else:
            self.change_facts(leg.member, not_before=self.now + terms.pause)
        if result != "failed":
            self.change_facts(leg.member, idle_since=self.now)

    def release_caller(self, exit_name: str) -> None:
        """Bring the caller out of the room, into an exit of the state."""
        ring = self.ring
        self.change_ring(phase="released", waiting=())
        if exit_name == "after" and "after" not in ring.plan.exits:
            self.effects.append(EndCaller(ring.number))
        else:
            self.effects.append(ReleaseCaller(ring.number, exit_name))
