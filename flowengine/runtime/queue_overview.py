"""How the queues of a store stand, for supervisors."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from flowengine.orchestration.matching import parse_queue_group
from flowengine.orchestration.turn import WaitOutcome
from flowengine.runtime.queues import choose_queue, decode_queue, read_status
from flowengine.sinch.address_mask import mask_address
from flowengine.states.flow_context import RingGroup
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.states.queue_plan import AgentStatus
from flowengine.states.ring_plan import RingMember
from flowengine.storage.sessions import OrchestrationStore, SavedAgent, SavedOrchestration
from flowengine.storage.sessions.orchestration_rows import (
    ANSWERED_OUTCOME,
    QUEUE_KIND,
    QueueEntry,
    SavedAgentStatus,
)

CANCELLED_OUTCOME: WaitOutcome = "cancelled"
LOST_OUTCOMES = frozenset({"abandoned", "timeout", CANCELLED_OUTCOME})
"""How a wait ends without a member: the caller has hung up, has waited for too long or was taken out"""
Groups = Mapping[str, RingGroup]
NO_GROUPS: Groups = {}
Absence = Literal["", "pausing", "signed out"]
AgentState = Literal["free", "busy", "resting", "pausing", "signed out"]


class QueueChangeRefusedError(Exception):
    """A member or a caller of a queue cannot be changed in this way. The message says why."""


class QueueOverview(msgspec.Struct, frozen=True):
    """One queue: how many wait, how many of them are not on the line but to be called back, and for how
    many seconds the first on the line has waited; how many members are free, in a call or rung
    (`busy`), resting after a call, pausing and signed out; and how many callers were taken and lost
    since midnight (UTC). Who has gone on by a key is neither.
    """

    group: str
    waiting: int
    call_backs: int
    longest_wait: int
    free: int
    busy: int
    resting: int
    pausing: int
    signed_out: int
    answered_today: int
    lost_today: int


class AgentOverview(msgspec.Struct, frozen=True):
    """One member of a group, with the number masked, and since when they are so, where that is
    known. `after_call` is what a member who is busy has signed to be after the call, where that is
    not to take the next one. `signed_by` is the name of who signed them in or out by console, command
    or HTTP; "" where a call did, or nobody.
    """

    group: str
    member: str
    state: AgentState
    since: float = 0.0
    after_call: Absence = ""
    signed_by: str = ""


class GroupMember(NamedTuple):
    """A member with the address, which an overview has not, as anybody may read it."""

    address: str
    overview: AgentOverview


async def load_queue_overviews(
    store: OrchestrationStore, now: float, groups: Groups = NO_GROUPS
) -> list[QueueOverview]:
    """All queues of a store, by their groups. `groups` are those of the live release, where it is
    known, which says who is in them. Raises StoreError.
    """
    rows = await store.list_orchestrations(QUEUE_KIND)
    found: dict[str, list[SavedOrchestration]] = {}
    for row in rows:
        found.setdefault(parse_queue_group(row.id), []).append(row)
    return [
        await _load_queue_overview(store, group, found[group], now, groups)
        for group in sorted(found)
    ]


async def count_waiting(store: OrchestrationStore) -> dict[str, int]:
    """How many callers wait in each group, by an index. Raises StoreError."""
    found: dict[str, int] = {}
    for row in await store.list_orchestrations(QUEUE_KIND):
        group, number = parse_queue_group(row.id), await store.count_entries(row.id)
        found[group] = found.get(group, 0) + number
    return found


async def load_agent_overviews(
    store: OrchestrationStore, now: float, groups: Groups = NO_GROUPS
) -> list[AgentOverview]:
    """All members of queues, and those who have signed out. Raises StoreError."""
    return [member.overview for member in await load_group_members(store, now, groups)]


async def load_group_members(
    store: OrchestrationStore, now: float, groups: Groups = NO_GROUPS
) -> list[GroupMember]:
    """Whom `load_agent_overviews` describes, each with the address. Raises StoreError."""
    agent_statuses = {(one.group, one.address): one for one in await store.list_agent_statuses()}
    members = await find_members(store, groups)
    for group, address in agent_statuses:
        if group not in groups or address in members.get(group, ()):
            members.setdefault(group, set()).add(address)
    found: list[GroupMember] = []
    for group, addresses in sorted(members.items()):
        known = await store.load_agents(sorted(addresses), group)
        for address in sorted(addresses):
            agent = known.get(address) or SavedAgent(address, "", 0.0, 0.0)
            overview = _describe_agent(group, agent, agent_statuses.get((group, address)), now)
            found.append(GroupMember(address, overview))
    return found


async def sign_member(
    store: OrchestrationStore,
    group: str,
    address: str,
    status: AgentStatus,
    now: float,
    groups: Groups = NO_GROUPS,
    *,
    signer: str = "",
) -> None:
    """Sign a member in or out, as the person with this name asks. Groups are those of the live
    release, and those in whose queues callers have been. Raises QueueChangeRefusedError where there
    is no such group, or nobody in it has this address, and StoreError.
    """
    await check_group_exists(store, group, groups)
    members = (await find_members(store, groups)).get(group)
    if members and address not in members:
        raise QueueChangeRefusedError(f"nobody in the group {group} has this address")
    await store.set_agent_status(SavedAgentStatus(group, address, status, now, signer))


async def check_group_exists(store: OrchestrationStore, group: str, groups: Groups) -> None:
    """Raises QueueChangeRefusedError where there is no such group, and StoreError."""
    rows = await store.list_orchestrations(QUEUE_KIND)
    known = {*groups} | {parse_queue_group(row.id) for row in rows}
    if group not in known:
        shown = f"known are {', '.join(sorted(known))}" if known else "none is known"
        raise QueueChangeRefusedError(f"there is no group {group} ({shown})")


async def find_members(store: OrchestrationStore, groups: Groups) -> dict[str, set[str]]:
    """The addresses of the members of the groups of the live release, and of those in whose queues
    callers have been.
    """
    found: dict[str, set[str]] = {}
    for row in await store.list_orchestrations(QUEUE_KIND):
        if queue := decode_queue(row):
            found.setdefault(queue.group, set()).update(_list_addresses(queue.members))
    return found | {name: set(_list_addresses(group.members)) for name, group in groups.items()}


def _list_addresses(members: Iterable[RingMember]) -> list[str]:
    return [member.address for member in members]


async def _load_queue_overview(
    store: OrchestrationStore,
    group: str,
    rows: Sequence[SavedOrchestration],
    now: float,
    groups: Groups,
) -> QueueOverview:
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    entries: list[QueueEntry] = []
    addresses: set[str] = set()
    for row in rows:
        entries += await store.list_entries(row.id, midnight.timestamp())
        if queue := choose_queue(decode_queue(row), groups.get(group)):
            addresses.update(_list_addresses(queue.members))
    agents = await store.load_agents(sorted(addresses), group)
    states = Counter(
        find_state(agents.get(one) or SavedAgent(one, "", 0.0, 0.0), now) for one in addresses
    )
    waiting = [entry for entry in entries if not entry.outcome]
    on_line = [one.entered_at for one in waiting if not one.call.startswith(PLACEMENT_ID_PREFIX)]
    return QueueOverview(
        group,
        len(waiting),
        len(waiting) - len(on_line),
        round(now - min(on_line, default=now)),
        free=states["free"],
        busy=states["busy"],
        resting=states["resting"],
        pausing=states["pausing"],
        signed_out=states["signed out"],
        answered_today=sum(entry.outcome == ANSWERED_OUTCOME for entry in entries),
        lost_today=sum(entry.outcome in LOST_OUTCOMES for entry in entries),
    )


def find_state(agent: SavedAgent, now: float) -> AgentState:
    """What a member is doing, as far as queues care."""
    if agent.occupied_by:
        return "busy"
    return find_absence(agent) or ("resting" if agent.not_before > now else "free")


def find_absence(agent: SavedAgent) -> Absence:
    """How a member has signed not to get calls; "" where they get them."""
    status = read_status(agent.status)
    return "" if status == "in" else "signed out" if status == "out" else "pausing"


def _describe_agent(
    group: str, agent: SavedAgent, agent_status: SavedAgentStatus | None, now: float
) -> AgentOverview:
    state = find_state(agent, now)
    since = {"busy": agent.rung_at, "free": agent.idle_since, "resting": agent.idle_since}
    moment = since.get(state, agent_status.since if agent_status else 0.0)
    after_call = find_absence(agent) if state == "busy" else ""
    signer = agent_status.signer if agent_status else ""
    return AgentOverview(group, mask_address(agent.address), state, moment, after_call, signer)
