"""Takes the turns of orchestrations: loads the state, lets `conduct` decide, and saves what follows,
in one transaction. The tasks that follow are the requests to send and the timers.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.conductor import Turn, conduct, list_addresses
from flowengine.orchestration.matching import format_queue_id
from flowengine.orchestration.queue_turn import ANNOUNCE_TIMER
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import (
    AgentFacts,
    AnnounceWait,
    CallerChoseExit,
    CallerLeftQueue,
    CallerOffered,
    CancelLeg,
    CancelTimer,
    Effect,
    EndCaller,
    EndWait,
    HangUpLeg,
    OrchestrationEvent,
    PlaceLeg,
    PlatformRequest,
    ReleaseCaller,
    RingBegan,
    SetTimer,
    Verdict,
    WaitOutcome,
)
from flowengine.runtime.cookie import Codec
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestration_encoding import OrchestrationEncoding, OwnedRing
from flowengine.runtime.parkings import Parkings
from flowengine.runtime.platform_requests import CallOwner
from flowengine.runtime.queue_changes import build_queue_writes
from flowengine.runtime.queues import QUEUE_KEPT_SECONDS, FindGroup, Queues, find_no_group, to_facts
from flowengine.runtime.rooms import ModeratedConferences
from flowengine.states.queue_plan import (
    LEFT,
    TAKEN,
    AgentStatusChange,
    QueueUpdate,
    StayInRoom,
)
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
    QUEUE_KIND,
    SavedAgentStatus,
    build_addition,
    build_change,
)

LIVE_KIND, OVER_KIND = "ring", "ring that is over"
BEGIN_TASK, LEFT_TASK, RELEASE_TASK, END_TASK = "begin", "caller_left", "release", "end"
TIMER_TASK, PLACE_TASK, HANG_UP_TASK = "timer", "place", "hangup"
CHOSE_TASK, WENT_TASK, ANNOUNCE_TASK = "chose", "went", "announce"
log = logging.getLogger(__name__)


class WaitEnd(NamedTuple):
    """The end of a wait in a queue, after so many seconds."""

    group: str
    outcome: WaitOutcome
    seconds: float


class TakenTurn(NamedTuple):
    """What a leg is answered that asks, and the room of its caller. `ended` is a wait that has.
    `is_joined` says that a member has the caller.
    """

    verdict: Verdict | None
    room: str
    ended: WaitEnd | None = None
    is_joined: bool = False


class Orchestrations:
    """The turns of all rings. Any worker may take any turn."""

    def __init__(
        self,
        store: OrchestrationStore,
        codec: Codec,
        clock: Callable[[], float] | None = None,
        find_group: FindGroup = find_no_group,
    ) -> None:
        self.store = store
        self.encoding = OrchestrationEncoding(codec)
        self.queues = Queues(store, self.encoding, clock, find_group)
        self.missed_ends = asyncio.Event()  # the store failed when a call ended: the janitor looks
        self.on_wait_end: Callable[[WaitEnd], None] = lambda _ended: None
        self._clock = clock or store.clock
        self._log_once = LogOnce(log)
        self.rooms = ModeratedConferences(store, self.encoding, self._log_once, clock)
        self.parkings = Parkings(store, self.encoding, self._log_once, clock)

    def build_beginning(
        self, call_id: str, release: str, owner: CallOwner, began: RingBegan
    ) -> OrchestrationChange:
        """What is saved with the step of a call that is to ring."""
        payload = self.encoding.encode_task(call_id, owner, began)
        return self._build_addition(call_id, release, BEGIN_TASK, payload)

    def build_end_of_caller(self, call_id: str) -> OrchestrationChange:
        """What is saved with the end of a call that rings."""
        return self._build_addition(call_id, "", LEFT_TASK, b"")

    def build_queue_update(
        self, call_id: str, step: int, queue_update: QueueUpdate
    ) -> OrchestrationChange:
        """What is saved with a step that leaves a caller in their queue."""
        if isinstance(queue_update, StayInRoom):
            key = f"{TIMER_TASK}:{ANNOUNCE_TIMER}"
            return self._build_addition(call_id, "", key, b"", queue_update.seconds)
        chose = CallerChoseExit(step, queue_update.exit)
        payload = self.encoding.encode_task(call_id, CallOwner("", ""), chose)
        return self._build_addition(call_id, "", CHOSE_TASK, payload)

    def build_departure(self, call_id: str, step: int) -> OrchestrationChange:
        """What is saved with a step by which a caller leaves their queue."""
        payload = self.encoding.encode_task(call_id, CallOwner("", ""), CallerLeftQueue(step))
        return self._build_addition(call_id, "", WENT_TASK, payload)

    def build_agent_statuses(
        self, application: str, agent_statuses: Sequence[AgentStatusChange]
    ) -> OrchestrationChange:
        """What is saved with a step by which agents sign in or out."""
        now = self._clock()
        queue_id = format_queue_id(application, agent_statuses[0].group)
        saved = SavedOrchestration(queue_id, QUEUE_KIND, "", 0, b"", now + QUEUE_KEPT_SECONDS)
        rows = tuple(
            SavedAgentStatus(one.group, one.address, one.status, now) for one in agent_statuses
        )
        return OrchestrationChange(queue_id, saved, agent_statuses=rows, wakes_queues=now)

    def _build_addition(
        self, call_id: str, release: str, key: str, payload: bytes, seconds: float = 0.0
    ) -> OrchestrationChange:
        """A task for the orchestration of a call, which begins with it where there is none."""
        now = self._clock()
        task = ScheduledTask(call_id, key, now + seconds, payload)
        return build_addition(task, LIVE_KIND, now + CALL_KEPT_SECONDS, release)

    async def take_turn(
        self, call_id: str, event: OrchestrationEvent, owner: CallOwner | None = None
    ) -> TakenTurn:
        """Take one turn. `owner` is that of a ring that begins."""
        now = self._clock()

        def list_agents(saved: SavedOrchestration | None) -> Collection[str]:
            owned = self._open(saved)
            return list_addresses(owned.ring if owned else None, event)

        def decide(
            saved: SavedOrchestration | None, agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange | None, TakenTurn]:
            owned = self._open(saved)
            facts = {address: to_facts(agent) for address, agent in agents.items()}
            turn = conduct(owned.ring if owned else None, event, now, facts)
            room = turn.ring.plan.room if turn.ring else ""
            is_joined = turn.ring is not None and turn.ring.phase == "joined"
            taken = TakenTurn(turn.verdict, room, find_wait_end(owned, turn, now), is_joined)
            if saved is None or owned is None or turn.ring is None:
                is_lost = saved is None and type(event) is CallerOffered
                # the member is free again: nobody knows the caller any more
                freed = OrchestrationChange(call_id, None, wakes_queues=now) if is_lost else None
                return freed, taken
            if turn == Turn(owned.ring, verdict=turn.verdict):
                return None, taken
            after = OwnedRing(turn.ring, owner or owned.owner)
            return self._build_change(saved, after, turn, now), taken

        taken = await self.store.take_turn(call_id, list_agents, decide)
        if taken.ended is not None:
            self.on_wait_end(taken.ended)
        return taken

    async def answer_leaving(self, call_id: str, step: int) -> LookupResult:
        """Let a caller leave their queue by a key in an announcement, unless a member has them."""
        try:
            taken = await self.take_turn(call_id, CallerLeftQueue(step))
        except StoreError as error:
            return LookupResult(0, error=f"the session store: {error}")
        return LookupResult(200, TAKEN if taken.is_joined else LEFT)

    async def load_ring(self, call_id: str) -> Ring | None:
        """The ring of a call; None where there is none that can be read."""
        owned = self._open(await self.store.load_orchestration(call_id))
        return owned.ring if owned else None

    def _open(self, saved: SavedOrchestration | None) -> OwnedRing | None:
        if saved is None:
            return None
        owned = self.encoding.decode_ring(saved)
        if owned is None:
            self._log_once.error("rings cannot be read: %s", "another key or version wrote them")
        return owned

    def _build_change(
        self, saved: SavedOrchestration, owned: OwnedRing, turn: Turn, now: float
    ) -> OrchestrationChange:
        ring = owned.ring
        is_over = ring.phase == "over" and not ring.legs
        tasks = self._build_tasks(ring.id, owned.owner, turn.effects, now)
        if ring.phase == "over":
            tasks |= dict.fromkeys((RELEASE_TASK, END_TASK))
        if ring.has_caller_left:
            tasks |= dict.fromkeys((BEGIN_TASK, ANNOUNCE_TASK))
        queued = build_queue_writes(turn, ring, owned.owner, now, self.encoding)
        after = saved._replace(
            kind=OVER_KIND if is_over else LIVE_KIND,
            release="" if is_over else saved.release,
            version=saved.version + 1,
            state=self.encoding.encode_ring(owned),
            expires=now + CALL_KEPT_SECONDS,
        )
        change = build_change(after, tasks)
        return change._replace(
            scheduled=(*change.scheduled, *queued.tasks),
            agents=tuple(SavedAgent(*to_values(facts)) for facts in turn.agents),
            entries=queued.entries,
            wakes_queues=queued.wakes_queues,
        )

    def _build_tasks(
        self, call_id: str, owner: CallOwner, effects: Iterable[Effect], now: float
    ) -> dict[str, ScheduledTask | None]:
        """The tasks by key, and None where one is cancelled. Of two with a key the last counts."""
        tasks: dict[str, ScheduledTask | None] = {}
        for effect in effects:
            match effect:
                case SetTimer(key, seconds):
                    key = f"{TIMER_TASK}:{key}"
                    tasks[key] = ScheduledTask(call_id, key, now + seconds, b"")
                case CancelTimer(key):
                    tasks[f"{TIMER_TASK}:{key}"] = None
                case CancelLeg(attempt):
                    tasks[f"{PLACE_TASK}:{attempt}"] = None
                case PlaceLeg() | HangUpLeg() | ReleaseCaller() | EndCaller() | AnnounceWait():
                    key = name_request(effect)
                    payload = self.encoding.encode_task(call_id, owner, effect)
                    tasks[key] = ScheduledTask(call_id, key, now, payload)
        return tasks


def find_wait_end(before: OwnedRing | None, turn: Turn, now: float) -> WaitEnd | None:
    """The wait that has ended in this turn."""
    ended = next((effect for effect in turn.effects if isinstance(effect, EndWait)), None)
    if ended is None or before is None:
        return None
    return WaitEnd(ended.group, ended.outcome, now - before.ring.entered_at)


def name_request(effect: PlatformRequest) -> str:
    """The key of the task that sends this request."""
    match effect:
        case PlaceLeg(attempt):
            return f"{PLACE_TASK}:{attempt}"
        case HangUpLeg(attempt):
            return f"{HANG_UP_TASK}:{attempt}"
        case ReleaseCaller():
            return RELEASE_TASK
        case EndCaller():
            return END_TASK
        case AnnounceWait():
            return ANNOUNCE_TASK


def to_values(facts: AgentFacts) -> tuple[str, str, float, float, float]:
    return facts.address, facts.occupied_by, facts.idle_since, facts.not_before, facts.rung_at
