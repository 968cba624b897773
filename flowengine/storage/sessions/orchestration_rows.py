"""The rows of orchestrations: what a store keeps for flows that act on several calls. It keeps
bytes, and knows nothing of rings.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

QUEUE_KIND = "queue"
MATCH_TASK = "match"
LATEST_TAKINGS = 10
AGENT_KEPT_SECONDS = 7 * 86_400.0  # addresses may come from values of calls, and would add up

T = TypeVar("T")


class SavedOrchestration(NamedTuple):
    """An orchestration after a turn. `release` is the one that its caller is on, "" where it needs
    none any more; `version` grows by
    one with each turn.
    """

    id: str
    kind: str
    release: str
    version: int
    state: bytes
    expires: float


class ScheduledTask(NamedTuple):
    """A timer, or a request to send, that is `due` in seconds since 1970. It replaces the task of
    its orchestration with the same key. `tries` counts the claims; `claim` tells one claim from
    the others, and is the business of the store.
    """

    orchestration: str
    key: str
    due: float
    payload: bytes
    tries: int = 0
    claim: int = 0


class SavedAgent(NamedTuple):
    """A member across all rings and queues; see `orchestration.turn.AgentFacts`. `signings` is
    text of the runtime's own.
    """

    address: str
    occupied_by: str
    idle_since: float
    not_before: float
    rung_at: float = 0.0
    signings: str = ""


class QueueEntry(NamedTuple):
    """A call in a queue, of which it is the wait with this `number`. Higher `priority` goes first,
    then the earlier `entered`. `offered` is the member who is asked to take it, "" for none.
    `outcome` is "" while it waits, and `ended` is when it ended; nothing changes after that.
    """

    queue: str
    call: str
    number: int
    priority: int
    entered: float
    offered: str = ""
    outcome: str = ""
    ended: float = 0.0


class QueuePlace(NamedTuple):
    """How it stands in a queue: how many calls are before a place in it, how many wait in all, and
    when the oldest of the latest takings was, of `takings` in all, up to `LATEST_TAKINGS`.
    """

    ahead: int
    waiting: int
    takings: int
    since: float


class OrchestrationChange(NamedTuple):
    """What one turn writes: first the tasks that it cancels, then those that it schedules. Without
    `saved` the orchestration and all its tasks are deleted, and every agent that it occupies is
    free. With a `saved` of version 0, what is stored stays. Tasks may be those of other
    orchestrations. `entries` replace those with the same call and number that have not ended. With
    `frees_agents`, all queues in which calls wait get a task `MATCH_TASK` that is due then.
    """

    id: str
    saved: SavedOrchestration | None
    scheduled: tuple[ScheduledTask, ...] = ()
    cancelled: tuple[str, ...] = ()
    agents: tuple[SavedAgent, ...] = ()
    entries: tuple[QueueEntry, ...] = ()
    frees_agents: float | None = None


ListAgents = Callable[[SavedOrchestration | None], Collection[str]]
Decide = Callable[
    [SavedOrchestration | None, Mapping[str, SavedAgent]], tuple[OrchestrationChange | None, T]
]
DecideMatch = Callable[
    [SavedOrchestration | None, Mapping[str, SavedAgent], Sequence[QueueEntry]],
    tuple[OrchestrationChange | None, T],
]


def check_version(saved: SavedOrchestration | None, change: OrchestrationChange) -> None:
    """Raise ValueError where a turn would be lost, as the stored version is no earlier one."""
    if saved and change.saved and change.saved.version <= saved.version:
        raise ValueError(f"a turn from version {saved.version} made {change.saved.version}")


def is_forgettable(agent: SavedAgent, now: float) -> bool:
    """Whether an agent is free, and was for so long that it matters to no order of a group."""
    last = max(agent.idle_since, agent.not_before, agent.rung_at)
    return not agent.occupied_by and last < now - AGENT_KEPT_SECONDS


class ScheduleWatch:
    """Tells one watcher of the tasks that this process schedules."""

    def __init__(self) -> None:
        self._notify: Callable[[float], None] | None = None

    def watch_schedule(self, notify: Callable[[float], None]) -> None:
        """See `OrchestrationStore.watch_schedule`."""
        self._notify = notify

    def announce(self, changes: Iterable[OrchestrationChange]) -> None:
        """Tell the watcher of the tasks of changes that are committed."""
        tasks = (
            task for change in changes if change.saved is not None for task in change.scheduled
        )
        due = min((task.due for task in tasks), default=None)
        if due is not None and self._notify is not None:
            self._notify(due)


class OrchestrationStore(Protocol):
    """What a session store does for orchestrations (`Store.orchestrations`). `Store.save` takes the
    changes that belong to the step of a call: all of them are written with it, or none where
    another step was first. Of such a change `saved` has version 0 and is written only where none
    with its id is stored, its tasks always: a second ring of a call, and the caller who hangs up,
    are handled by turns, which know what there was.
    """

    def watch_schedule(self, notify: Callable[[float], None]) -> None:
        """Call this after each commit of this process that schedules a task, with the time when
        it is due. There is one watcher.
        """
        ...

    async def take_turn(self, id: str, list_agents: ListAgents, decide: Decide[T]) -> T:  # noqa: A002
        """One turn in one transaction: read the orchestration and the agents that `list_agents`
        names (those that are not stored are missing), call `decide`, write its change, and return
        its result. Turns of one orchestration come one after the other, and so do turns that read
        the same agent. Both functions are pure and quick, and may be called again; what it raises is
        raised here, and nothing is written. After this the turn survives a killed process.
        """
        ...

    async def claim_task(self, now: float, lease: float) -> ScheduledTask | None:
        """Claim the task that is due first, until `now + lease`, and count one more try. None where
        no task is due.
        """
        ...

    async def settle_task(self, task: ScheduledTask, due: float | None) -> None:
        """Delete a task, or set its next attempt to `due`, unless it was replaced, cancelled or
        claimed again since.
        """
        ...

    async def find_next_due(self) -> float | None:
        """When the next task is due that nobody has claimed, or whose claim runs out; None where
        there is none.
        """
        ...

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        """Those that are stored, of one kind or of all."""
        ...

    async def count_orchestrations(self, kind: str) -> int:
        """How many of one kind are stored; by an index, and without their states."""
        ...

    async def load_agents(self, addresses: Collection[str]) -> dict[str, SavedAgent]:
        """The stored agents among these."""
        ...
