"""Whom a ring calls first."""

from collections.abc import Mapping, Sequence

from flowengine.orchestration.turn import AgentFacts
from flowengine.states.ring_plan import RingMember, RingOrder


def sort_members(
    members: Sequence[RingMember], order: RingOrder, agents: Mapping[str, AgentFacts]
) -> tuple[RingMember, ...]:
    """The members in the order in which they are rung. Where two are alike, the one that the author
    wrote first goes first.
    """
    if order == "round robin":
        return tuple(sorted(members, key=lambda member: find_facts(agents, member).rung_at))
    if order == "longest idle":
        return tuple(sorted(members, key=lambda member: find_facts(agents, member).idle_since))
    return tuple(members)


def find_facts(agents: Mapping[str, AgentFacts], member: RingMember) -> AgentFacts:
    """What is known of a member: nothing of one who was never rung."""
    return agents.get(member.address) or AgentFacts(member.address)
