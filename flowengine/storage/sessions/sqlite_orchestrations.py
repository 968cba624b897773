"""Orchestrations in the session file. A turn is one piece of work of the group commit."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from flowengine.sinch.call_id import decode_call_id, encode_call_id
from flowengine.storage.sessions.group_commit import GroupCommit
from flowengine.storage.sessions.orchestration_rows import (
    AGENT_KEPT_SECONDS,
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
)
from flowengine.storage.sessions.session_file import SESSION_LOSS_TEXT
from flowengine.storage.sessions.sqlite_queues import (
    add_entry,
    copy_queues,
    count_waiting,
    drop_old_entries,
    forget_waiting,
    read_agent_statuses,
    read_called_entries,
    read_entries,
    read_queue_place,
    read_status,
    read_unoffered,
    reserve_place,
    wake_queues,
    write_agent_status,
    write_entry,
)
from flowengine.storage.sessions.store_protocol import StoreError
from flowengine.storage.sqlite_errors import suggest_remedy

_ALL_ORCHESTRATIONS = "SELECT id, kind, release, version, state, expires FROM orchestrations"
_OF_A_KIND = f"{_ALL_ORCHESTRATIONS} WHERE kind = ?"
_LOAD_ORCHESTRATION = f"{_ALL_ORCHESTRATIONS} WHERE id = ?"
_SAVE_ORCHESTRATION = (
    "INSERT INTO orchestrations (id, kind, release, version, state, expires) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, "
    "release = excluded.release, version = excluded.version, state = excluded.state, "
    "expires = excluded.expires WHERE excluded.version > orchestrations.version"
)
_DELETE_ORCHESTRATION = "DELETE FROM orchestrations WHERE id = ?"
_SCHEDULE_TASK = (
    "INSERT OR REPLACE INTO tasks (orchestration, key, due, payload, tries, claim) "
    "VALUES (?, ?, ?, ?, ?, 0)"
)
_CANCEL_TASK = "DELETE FROM tasks WHERE orchestration = ? AND key = ?"
_DELETE_TASKS = "DELETE FROM tasks WHERE orchestration = ?"
_CLAIM_TASK = (
    "UPDATE tasks SET tries = tries + 1, due = ?, claim = random() WHERE (orchestration, key) = "
    "(SELECT orchestration, key FROM tasks WHERE due <= ? ORDER BY due LIMIT 1) "
    "RETURNING orchestration, key, due, payload, tries, claim"
)
_SETTLE_TASK = "DELETE FROM tasks WHERE orchestration = ? AND key = ? AND claim = ?"
_RETRY_TASK = "UPDATE tasks SET due = ? WHERE orchestration = ? AND key = ? AND claim = ?"
_NEXT_DUE = "SELECT min(due) FROM tasks"
_LOAD_AGENT = "SELECT occupied_by, idle_since, not_before, rung_at FROM agents WHERE address = ?"
_SAVE_AGENT = (
    "INSERT OR REPLACE INTO agents (address, occupied_by, idle_since, not_before, rung_at) "
    "VALUES (?, ?, ?, ?, ?)"
)
_COPY_AGENT = _SAVE_AGENT.replace("OR REPLACE", "OR IGNORE")
# The second condition lets SQLite use the index.
_FREE_AGENTS = "UPDATE agents SET occupied_by = x'' WHERE occupied_by = ? AND occupied_by != x''"
_EXPIRED = "SELECT id FROM orchestrations WHERE expires <= ? LIMIT ?"
_DROP_BATCH = 100  # per transaction, about a millisecond in which others cannot write
_FORGET_AGENTS = (
    "DELETE FROM agents WHERE occupied_by = x'' AND max(idle_since, not_before, rung_at) < ?"
)

T = TypeVar("T")


class _TurnResult(NamedTuple):
    """What came of a turn inside of the transaction, which others share: an error of one is not
    raised there.
    """

    change: OrchestrationChange | None = None
    result: Any = None
    error: Exception | None = None


class SqliteOrchestrations:
    def __init__(self, commit: GroupCommit, clock: Callable[[], float]) -> None:
        self._commit = commit
        self.clock = clock
        self._watch = ScheduleWatch()
        self.watch_schedule = self._watch.watch_schedule
        self.announce = self._watch.announce

    async def take_turn(self, id: str, list_agents: ListAgents, decide: Decide[T]) -> T:  # noqa: A002  # as the rows call it
        done = await self._commit.run(partial(_run_turn, id, list_agents, decide))
        return self._finish_turn(done)  # type: ignore[no-any-return]

    def _finish_turn(self, done: "_TurnResult") -> Any:
        if done.error is not None:
            raise done.error
        if done.change is not None:
            self.announce((done.change,))
        return done.result

    async def take_queue_turn(
        self,
        id: str,  # noqa: A002  # as the rows call it
        group: str,
        list_agents: ListAgents,
        decide: DecideMatch[T],
    ) -> T:
        def decide_match(
            connection: sqlite3.Connection,
            saved: SavedOrchestration | None,
            agents: Mapping[str, SavedAgent],
        ) -> tuple[OrchestrationChange | None, T]:
            return decide(saved, agents, read_unoffered(connection, id))

        def run(connection: sqlite3.Connection) -> _TurnResult:
            return _run_turn(id, list_agents, partial(decide_match, connection), connection, group)

        return self._finish_turn(await self._commit.run(run))  # type: ignore[no-any-return]

    async def set_agent_status(self, agent_status: SavedAgentStatus) -> None:
        def sign(connection: sqlite3.Connection) -> None:
            write_agent_status(connection, agent_status)
            wake_queues(connection, agent_status.since)

        await self._commit.run(sign)
        self._watch.tell(agent_status.since)

    async def wake_queues(self, due: float) -> None:
        await self._commit.run(partial(wake_queues, due=due))
        self._watch.tell(due)

    async def list_agent_statuses(self) -> list[SavedAgentStatus]:
        with wrap_reading_errors():
            return read_agent_statuses(self._commit.connection)

    async def read_place(
        self, queue: str, place: tuple[int, float, str], since: float
    ) -> QueuePlace:
        with wrap_reading_errors():
            return read_queue_place(self._commit.connection, queue, place, since)

    async def reserve_place(self, entry: QueueEntry, most: int) -> float | None:
        return await self._commit.run(partial(reserve_place, entry, most))

    async def count_entries(self, queue: str) -> int:
        with wrap_reading_errors():
            return count_waiting(self._commit.connection, queue)

    async def list_entries(self, queue: str, since: float) -> list[QueueEntry]:
        with wrap_reading_errors():
            return read_entries(self._commit.connection, queue, since)

    async def list_called_entries(self, kind: str) -> list[QueueEntry]:
        with wrap_reading_errors():
            return read_called_entries(self._commit.connection, kind)

    async def claim_task(self, now: float, lease: float) -> ScheduledTask | None:
        values = (now + lease, now)
        row = await self._commit.run(
            lambda connection: connection.execute(_CLAIM_TASK, values).fetchone()
        )
        return None if row is None else ScheduledTask(decode_call_id(row[0]), *row[1:])

    async def settle_task(self, task: ScheduledTask, due: float | None) -> None:
        row = encode_call_id(task.orchestration), task.key, task.claim
        sql, values = (_SETTLE_TASK, row) if due is None else (_RETRY_TASK, (due, *row))
        await self._commit.run(lambda connection: connection.execute(sql, values))

    async def find_next_due(self) -> float | None:
        ((due,),) = self._read(_NEXT_DUE)
        return due  # type: ignore[no-any-return]

    async def load_orchestration(self, id: str) -> SavedOrchestration | None:  # noqa: A002  # as the rows call it
        rows = self._read(_LOAD_ORCHESTRATION, encode_call_id(id))
        return _make_orchestration(rows[0]) if rows else None

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        rows = self._read(_OF_A_KIND, kind) if kind else self._read(_ALL_ORCHESTRATIONS)
        return [_make_orchestration(row) for row in rows]

    async def count_orchestrations(self, kind: str) -> int:
        ((number,),) = self._read("SELECT count(*) FROM orchestrations WHERE kind = ?", kind)
        return number  # type: ignore[no-any-return]

    async def load_agents(
        self, addresses: Collection[str], group: str = ""
    ) -> dict[str, SavedAgent]:
        with wrap_reading_errors():
            return _find_agents(self._commit.connection, addresses, group)

    def _read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with wrap_reading_errors():
            return self._commit.connection.execute(sql, values).fetchall()


@contextmanager
def wrap_reading_errors() -> Iterator[None]:
    """Turn the errors of a read into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"the session store cannot be read: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
        ) from error


