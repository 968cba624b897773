"""The queues of groups: who waits, who is offered to whom, and how it stands."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from flowengine.orchestration.matching import (
    Matching,
    Offer,
    Presence,
    Queue,
    count_members,
    estimate_wait,
    format_queue_id,
    match_callers,
    parse_queue_group,
)
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import AgentFacts, CallerOffered
from flowengine.runtime.orchestration_encoding import OrchestrationEncoding
from flowengine.runtime.placements import PLACEMENT_TASK, TURN_PART
from flowengine.runtime.platform_requests import CallOwner
from flowengine.states.flow_context import RingGroup
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.states.queue_plan import QueueFacts, QueueRequest
from flowengine.states.state_results import LookupResult
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
    StoreError,
)
from flowengine.storage.sessions.orchestration_rows import (
    MATCH_TASK,
    QUEUE_KIND,
    RESERVED,
    QueueEntry,
)

OFFER_TASK = "offer"
TURN_TASK = f"{PLACEMENT_TASK}:{TURN_PART}"
QUEUE_KEPT_SECONDS = 7 * 86_400.0  # after it has offered somebody last
ANSWERED_CALLS_SECONDS = 3600.0  # those of before say nothing of how long a caller waits now
ENTERING_SECONDS = 4.0  # a killed worker's lease, and the turn by which the caller enters after it
PRESENCE_KEPT_SECONDS = 1.0  # of a group, for announcements: many are due at the same moment
NOBODY_PRESENT = Presence(0, 0)
AFTER_ALL_CALLS = "\U0010ffff"  # in place of an id: behind calls of the same moment
_encode_queue = msgspec.msgpack.Encoder().encode
_decode_queue = msgspec.msgpack.Decoder(Queue).decode


FindGroup = Callable[[str], RingGroup | None]
"""The group with this name in the release that is live"""


def find_no_group(_name: str) -> None:
    """Without a release, groups are as callers have brought them."""


def choose_queue(known: Queue | None, live: RingGroup | None) -> Queue | None:
    """The queue as its latest caller has brought it, with the members that the group has now."""
    if live is None:
        return known
    if known is None:
        return Queue(live.name, live.members, live.queue_order)
    return replace(known, members=live.members)


def to_facts(agent: SavedAgent) -> AgentFacts:
    """What is stored of a member, as the conductor takes it."""
    return AgentFacts(*agent[:5], read_status(agent.status))


def read_status(text: str) -> Literal["in", "out", "pause"]:
    """A status as it is stored; of a member who never signed out nothing is."""
    return "out" if text == "out" else "pause" if text == "pause" else "in"


def decode_queue(saved: SavedOrchestration | None) -> Queue | None:
    """The queue of a row; None where no caller has been there yet, or a later version wrote it."""
    try:
        return _decode_queue(saved.state) if saved and saved.state else None
    except msgspec.MsgspecError:
        return None


class Queues:
    """Takes the turns of queues. Any worker may take any turn."""

    def __init__(
        self,
        store: OrchestrationStore,
        encoding: OrchestrationEncoding,
        clock: Callable[[], float] | None = None,
        find_group: FindGroup = find_no_group,
    ) -> None:
        self.store = store
        self._encoding = encoding
        self._clock = clock or store.clock
        self._find_group = find_group
        self._presences: dict[tuple[str, tuple[str, ...]], tuple[float, Presence]] = {}

    async def match(self, queue_id: str, entered: Queue | None = None) -> None:
        """Offer callers to members who are free. `entered` is the group as the caller who came last
        knows it. The release that is live says who is in it.
        """
        now = self._clock()
        group = parse_queue_group(queue_id)
        live = self._find_group(group)

        def list_agents(saved: SavedOrchestration | None) -> Collection[str]:
            queue = choose_queue(entered or decode_queue(saved), live)
            return [member.address for member in queue.members] if queue else ()

        def decide(
            saved: SavedOrchestration | None,
            agents: Mapping[str, SavedAgent],
            calls: Sequence[QueueEntry],
        ) -> tuple[OrchestrationChange | None, None]:
            queue = choose_queue(entered or decode_queue(saved), live)
            if queue is None:
                return None, None
            facts = {address: to_facts(agent) for address, agent in agents.items()}
            matching = match_entries(calls, queue, facts, now)
            if matching == ((), None) and queue == decode_queue(saved):
                return None, None
            tasks = [self._build_offer(offer, now) for offer in matching.offers]
            if matching.look_at is not None:
                tasks.append(ScheduledTask(queue_id, MATCH_TASK, matching.look_at, b""))
            version, state = saved.version + 1 if saved else 1, _encode_queue(queue)
            expires = now + QUEUE_KEPT_SECONDS
            after = SavedOrchestration(queue_id, QUEUE_KIND, "", version, state, expires)
            occupied = tuple(occupy_agent(offer, facts, now) for offer in matching.offers)
            offered = tuple(
                call._replace(offered=member.address) for call, member in matching.offers
            )
            return OrchestrationChange(queue_id, after, tuple(tasks), (), occupied, offered), None

        await self.store.take_queue_turn(queue_id, group, list_agents, decide)

    def _build_offer(self, offer: Offer[QueueEntry], now: float) -> ScheduledTask:
        call = offer.call
        content = CallerOffered(call.number, offer.member)
        payload = self._encoding.encode_task(call.call, CallOwner("", ""), content)
        is_call_back = call.call.startswith(PLACEMENT_ID_PREFIX)
        return ScheduledTask(call.call, TURN_TASK if is_call_back else OFFER_TASK, now, payload)

    async def answer_request(
        self, application: str, call_id: str, request: QueueRequest
    ) -> LookupResult:
        """Tell a caller who is about to enter how it stands. Where the queue has room and members, it
        keeps a place for them from now on, so that no two callers hear the same one.
        """
        now = self._clock()
        queue_id = format_queue_id(application, request.group)
        priority, most = request.priority, request.most
        place = priority, request.since or now, request.placement or AFTER_ALL_CALLS
        entered_at: float | None = 0.0
        try:
            presence = await self._count_members(request.group, request.members, now)
            if presence.signed_in and not request.placement:
                entry = QueueEntry(queue_id, call_id, request.step, priority, now, RESERVED)
                if entered_at := await self.store.reserve_place(entry, most):
                    place = priority, entered_at, call_id
            facts = await self._read_facts(queue_id, place, presence, now)
        except StoreError as error:
            return LookupResult(0, error=f"the session store: {error}")
        ahead = facts.position - 1
        waiting = most if entered_at is None else min(ahead, most - 1) if most else ahead
        facts = replace(facts, waiting=waiting, entered_at=entered_at or 0.0)
        return LookupResult(200, msgspec.to_builtins(facts))

    async def read_own_facts(self, application: str, ring: Ring) -> QueueFacts:
        """How it stands for a caller who waits. Raises StoreError."""
        priority = ring.plan.queue.priority if ring.plan.queue else 0
        queue_id = format_queue_id(application, ring.plan.group)
        place = priority, ring.queued_since, ring.id
        members = tuple(member.address for member in ring.plan.members)
        now, key = self._clock(), (ring.plan.group, members)
        at, presence = self._presences.get(key, (0.0, NOBODY_PRESENT))
        if not 0 <= now - at < PRESENCE_KEPT_SECONDS:
            presence = await self._count_members(*key, now)
            self._presences = {**self._list_fresh(now), key: (now, presence)}
        return await self._read_facts(queue_id, place, presence, now)

    def _list_fresh(self, now: float) -> dict[tuple[str, tuple[str, ...]], tuple[float, Presence]]:
        return {
            key: found
            for key, found in self._presences.items()
            if 0 <= now - found[0] < PRESENCE_KEPT_SECONDS
        }

    async def _count_members(self, group: str, members: Collection[str], now: float) -> Presence:
        agents = await self.store.load_agents(members, group)
        facts = [to_facts(agents[one]) if one in agents else AgentFacts(one) for one in members]
        return count_members(facts, now)

    async def _read_facts(
        self, queue_id: str, place: tuple[int, float, str], presence: Presence, now: float
    ) -> QueueFacts:
        found = await self.store.read_place(queue_id, place, now - ANSWERED_CALLS_SECONDS)
        position = found.ahead + 1
        wait = estimate_wait(position, found.answered_calls, now - found.since, presence)
        return QueueFacts(position, wait, signed_in=presence.signed_in)


def match_entries(
    calls: Sequence[QueueEntry], queue: Queue, facts: Mapping[str, AgentFacts], now: float
) -> Matching[QueueEntry]:
    """Offer callers to members. A member is kept for a caller who has come first and is about to enter,
    for as long as that may take: others were told that they come later.
    """
    known = [one for one in calls if one.offered != RESERVED or is_entering(one, now)]
    matching = match_callers(known, queue, facts, now)
    offers = tuple(offer for offer in matching.offers if offer.call.offered != RESERVED)
    kept = [one.call.entered_at for one in matching.offers if one.call.offered == RESERVED]
    moments = [] if matching.look_at is None else [matching.look_at]
    moments += [entered_at + ENTERING_SECONDS for entered_at in kept]
    return Matching(offers, min(moments, default=None))


def is_entering(entry: QueueEntry, now: float) -> bool:
    """Whether the turn by which a caller with a reservation enters may still come."""
    return now < entry.entered_at + ENTERING_SECONDS


def occupy_agent(
    offer: Offer[QueueEntry], facts: Mapping[str, AgentFacts], now: float
) -> SavedAgent:
    """The member who is offered a call: no other ring or queue may have them."""
    known = facts.get(offer.member.address) or AgentFacts(offer.member.address)
    return SavedAgent(
        known.address, offer.call.call, known.idle_since, known.not_before, rung_at=now
    )
