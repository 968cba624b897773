"""Orchestrations in the memory of one process."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import count
from typing import TypeVar

from flowengine.storage.sessions.orchestration_rows import (
    ANSWERED_OUTCOME,
    CALLED_OUTCOME,
    LATEST_ANSWERED_CALLS,
    MATCH_TASK,
    MAX_MATCHED_CALLS,
    PLACE_SECONDS,
    RESERVED,
    Decide,
    DecideMatch,
    ListAgents,
    OrchestrationChange,
    QueueEntry,
    QueuePlace,
    SavedAgent,
    SavedAgentStatus,
    SavedOrchestration,
    ScheduledTask,
    ScheduleWatch,
    check_version,
    is_forgettable,
    is_stale_entry,
)

T = TypeVar("T")


class MemoryOrchestrations:
    """Needs no locks: nothing here waits, so that each method is one transaction."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._orchestrations: dict[str, SavedOrchestration] = {}
        self._tasks: dict[tuple[str, str], ScheduledTask] = {}
        self._agents: dict[str, SavedAgent] = {}
        self._entries: dict[tuple[str, int], QueueEntry] = {}
        self._agent_statuses: dict[tuple[str, str], SavedAgentStatus] = {}
        self._claims = count(1)
        self._watch = ScheduleWatch()
        self.watch_schedule = self._watch.watch_schedule
        self.announce = self._watch.announce

    async def take_turn(self, id: str, list_agents: ListAgents, decide: Decide[T]) -> T:  # noqa: A002  # as the rows call it
        saved = self._orchestrations.get(id)
        change, result = decide(saved, self._find_agents(list_agents(saved)))
        if change is not None:
            check_version(saved, change)
            self.write_changes((change,))
        return result

    async def take_queue_turn(
        self,
        id: str,  # noqa: A002  # as the rows call it
        group: str,
        list_agents: ListAgents,
        decide: DecideMatch[T],
    ) -> T:
        saved = self._orchestrations.get(id)
        waiting = [one for one in self._list_waiting(id) if one.offered in ("", RESERVED)]
        agents = self._find_agents(list_agents(saved), group)
        change, result = decide(saved, agents, waiting[:MAX_MATCHED_CALLS])
        if change is not None:
            check_version(saved, change)
            self.write_changes((change,))
        return result

    async def set_agent_status(self, agent_status: SavedAgentStatus) -> None:
        self._agent_statuses[agent_status.group, agent_status.address] = agent_status
        await self.wake_queues(agent_status.since)

    async def wake_queues(self, due: float) -> None:
        self._wake_queues(due)
        self._watch.tell(due)

    async def list_agent_statuses(self) -> list[SavedAgentStatus]:
        return [*self._agent_statuses.values()]

    async def read_place(
        self, queue: str, place: tuple[int, float, str], since: float
    ) -> QueuePlace:
        waiting = self._list_waiting(queue)
        key = (-place[0], *place[1:])
        taken = sorted(
            entry.ended
            for entry in self._entries.values()
            if entry.queue == queue and entry.outcome == ANSWERED_OUTCOME and entry.ended > since
        )[-LATEST_ANSWERED_CALLS:]
        ahead = sum(_get_place(entry) < key for entry in waiting)
        return QueuePlace(ahead, len(taken), min(taken, default=0.0))

    async def reserve_place(self, entry: QueueEntry, most: int) -> float | None:
        for place, one in [*self._entries.items()]:
            if is_stale_entry(one, entry.entered_at):
                del self._entries[place]
        if known := self._entries.get((entry.call, entry.number)):
            return known.entered_at
        waiting = self._list_waiting(entry.queue)
        if 0 < most <= len(waiting):
            return None
        latest = (one.entered_at for one in waiting if one.priority == entry.priority)
        entered_at = max(entry.entered_at, max(latest, default=0.0) + PLACE_SECONDS)
        self._entries[entry.call, entry.number] = entry._replace(entered_at=entered_at)
        return entered_at

    async def count_entries(self, queue: str) -> int:
        return len(self._list_waiting(queue))

    async def list_entries(self, queue: str, since: float) -> list[QueueEntry]:
        ended = [
            entry
            for entry in self._entries.values()
            if entry.queue == queue and entry.outcome and entry.ended >= since
        ]
        return [*self._list_waiting(queue), *sorted(ended, key=lambda entry: entry.ended)]

    async def list_called_entries(self, kind: str) -> list[QueueEntry]:
        called = [
            entry
            for entry in self._entries.values()
            if entry.outcome == CALLED_OUTCOME
            and (saved := self._orchestrations.get(entry.call))
            and saved.kind == kind
        ]
        return sorted(called, key=lambda entry: entry.number)

    async def claim_task(self, now: float, lease: float) -> ScheduledTask | None:
        due = [task for task in self._tasks.values() if task.due <= now]
        if not due:
            return None
        task = min(due, key=lambda task: task.due)
        task = task._replace(due=now + lease, tries=task.tries + 1, claim=next(self._claims))
        self._tasks[task.orchestration, task.key] = task
        return task

    async def settle_task(self, task: ScheduledTask, due: float | None) -> None:
        key = task.orchestration, task.key
        stored = self._tasks.get(key)
        if stored is None or stored.claim != task.claim:
            return
        if due is None:
            del self._tasks[key]
        else:
            self._tasks[key] = task._replace(due=due)

    async def find_next_due(self) -> float | None:
        return min((task.due for task in self._tasks.values()), default=None)

    async def load_orchestration(self, id: str) -> SavedOrchestration | None:  # noqa: A002
        return self._orchestrations.get(id)

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        return [saved for saved in self._orchestrations.values() if kind in ("", saved.kind)]

    async def count_orchestrations(self, kind: str) -> int:
        return sum(saved.kind == kind for saved in self._orchestrations.values())

    async def load_agents(
        self, addresses: Collection[str], group: str = ""
    ) -> dict[str, SavedAgent]:
        return self._find_agents(addresses, group)

    def write_changes(self, changes: Sequence[OrchestrationChange]) -> None:
        """Write what was decided, and tell the watcher of the tasks."""
        for change in changes:
            self._write_change(change)
        self.announce(changes)

    def find_needed_releases(self) -> set[str]:
        """The releases of callers who are in an orchestration."""
        return {saved.release for saved in self._orchestrations.values()} - {""}

    def drop_expired(self, now: float) -> None:
        """Delete expired orchestrations, and agents that nobody has called for long."""
        for saved in [one for one in self._orchestrations.values() if one.expires <= now]:
            self._delete(saved.id)
        for agent in [one for one in self._agents.values() if is_forgettable(one, now)]:
            del self._agents[agent.address]
        for key, entry in [*self._entries.items()]:
            if is_stale_entry(entry, now):
                del self._entries[key]

    def _write_change(self, change: OrchestrationChange) -> None:
        for agent in change.agents:
            self._agents[agent.address] = agent._replace(status="")
        self._write_queues(change)
        if change.saved is None:
            self._delete(change.id)
            return
        stored = self._orchestrations.get(change.id)
        if stored is None or change.saved.version > stored.version:
            self._orchestrations[change.id] = change.saved
        for key in change.cancelled:
            self._tasks.pop((change.id, key), None)
        for task in change.scheduled:
            self._tasks[task.orchestration, task.key] = task

    def _write_queues(self, change: OrchestrationChange) -> None:
        for agent_status in change.agent_statuses:
            self._agent_statuses[agent_status.group, agent_status.address] = agent_status
        for entry in change.entries:
            stored = self._entries.get((entry.call, entry.number))
            if stored is None:
                self._entries[entry.call, entry.number] = entry
            elif not stored.outcome:  # the place stays
                self._entries[entry.call, entry.number] = stored._replace(
                    offered=entry.offered, outcome=entry.outcome, ended=entry.ended
                )
        for entry in change.new_entries:
            self._entries.setdefault((entry.call, entry.number), entry)
        if change.wakes_queues is not None:
            self._wake_queues(change.wakes_queues)

    def _wake_queues(self, due: float) -> None:
        waiting = {entry.queue for entry in self._entries.values() if not entry.outcome}
        for id in waiting & self._orchestrations.keys():  # noqa: A001  # as the rows call it
            self._tasks[id, MATCH_TASK] = ScheduledTask(id, MATCH_TASK, due, b"")

    def _list_waiting(self, queue: str) -> list[QueueEntry]:
        waiting = [one for one in self._entries.values() if one.queue == queue and not one.outcome]
        return sorted(waiting, key=_get_place)

    def _find_agents(self, addresses: Iterable[str], group: str = "") -> dict[str, SavedAgent]:
        found = {one: self._agents[one] for one in addresses if one in self._agents}
        for one in addresses:
            agent_status = self._agent_statuses.get((group, one))
            if agent_status is not None:
                agent = found.get(one) or SavedAgent(one, "", 0.0, 0.0)
                found[one] = agent._replace(status=agent_status.status)
        return found

    def _delete(self, id: str) -> None:  # noqa: A002  # as the rows call it
        self._orchestrations.pop(id, None)
        for key in [key for key in self._tasks if key[0] == id]:
            del self._tasks[key]
        for agent in [one for one in self._agents.values() if one.occupied_by == id]:
            self._agents[agent.address] = agent._replace(occupied_by="")
        for place, entry in [*self._entries.items()]:
            if entry.call == id and not entry.outcome:
                del self._entries[place]


def _get_place(entry: QueueEntry) -> tuple[int, float, str]:
    return -entry.priority, entry.entered_at, entry.call