def write_change(connection: sqlite3.Connection, change: OrchestrationChange) -> None:
    """Write what a turn has decided, in the transaction that is open."""
    key = encode_call_id(change.id)
    execute = connection.execute
    for address, occupied_by, *times, _status in change.agents:
        execute(_SAVE_AGENT, (encode_call_id(address), encode_call_id(occupied_by), *times))
    for entry in change.entries:
        write_entry(connection, entry)
    for entry in change.new_entries:
        add_entry(connection, entry)
    for agent_status in change.agent_statuses:
        write_agent_status(connection, agent_status)
    if change.saved is None:
        _delete_orchestration(connection, key)
        if change.wakes_queues is not None:
            wake_queues(connection, change.wakes_queues)
        return
    execute(_SAVE_ORCHESTRATION, (key, *change.saved[1:]))
    for name in change.cancelled:
        execute(_CANCEL_TASK, (key, name))
    for task in change.scheduled:
        other = key if task.orchestration == change.id else encode_call_id(task.orchestration)
        execute(_SCHEDULE_TASK, (other, task.key, task.due, task.payload, task.tries))
    if change.wakes_queues is not None:
        wake_queues(connection, change.wakes_queues)


def drop_expired_orchestrations(connection: sqlite3.Connection, now: float) -> None:
    """Delete expired orchestrations, and agents that nobody has called for long."""
    while connection.execute(_EXPIRED, (now, 1)).fetchone():
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for (key,) in connection.execute(_EXPIRED, (now, _DROP_BATCH)).fetchall():
                _delete_orchestration(connection, key)
    connection.execute(_FORGET_AGENTS, (now - AGENT_KEPT_SECONDS,))
    drop_old_entries(connection, now)


