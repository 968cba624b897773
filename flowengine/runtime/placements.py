"""Takes the turns of placements: loads the state, lets `conduct_placement` decide, and saves what
follows, in one transaction.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.limits import MAX_PLACEMENT_SECONDS
from flowengine.orchestration.matching import format_queue_id
from flowengine.orchestration.placement import CallingHours, PlacementTurn, conduct_placement
from flowengine.orchestration.placement_state import Placement
from flowengine.orchestration.placement_turn import (
    FreeMember,
    PlacementBegan,
    PlacementCancelled,
    PlacementEvent,
    PlacementVerdict,
)
from flowengine.orchestration.turn import (
    CallerOffered,
    CancelLeg,
    CancelTimer,
    EndWait,
    EnterQueue,
    HangUpLeg,
    PlaceLeg,
    SetTimer,
)
from flowengine.runtime.cookie import Codec
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestration_encoding import OrchestrationEncoding, OwnedPlacement
from flowengine.runtime.platform_requests import CallOwner
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.queue_plan import QueueTurn
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
)
from flowengine.storage.sessions.orchestration_rows import (
    MATCH_TASK,
    QueueEntry,
    build_addition,
    build_change,
)

WAITING_KIND, RUNNING_KIND = "placement", "placement that calls"
OVER_PLACEMENT_KIND = "placement that is over"
LIVE_PLACEMENT_KINDS = (WAITING_KIND, RUNNING_KIND)
PLACEMENT_TASK = "placement"
BEGIN_PART, TIMER_PART, PLACE_PART, HANG_UP_PART = "begin", "timer", "request", "end"
TURN_PART, ENTERED_PART, CANCEL_PART = "turn", "entered", "cancel"
ENTERED_TASK = f"{PLACEMENT_TASK}:{ENTERED_PART}"
CANCEL_TASK = f"{PLACEMENT_TASK}:{CANCEL_PART}"
# From the last turn on: so long the same key places nothing again.
PLACEMENT_KEPT_SECONDS = float(MAX_PLACEMENT_SECONDS)
NoteOutcome = Callable[[Placement], None]
log = logging.getLogger(__name__)


class PlacementTask(msgspec.Struct, frozen=True, array_like=True):
    """What begins a placement: the plan, and the call that has asked for it."""

    began: PlacementBegan
    caller: str


class TakenPlacementTurn(NamedTuple):
    """What a call is answered that asks, and the placement after the turn."""

    verdict: PlacementVerdict | None
    owned: OwnedPlacement | None


class Placements:
    """The turns of all placements. Any worker may take any turn. `note_outcome` hears of each
    placement that has come to its end.
    """

    def __init__(
        self,
        store: OrchestrationStore,
        codec: Codec,
        hours: CallingHours,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.store = store
        self.encoding = OrchestrationEncoding(codec)
        self.note_outcome: NoteOutcome = lambda _placement: None
        self._hours = hours
        self.clock = clock or store.clock
        self._log_once = LogOnce(log)

    def build_beginning(
        self, plan: PlacementPlan, owner: CallOwner, caller: str
    ) -> OrchestrationChange:
        """What is saved with the step of a call that asks for a placement. One that is there already
        ignores it.
        """
        now = self.clock()
        content = PlacementTask(PlacementBegan(plan, now), caller)
        payload = self.encoding.encode_task(plan.id, owner, content)
        task = ScheduledTask(plan.id, f"{PLACEMENT_TASK}:{BEGIN_PART}", now, payload)
        return build_addition(task, WAITING_KIND, now + PLACEMENT_KEPT_SECONDS)

    def build_waiting(self, application: str, turn: QueueTurn) -> OrchestrationChange:
        """What is saved with the end of a call that has asked for a call-back in its turn: from now
        on its place is in the queue, so that nobody passes it before the placement has heard of
        the end.
        """
        now = self.clock()
        saved = SavedOrchestration(
            turn.placement, WAITING_KIND, "", 0, b"", now + PLACEMENT_KEPT_SECONDS
        )
        entered = (build_entry(application, turn, 1),)
        scheduled = build_matches(entered, now)
        return OrchestrationChange(turn.placement, saved, scheduled, new_entries=entered)

    async def begin(self, plan: PlacementPlan, owner: CallOwner) -> Placement:
        """Begin a placement that no call asks for. Returns the one that is there already, where the
        key is known.
        """
        now = self.clock()

        def decide(
            saved: SavedOrchestration | None, _agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange | None, Placement]:
            known = self._open(saved)
            if known is not None and known.placement.phase != "new":
                return None, known.placement
            new = Placement(id=plan.id)
            turn = conduct_placement(new, PlacementBegan(plan, now), now, self._hours)
            expires = now + PLACEMENT_KEPT_SECONDS
            version = saved.version if saved else 0
            before = SavedOrchestration(plan.id, WAITING_KIND, "", version, b"", expires)
            after = OwnedPlacement(turn.placement or new, owner)
            return self._build_change(before, after, turn, now), after.placement

        placement = await self.store.take_turn(plan.id, list_no_agents, decide)
        if placement.phase == "over":
            self.note_outcome(placement)
        return placement

    async def take_turn(
        self, placement_id: str, event: PlacementEvent, begin: OwnedPlacement | None = None
    ) -> TakenPlacementTurn:
        """Take one turn. `begin` is what is known of a placement that begins."""
        now = self.clock()

        def list_agents(saved: SavedOrchestration | None) -> Collection[str]:
            owned = self._open(saved)
            kept = owned.placement.member if owned else None
            offered = event.member if isinstance(event, CallerOffered) else None
            return {member.address for member in (kept, offered) if member}

        def decide(
            saved: SavedOrchestration | None, agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange | None, tuple[TakenPlacementTurn, bool]]:
            owned = self._open(saved)
            placement = owned.placement if owned else None
            turn = conduct_placement(placement, event, now, self._hours)
            if saved is None or owned is None or turn.placement is None:
                is_lost = saved is None and isinstance(event, CallerOffered)
                # the member is free again: nobody knows the placement any more
                freed = OrchestrationChange(placement_id, None, wakes_queues=now)
                return freed if is_lost else None, (TakenPlacementTurn(turn.verdict, None), False)
            if turn == PlacementTurn(placement, verdict=turn.verdict):
                return None, (TakenPlacementTurn(turn.verdict, owned), False)
            known = begin or owned
            after = OwnedPlacement(turn.placement, known.owner, known.caller)
            has_ended = turn.placement.phase == "over" and owned.placement.phase != "over"
            taken = TakenPlacementTurn(turn.verdict, after)
            change = self._build_change(saved, after, turn, now)
            return add_freed_members(change, turn, agents, now), (taken, has_ended)

        taken, has_ended = await self.store.take_turn(placement_id, list_agents, decide)
        if has_ended and taken.owned is not None:
            self.note_outcome(taken.owned.placement)
        return taken

    async def cancel(self, placement_id: str, operator: str) -> Placement | None:
        """Cancel it, as this operator asks; the placement after that, as far as it is known. A call
        that rings or talks goes on, as the last one.
        """
        _, owned = await self.take_turn(placement_id, PlacementCancelled(operator))
        return owned.placement if owned and owned.placement.phase != "new" else None

    async def load(self, placement_id: str) -> Placement | None:
        """The placement, as far as it is known."""
        owned = await self.store.take_turn(
            placement_id, list_no_agents, lambda saved, _agents: (None, self._open(saved))
        )
        return owned.placement if owned and owned.placement.phase != "new" else None

    async def list_open(self, limit: int) -> tuple[list[Placement], int]:
        """The placements that are not over: those that call, and then those that wait, the next one
        first; at most so many, and how many more there are.
        """
        rows = [
            row
            for kind in LIVE_PLACEMENT_KINDS
            for row in await self.store.list_orchestrations(kind)
        ]
        rows.sort(key=lambda row: row.kind != RUNNING_KIND)
        shown = [owned.placement for row in rows[:limit] if (owned := self._open(row))]
        shown.sort(key=lambda placement: (not placement.is_running, placement.due))
        return shown, max(len(rows) - limit, 0)

    async def count_running(self) -> int:
        """How many calls are under way."""
        return await self.store.count_orchestrations(RUNNING_KIND)

    def _open(self, saved: SavedOrchestration | None) -> OwnedPlacement | None:
        if saved is None:
            return None
        owned = self.encoding.decode_placement(saved)
        if owned is None:
            self._log_once.error(
                "placements cannot be read: %s", "another key or version wrote them"
            )
        return owned

    def _build_change(
        self, saved: SavedOrchestration, owned: OwnedPlacement, turn: PlacementTurn, now: float
    ) -> OrchestrationChange:
        placement = owned.placement
        kind = RUNNING_KIND if placement.is_running else WAITING_KIND
        after = saved._replace(
            kind=OVER_PLACEMENT_KIND if placement.phase == "over" else kind,
            version=saved.version + 1,
            state=self.encoding.encode_placement(owned),
            expires=max(now, placement.due) + PLACEMENT_KEPT_SECONDS,
        )
        tasks: dict[str, ScheduledTask | None] = {}
        for effect in turn.effects:
            if not isinstance(effect, EnterQueue | EndWait | FreeMember):
                key, task = self._build_task(owned, effect, now)
                tasks[key] = task
        change = build_change(after, tasks)
        entered = tuple(list_new_entries(owned, turn))
        return change._replace(
            scheduled=(*change.scheduled, *build_matches(entered, now)),
            entries=tuple(list_ended_entries(owned, turn, now)),
            new_entries=entered,
        )

    def _build_task(
        self,
        owned: OwnedPlacement,
        effect: SetTimer | CancelTimer | PlaceLeg | CancelLeg | HangUpLeg,
        now: float,
    ) -> tuple[str, ScheduledTask | None]:
        """The key of a task, and the task; None where it is cancelled."""
        placement_id = owned.placement.id
        match effect:
            case SetTimer(key, seconds):
                key = f"{PLACEMENT_TASK}:{TIMER_PART}:{key}"
                return key, ScheduledTask(placement_id, key, now + seconds, b"")
            case CancelTimer(key):
                return f"{PLACEMENT_TASK}:{TIMER_PART}:{key}", None
            case CancelLeg(attempt):
                return f"{PLACEMENT_TASK}:{PLACE_PART}:{attempt}", None
            case PlaceLeg(attempt) | HangUpLeg(attempt):
                part = PLACE_PART if type(effect) is PlaceLeg else HANG_UP_PART
                key = f"{PLACEMENT_TASK}:{part}:{attempt}"
                payload = self.encoding.encode_task(placement_id, owned.owner, effect)
                return key, ScheduledTask(placement_id, key, now, payload)


def list_new_entries(owned: OwnedPlacement, turn: PlacementTurn) -> Iterator[QueueEntry]:
    """The entries by which the placement begins to wait. It may wait there already: the first time
    it enters by the end of the call that has asked for it.
    """
    for effect in turn.effects:
        if isinstance(effect, EnterQueue) and owned.placement.plan.turn is not None:
            place = replace(owned.placement.plan.turn, placement=owned.placement.id)
            yield build_entry(owned.owner.application, place, owned.placement.waits)


def list_ended_entries(
    owned: OwnedPlacement, turn: PlacementTurn, now: float
) -> Iterator[QueueEntry]:
    """The entries of the placement whose wait is over."""
    for effect in turn.effects:
        if isinstance(effect, EndWait):
            queue = format_queue_id(owned.owner.application, effect.group)
            placement_id = owned.placement.id
            yield QueueEntry(queue, placement_id, effect.number, 0, now, "", effect.outcome, now)


def build_entry(application: str, turn: QueueTurn, number: int) -> QueueEntry:
    """The entry of a placement that waits for its turn for the time with this number."""
    queue = format_queue_id(application, turn.group)
    return QueueEntry(queue, turn.placement, number, turn.priority, turn.entered_at)


def build_matches(entered: Sequence[QueueEntry], now: float) -> tuple[ScheduledTask, ...]:
    """Have the queues look for members who are free for these entries."""
    return tuple(ScheduledTask(entry.queue, MATCH_TASK, now, b"") for entry in entered)


def add_freed_members(
    change: OrchestrationChange,
    turn: PlacementTurn,
    agents: Mapping[str, SavedAgent],
    now: float,
) -> OrchestrationChange:
    """The change, with the members of whom the placement lets go."""
    addresses = [effect.member.address for effect in turn.effects if isinstance(effect, FreeMember)]
    freed = tuple(
        agents[one]._replace(occupied_by="")
        for one in addresses
        if one in agents and agents[one].occupied_by == change.id
    )
    return change._replace(agents=freed, wakes_queues=now) if freed else change


def list_no_agents(_saved: SavedOrchestration | None) -> Collection[str]:
    """A placement that begins occupies no agents."""
    return ()
