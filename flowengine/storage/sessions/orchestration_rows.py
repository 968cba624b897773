"""The rows of orchestrations: what a store keeps for flows that act on several calls. It keeps
bytes, and knows nothing of rings.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

QUEUE_KIND = "queue"
MATCH_TASK = "match"
ANSWERED_OUTCOME = "answered"  # of an entry whose caller a member has taken
CALLED_OUTCOME = "called"  # of an entry of a call-back: nothing is kept, until it waits again
LATEST_ANSWERED_CALLS = 10
MAX_MATCHED_CALLS = 64  # of one turn; a group has fewer members
QUEUE_ENTRY_KEPT_SECONDS = 2 * 86_400.0  # after its end: figures of a day and of the day before
WAITING_ENTRY_KEPT_SECONDS = (
    30 * 86_400.0
)  # longer than anybody keeps a place, be it for a call-back that waits for its next try
RESERVED = (
    "reserved"  # in place of a member: the caller is about to enter, and offered to nobody yet
)
RESERVATION_SECONDS = 15.0  # after it the caller has hung up before the answer
PLACE_SECONDS = 1e-6  # at least, between two callers of a queue: no two of them have the same place
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
    """A member across all rings and queues; see `orchestration.turn.AgentFacts`. `status` is that in
    the group that was asked for, "" for one who never signed out.
    """

    address: str
    occupied_by: str
    idle_since: float
    not_before: float
    rung_at: float = 0.0
    status: str = ""


class SavedAgentStatus(NamedTuple):
    """Whether a member of a group is signed in, since when; those who never signed out have none.
    `signer` is the name of the person who has changed it by console, command or HTTP; "" where that
    is not known, and where a call has.
    """

    group: str
    address: str
    status: str
    since: float
    signer: str = ""


class QueueEntry(NamedTuple):
    """A call in a queue, of which it is the wait with this `number`. Higher `priority` goes first,
    then the earlier `entered_at`. `offered` is the member who is asked to take it, "" for none, or
    `RESERVED`.
    `outcome` is "" while it waits, and `ended` is when it ended; nothing changes after that.
    """

    queue: str
    call: str
    number: int
    priority: int
    entered_at: float
    offered: str = ""
    outcome: str = ""
    ended: float = 0.0


class QueuePlace(NamedTuple):
    """How it stands in a queue: how many calls are before a place in it, and of the latest answered_calls,
    at most `LATEST_ANSWERED_CALLS`, how many there were and when the first was.
    """

    ahead: int
    answered_calls: int
    since: float


class OrchestrationChange(NamedTuple):
    """What one turn writes: first the tasks that it cancels, then those that it schedules, be they
    of this orchestration or of others. Without `saved` the orchestration and all its tasks are
    deleted, it waits in no queue, and every agent that it occupies is free. With a `saved` of
    version 0, what is stored stays. `entries` say by whom the call is wanted and how the wait has ended
    of those with the same call and number that have not ended, and are written where there are none;
    one of `new_entries` is written unless there is one with the same call and number.
    With `wakes_queues`, each queue in which calls wait gets a task `MATCH_TASK` that is
    due then.
    """

    id: str
    saved: SavedOrchestration | None
    scheduled: tuple[ScheduledTask, ...] = ()
    cancelled: tuple[str, ...] = ()
    agents: tuple[SavedAgent, ...] = ()
    entries: tuple[QueueEntry, ...] = ()
    new_entries: tuple[QueueEntry, ...] = ()
    agent_statuses: tuple[SavedAgentStatus, ...] = ()
    wakes_queues: float | None = None


def build_change(
    saved: SavedOrchestration, tasks: Mapping[str, ScheduledTask | None]
) -> OrchestrationChange:
    """What a turn writes: the orchestration, and its tasks by key. None cancels a task.

    >>> saved = SavedOrchestration("c1", "ring", "", 1, b"", 0.0)
    >>> change = build_change(saved, {"a": ScheduledTask("c1", "a", 1.0, b""), "b": None})
    >>> [task.key for task in change.scheduled], change.cancelled
    (['a'], ('b',))
    """
    scheduled = tuple(task for task in tasks.values() if task is not None)
    cancelled = tuple(key for key, task in tasks.items() if task is None)
    return OrchestrationChange(saved.id, saved, scheduled, cancelled)


def build_addition(
    task: ScheduledTask, kind: str, expires: float, release: str = ""
) -> OrchestrationChange:
    """A task that is saved with the step of a call, for an orchestration that begins with it where there
    is none.

    >>> build_addition(ScheduledTask("c1", "begin", 1.0, b""), "ring", 9.0).saved.version
    0
    """
    saved = SavedOrchestration(task.orchestration, kind, release, 0, b"", expires)
    return OrchestrationChange(task.orchestration, saved, (task,))


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


def is_stale_entry(entry: QueueEntry, now: float) -> bool:
    """Whether an entry counts in no figure any more, or its call was forgotten long ago."""
    if entry.outcome == CALLED_OUTCOME:
        return entry.entered_at < now - WAITING_ENTRY_KEPT_SECONDS
    if entry.outcome:
        return entry.ended < now - QUEUE_ENTRY_KEPT_SECONDS
    if entry.offered == RESERVED:
        return entry.entered_at < now - RESERVATION_SECONDS
    return entry.entered_at < now - WAITING_ENTRY_KEPT_SECONDS


class ScheduleWatch:
    """Tells one watcher of the tasks that this process schedules."""

    def __init__(self) -> None:
        self._notify: Callable[[float], None] | None = None

    def watch_schedule(self, notify: Callable[[float], None]) -> None:
        """See `OrchestrationStore.watch_schedule`."""
        self._notify = notify

    def announce(self, changes: Collection[OrchestrationChange]) -> None:
        """Tell the watcher of the tasks of changes that are committed."""
        tasks = (
            task for change in changes if change.saved is not None for task in change.scheduled
        )
        dues = [task.due for task in tasks]
        dues += [change.wakes_queues for change in changes if change.wakes_queues is not None]
        due = min(dues, default=None)
        if due is not None:
            self.tell(due)

    def tell(self, due: float) -> None:
        """Tell the watcher that something is due then."""
        if self._notify is not None:
            self._notify(due)


class OrchestrationStore(Protocol):
    """What a session store does for orchestrations (`Store.orchestrations`). `Store.save` takes the
    changes that belong to the step of a call: all of them are written with it, or none where
    another step was first. Of such a change `saved` has version 0 and is written only where none
    with its id is stored, its tasks always: a second ring of a call, and the caller who hangs up,
    are handled by turns, which know what there was.
    """

    @property
    def clock(self) -> Callable[[], float]:
        """Reads the time that all who use the store share (`Store.clock`)."""
        ...

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

    async def take_queue_turn(
        self,
        id: str,  # noqa: A002
        group: str,
        list_agents: ListAgents,
        decide: DecideMatch[T],
    ) -> T:
        """A turn of a queue: the same, and `decide` gets the agents with their status in the group,
        and the calls that wait in the queue and are offered to nobody, those that are `RESERVED`
        among them, in their order, as many as there may be agents.
        """
        ...

    async def set_agent_status(self, agent_status: SavedAgentStatus) -> None:
        """Note that a member has signed in or out, and wake all queues."""
        ...

    async def wake_queues(self, due: float) -> None:
        """Give each queue in which calls wait a task `MATCH_TASK` that is due then."""
        ...

    async def list_agent_statuses(self) -> list[SavedAgentStatus]:
        """All members who have ever signed out, and whether they have signed in again."""
        ...

    async def read_place(
        self, queue: str, place: tuple[int, float, str], since: float
    ) -> QueuePlace:
        """How it stands for a place (priority, entered_at, call) in a queue; answered_calls before `since` do
        not count. By an index, and without a lock.
        """
        ...

    async def reserve_place(self, entry: QueueEntry, most: int) -> float | None:
        """Have a call wait that is about to enter, `RESERVED`, behind all others of its priority, and
        return when it has entered: at `entered_at`, or later. None where `most` others wait in the
        queue; 0 is any number. A call that asks again keeps its place. Callers who come at the same
        moment get one after the other. Reservations of before, whose callers never came, are
        dropped.
        """
        ...

    async def count_entries(self, queue: str) -> int:
        """How many calls wait in a queue, likewise."""
        ...

    async def list_entries(self, queue: str, since: float) -> list[QueueEntry]:
        """The calls that wait in a queue, in their order, and after them those that have ended
        since.
        """
        ...

    async def list_called_entries(self, kind: str) -> list[QueueEntry]:
        """The entries with `CALLED_OUTCOME` whose calls are orchestrations of this kind, in the order
        of their numbers.
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

    async def load_orchestration(self, id: str) -> SavedOrchestration | None:  # noqa: A002
        """The stored orchestration, without a turn."""
        ...

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        """Those that are stored, of one kind or of all."""
        ...

    async def count_orchestrations(self, kind: str) -> int:
        """How many of one kind are stored; by an index, and without their states."""
        ...

    async def load_agents(
        self, addresses: Collection[str], group: str = ""
    ) -> dict[str, SavedAgent]:
        """The stored agents among these, with their status in the group."""
        ...