def copy_orchestrations(old: sqlite3.Connection, new: sqlite3.Connection, now: float) -> None:
    """Copy what is not expired to the successor of a lost file. What has moved on in the new file
    stays, with its tasks. Where another worker has ended an orchestration there in the meantime, it
    comes back, and ends again at its next timer.
    """
    for row in old.execute(f"{_ALL_ORCHESTRATIONS} WHERE expires > ?", (now,)).fetchall():
        if new.execute(_SAVE_ORCHESTRATION, row).rowcount != 1:
            continue
        tasks = old.execute(
            "SELECT orchestration, key, due, payload, tries FROM tasks WHERE orchestration = ?",
            row[:1],
        )
        new.execute(_DELETE_TASKS, row[:1])
        new.executemany(_SCHEDULE_TASK, tasks.fetchall())
    agents = old.execute("SELECT address, occupied_by, idle_since, not_before, rung_at FROM agents")
    new.executemany(_COPY_AGENT, agents.fetchall())
    copy_queues(old, new)


def _run_turn(
    id: str,  # noqa: A002  # as the rows call it
    list_agents: ListAgents,
    decide: Decide[Any],
    connection: sqlite3.Connection,
    group: str = "",
) -> _TurnResult:
    row = connection.execute(_LOAD_ORCHESTRATION, (encode_call_id(id),)).fetchone()
    saved = None if row is None else _make_orchestration(row)
    try:
        change, result = decide(saved, _find_agents(connection, list_agents(saved), group))
        if change is None:
            return _TurnResult(None, result)
        check_version(saved, change)
    except Exception as error:  # noqa: BLE001 - the callbacks of this moment share the transaction
        return _TurnResult(error=error)
    write_change(connection, change)
    return _TurnResult(change, result)


def _find_agents(
    connection: sqlite3.Connection, addresses: Iterable[str], group: str = ""
) -> dict[str, SavedAgent]:
    """The stored agents among these, with their status where a group is named."""
    found: dict[str, SavedAgent] = {}
    for one in addresses:
        row = connection.execute(_LOAD_AGENT, (encode_call_id(one),)).fetchone()
        if row is not None:
            found[one] = _make_agent(one, row)
        if group and (status := read_status(connection, group, one)):
            agent = found.get(one) or SavedAgent(one, "", 0.0, 0.0)
            found[one] = agent._replace(status=status)
    return found


def _delete_orchestration(connection: sqlite3.Connection, key: bytes) -> None:
    for sql in (_DELETE_ORCHESTRATION, _DELETE_TASKS, _FREE_AGENTS):
        connection.execute(sql, (key,))
    forget_waiting(connection, key)


def _make_orchestration(row: tuple[Any, ...]) -> SavedOrchestration:
    return SavedOrchestration(decode_call_id(row[0]), *row[1:])


def _make_agent(address: str, row: tuple[Any, ...]) -> SavedAgent:
    return SavedAgent(address, decode_call_id(row[0]), *row[1:])
