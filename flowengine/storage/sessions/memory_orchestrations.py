"""Orchestrations in the memory of one process."""

from collections.abc import Collection, Iterable, Sequence
from itertools import count
from typing import TypeVar

from flowengine.storage.sessions.orchestration_rows import (
    Decide,
    ListAgents,
    OrchestrationChange,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
    ScheduleWatch,
    check_version,
    is_forgettable,
)

T = TypeVar("T")


class MemoryOrchestrations:
    """Needs no locks: nothing here waits, so that each method is one transaction."""

    def __init__(self) -> None:
        self._orchestrations: dict[str, SavedOrchestration] = {}
        self._tasks: dict[tuple[str, str], ScheduledTask] = {}
        self._agents: dict[str, SavedAgent] = {}
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

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        return [saved for saved in self._orchestrations.values() if kind in ("", saved.kind)]

    async def count_orchestrations(self, kind: str) -> int:
        return sum(saved.kind == kind for saved in self._orchestrations.values())

    async def load_agents(self, addresses: Collection[str]) -> dict[str, SavedAgent]:
        return self._find_agents(addresses)

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

    def _write_change(self, change: OrchestrationChange) -> None:
        for agent in change.agents:
            self._agents[agent.address] = agent
        if change.saved is None:
            self._delete(change.id)
            return
        stored = self._orchestrations.get(change.id)
        if stored is None or change.saved.version > stored.version:
            self._orchestrations[change.id] = change.saved
        for key in change.cancelled:
            self._tasks.pop((change.id, key), None)
        for task in change.scheduled:
            self._tasks[change.id, task.key] = task

    def _find_agents(self, addresses: Iterable[str]) -> dict[str, SavedAgent]:
        return {one: self._agents[one] for one in addresses if one in self._agents}

    def _delete(self, id: str) -> None:  # noqa: A002  # as the rows call it
        self._orchestrations.pop(id, None)
        for key in [key for key in self._tasks if key[0] == id]:
            del self._tasks[key]
        for agent in [one for one in self._agents.values() if one.occupied_by == id]:
            self._agents[agent.address] = agent._replace(occupied_by="")
