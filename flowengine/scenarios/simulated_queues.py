"""The queues of simulated calls, in virtual time and in memory: who waits, who is offered to whom."""

from collections.abc import Callable, Iterable

import msgspec

from flowengine.orchestration.matching import (
    Queue,
    count_members,
    estimate_wait,
    match_callers,
)
from flowengine.orchestration.member_order import find_facts
from flowengine.orchestration.placement_state import Placement
from flowengine.orchestration.placement_turn import CalleeEntered
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import (
    AgentFacts,
    CallerOffered,
    EndWait,
    EnterQueue,
    StayInQueue,
)
from flowengine.states import AgentStatusChange, LookupResult, QueueFacts, QueueRequest
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.states.queue_plan import AgentStatus, QueueTurn
from flowengine.states.ring_plan import RingMember
from flowengine.switch.clock import Timer, VirtualClock

SHOWN_ANSWERED_CALLS = 10
OfferCall = Callable[[str, CallerOffered], object]
NotifyCallBack = Callable[[str, CallerOffered | CalleeEntered], object]


class SimulatedWait(msgspec.Struct):
    """A call in a queue. While it is offered to a member, nobody else is asked."""

    call_id: str
    number: int
    priority: int
    entered_at: float
    is_offered: bool = False


class SimulatedQueue(msgspec.Struct):
    """The queue of a group, and when its latest calls were taken."""

    queue: Queue
    waits: dict[str, SimulatedWait] = msgspec.field(default_factory=dict)
    answered_calls: list[float] = msgspec.field(default_factory=list)
    timer: Timer | None = None


class QueueSimulator:
    """Matches the callers of all queues with the members who are free. `agents` are those of all
    rings and queues.
    """

    def __init__(
        self, clock: VirtualClock, agents: dict[str, AgentFacts], offer_call: OfferCall
    ) -> None:
        self._clock = clock
        self._agents = agents
        self._offer_call = offer_call
        self.notify_call_back: NotifyCallBack = lambda _placement, _event: None
        self._queues: dict[str, SimulatedQueue] = {}
        self._statuses: dict[tuple[str, str], AgentStatus] = {}

    def apply_effect(self, ring: Ring, effect: EnterQueue | StayInQueue | EndWait) -> None:
        """Do what the turn of a caller says about their queue."""
        plan = ring.plan
        if isinstance(effect, EndWait):
            known = self._queues[effect.group]
            known.waits.pop(ring.id, None)
            if effect.outcome == "answered":
                known.answered_calls.append(self._read_clock())
            return
        queue = Queue(plan.group, plan.members, plan.order)
        known = self._queues.setdefault(plan.group, SimulatedQueue(queue))
        known.queue = queue
        priority = plan.queue.priority if plan.queue else 0
        known.waits[ring.id] = SimulatedWait(ring.id, ring.number, priority, ring.queued_since)
        if isinstance(effect, EnterQueue) and plan.queue and plan.queue.placement:
            self.notify_call_back(plan.queue.placement, CalleeEntered())

    def add_call_back(self, placement: Placement, turn: QueueTurn, queue: Queue) -> None:
        """Let somebody wait who is not on the line."""
        known = self._queues.setdefault(turn.group, SimulatedQueue(queue))
        known.waits[placement.id] = SimulatedWait(
            placement.id, placement.waits, turn.priority, turn.entered_at
        )
        self._match_at(known, 0.0)

    def remove_call_back(self, placement_id: str, group: str) -> None:
        if group in self._queues:  # outside of the hours it has not waited yet
            self._queues[group].waits.pop(placement_id, None)

    def free_member(self, member: RingMember, placement_id: str) -> None:
        """Let a member take other calls who was kept for a placement."""
        facts = find_facts(self._agents, member)
        if facts.occupied_by == placement_id:
            self._agents[member.address] = msgspec.structs.replace(facts, occupied_by="")
            self.match_soon()

    def set_agent_status(self, agent_status: AgentStatusChange) -> None:
        """A member signs in or out."""
        self._statuses[agent_status.group, agent_status.address] = agent_status.status
        self.match_soon()

    def match_soon(self) -> None:
        """Match as soon as all that happens at this moment has happened."""
        for known in self._queues.values():
            if known.waits:
                self._match_at(known, 0.0)

    def answer_request(self, request: QueueRequest) -> LookupResult:
        """How it stands, for a caller who is about to enter."""
        place = -request.priority, request.since or self._read_clock()
        facts = self._find_queue_facts(request.group, place, request.members)
        return LookupResult(200, msgspec.to_builtins(facts))

    def find_own_facts(self, ring: Ring) -> QueueFacts:
        """How it stands for a caller who waits."""
        priority = ring.plan.queue.priority if ring.plan.queue else 0
        members = (member.address for member in ring.plan.members)
        return self._find_queue_facts(ring.plan.group, (-priority, ring.queued_since), members)

    def _find_queue_facts(
        self, group: str, place: tuple[int, float], members: Iterable[str]
    ) -> QueueFacts:
        known = self._queues.get(group)
        waits = known.waits.values() if known else ()
        position = 1 + sum((-one.priority, one.entered_at) < place for one in waits)
        answered_calls = known.answered_calls[-SHOWN_ANSWERED_CALLS:] if known else []
        now = self._read_clock()
        seconds = now - answered_calls[0] if answered_calls else 0.0
        presence = count_members((self._find_member(group, one) for one in members), now)
        wait = estimate_wait(position, len(answered_calls), seconds, presence)
        return QueueFacts(position, wait, len(waits), presence.signed_in)

    def _find_member(self, group: str, address: str) -> AgentFacts:
        known = self._agents.get(address) or AgentFacts(address)
        return msgspec.structs.replace(known, status=self._statuses.get((group, address), "in"))

    def _match_at(self, known: SimulatedQueue, seconds: float) -> None:
        if known.timer is not None:
            known.timer.cancel()
        known.timer = self._clock.call_later(seconds, lambda: self._match(known))

    def _match(self, known: SimulatedQueue) -> None:
        known.timer, now = None, self._read_clock()
        group = known.queue.group
        agents = {
            member.address: self._find_member(group, member.address)
            for member in known.queue.members
        }
        calls = [wait for wait in known.waits.values() if not wait.is_offered]
        matching = match_callers(calls, known.queue, agents, now)
        for wait, member in matching.offers:
            wait.is_offered = True
            facts = find_facts(self._agents, member)
            self._agents[member.address] = msgspec.structs.replace(
                facts, occupied_by=wait.call_id, rung_at=now
            )
            is_call_back = wait.call_id.startswith(PLACEMENT_ID_PREFIX)
            offer_call = self.notify_call_back if is_call_back else self._offer_call
            offer_call(wait.call_id, CallerOffered(wait.number, member))
        if matching.look_at is not None:
            self._match_at(known, matching.look_at - now)

    def _read_clock(self) -> float:
        return self._clock.now().timestamp()
