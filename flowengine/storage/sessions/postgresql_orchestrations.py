"""Orchestrations on a PostgreSQL server. A turn locks the row of its orchestration, and then those of
its agents in the order of their addresses, so that no two turns wait for each other in a ring. It is
one pipeline, whose statements are one transaction until its end: two reads, and one statement for all
that is written.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, LiteralString, TypeVar

from flowengine.sinch.call_id import decode_call_id, encode_call_id
from flowengine.storage.sessions.orchestration_rows import (
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
from flowengine.storage.sessions.pipelined_connection import PipelinedConnection
from flowengine.storage.sessions.postgresql_queues import (
    FORGET_WAITING,
    add_queue_writes,
    compute_lock,
    count_waiting,
    load_statuses,
    read_agent_statuses,
    read_called_entries,
    read_entries,
    read_queue_place,
    read_statuses,
    read_unoffered,
    reserve_place,
    save_agent_status,
    wake_queues,
)
from flowengine.storage.sessions.postgresql_tasks import TaskBatches
from flowengine.storage.sessions.store_protocol import StoreError
from flowengine.storage.sessions.turn_connections import (
    MAX_TURN_TRIES,
    Connection,
    TurnConnections,
)

ORCHESTRATION_TABLES_VERSION = 1
POSTGRESQL_ORCHESTRATION_TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE flowengine.orchestrations (id BYTEA PRIMARY KEY, kind TEXT NOT NULL, release TEXT NOT NULL,
        version BIGINT NOT NULL, state BYTEA NOT NULL, expires DOUBLE PRECISION NOT NULL) WITH (fillfactor = 70)""",
    "CREATE INDEX orchestrations_by_kind ON flowengine.orchestrations (kind)",
    """CREATE TABLE flowengine.tasks (orchestration BYTEA, key TEXT, due DOUBLE PRECISION NOT NULL, payload BYTEA NOT NULL,
        tries INTEGER NOT NULL, claim BIGINT NOT NULL, PRIMARY KEY (orchestration, key))""",
    "CREATE INDEX tasks_due ON flowengine.tasks (due)",
    """CREATE TABLE flowengine.agents (address BYTEA PRIMARY KEY, occupied_by BYTEA NOT NULL,
        idle_since DOUBLE PRECISION NOT NULL, not_before DOUBLE PRECISION NOT NULL, rung_at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX agents_occupied ON flowengine.agents (occupied_by) WHERE occupied_by <> ''",
)
RELEASES_OF_ORCHESTRATIONS: LiteralString = (
    "SELECT release FROM flowengine.orchestrations WHERE release <> ''"
)
DROP_EXPIRED_ORCHESTRATIONS: LiteralString = (
    "WITH expired AS (DELETE FROM flowengine.orchestrations WHERE expires <= %b RETURNING id), "
    "dropped AS (DELETE FROM flowengine.tasks WHERE orchestration IN (SELECT id FROM expired)), "
    "unqueued AS (DELETE FROM flowengine.queue_entries WHERE call IN (SELECT id FROM expired) "
    "AND outcome = '') "
    "UPDATE flowengine.agents SET occupied_by = '' WHERE occupied_by IN (SELECT id FROM expired)"
)
FORGET_AGENTS: LiteralString = (
    "DELETE FROM flowengine.agents WHERE occupied_by = '' "
    "AND greatest(idle_since, not_before, rung_at) < %b"
)

_LOCK_ABSENT: LiteralString = "SELECT pg_advisory_xact_lock(%b)"
_ALL_ORCHESTRATIONS: LiteralString = (
    "SELECT id, kind, release, version, state, expires FROM flowengine.orchestrations"
)
_OF_A_KIND: LiteralString = f"{_ALL_ORCHESTRATIONS} WHERE kind = %b"
_OF_ANY_KIND: LiteralString = f"{_ALL_ORCHESTRATIONS} WHERE kind <> %b"
_COUNT_KIND: LiteralString = "SELECT count(*) FROM flowengine.orchestrations WHERE kind = %b"
_READ_ORCHESTRATION: LiteralString = f"{_ALL_ORCHESTRATIONS} WHERE id = %b"
_LOAD_ORCHESTRATION: LiteralString = f"{_READ_ORCHESTRATION} FOR UPDATE"
_SAVE_AGENTS: LiteralString = (
    "agents AS (INSERT INTO flowengine.agents (address, occupied_by, idle_since, not_before, rung_at) "
    "SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::float8[], %b::float8[], %b::float8[]) "
    "ON CONFLICT (address) DO UPDATE SET occupied_by = excluded.occupied_by, "
    "idle_since = excluded.idle_since, not_before = excluded.not_before, rung_at = excluded.rung_at)"
)
_SAVE_ORCHESTRATION: LiteralString = (
    "saved AS (INSERT INTO flowengine.orchestrations (id, kind, release, version, state, expires) "
    "VALUES (%b, %b, %b, %b, %b, %b) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, "
    "release = excluded.release, version = excluded.version, state = excluded.state, "
    "expires = excluded.expires WHERE excluded.version > orchestrations.version)"
)
_CANCEL_TASKS: LiteralString = (
    "cancelled AS (DELETE FROM flowengine.tasks WHERE orchestration = %b AND key = ANY(%b::text[]))"
)
_SCHEDULE_TASKS: LiteralString = (
    "scheduled AS (INSERT INTO flowengine.tasks (orchestration, key, due, payload, tries, claim) "
    "SELECT *, 0 FROM unnest(%b::bytea[], %b::text[], %b::float8[], %b::bytea[], %b::int[]) "
    "ON CONFLICT (orchestration, key) DO UPDATE SET due = excluded.due, "
    "payload = excluded.payload, tries = excluded.tries, claim = 0)"
)
_DELETE_ORCHESTRATION: LiteralString = (
    "gone AS (DELETE FROM flowengine.orchestrations WHERE id = %b), "
    "dropped AS (DELETE FROM flowengine.tasks WHERE orchestration = %b), "
    "free AS (UPDATE flowengine.agents SET occupied_by = '' WHERE occupied_by = %b "
    "AND occupied_by <> '' AND address <> ALL(%b::bytea[]))"
)
_RETRY_TASK: LiteralString = (
    "UPDATE flowengine.tasks SET due = %b WHERE orchestration = %b AND key = %b AND claim = %b"
)
_NEXT_DUE: LiteralString = "SELECT min(due) FROM flowengine.tasks WHERE due >= %b"
_LOAD_AGENTS: LiteralString = (
    "SELECT address, occupied_by, idle_since, not_before, rung_at FROM flowengine.agents "
    "WHERE address = ANY(%b::bytea[])"
)
_LOCK_AGENTS: LiteralString = f"{_LOAD_AGENTS} ORDER BY address FOR UPDATE"
# A row of nobody's, so that there is something to lock.
_ADD_AGENTS: LiteralString = (
    "INSERT INTO flowengine.agents (address, occupied_by, idle_since, not_before, rung_at) "
    "SELECT address, '', 0, 0, 0 FROM unnest(%b::bytea[]) AS address ORDER BY address "
    "ON CONFLICT DO NOTHING"
)

T = TypeVar("T")
_DecideTurn = Callable[
    [Connection, SavedOrchestration | None, Mapping[str, SavedAgent]],
    Awaitable[tuple[OrchestrationChange | None, T]],
]


class UnknownAgentsError(Exception):
    """These agents have no rows that could be locked."""

    def __init__(self, addresses: Collection[str]) -> None:
        super().__init__()
        self.addresses = addresses


class PostgresqlOrchestrations:
    """Claims of tasks do not go with the writes of callbacks: these lock several rows in one
    transaction, which a turn may hold up.
    """

    def __init__(
        self,
        connections: TurnConnections,
        reader: PipelinedConnection,
        clock: Callable[[], float],
    ) -> None:
        self._connections = connections
        self.clock = clock
        self._reader = reader
        self._tasks = TaskBatches(self._run_statement)
        self._watch = ScheduleWatch()
        self.watch_schedule = self._watch.watch_schedule
        self.announce = self._watch.announce

    async def take_turn(self, id: str, list_agents: ListAgents, decide: Decide[T]) -> T:  # noqa: A002  # as the rows call it
        async def decide_turn(
            _connection: Connection,
            saved: SavedOrchestration | None,
            agents: Mapping[str, SavedAgent],
        ) -> tuple[OrchestrationChange | None, T]:
            return decide(saved, agents)

        return await self._take_turn(id, list_agents, decide_turn)

    async def take_queue_turn(
        self,
        id: str,  # noqa: A002  # as the rows call it
        group: str,
        list_agents: ListAgents,
        decide: DecideMatch[T],
    ) -> T:
        async def decide_match(
            connection: Connection,
            saved: SavedOrchestration | None,
            agents: Mapping[str, SavedAgent],
        ) -> tuple[OrchestrationChange | None, T]:
            statuses = await read_statuses(connection, group, list_agents(saved))
            calls = await read_unoffered(connection, id)
            return decide(saved, add_statuses(agents, statuses), calls)

        return await self._take_turn(id, list_agents, decide_match)

    async def _take_turn(self, id: str, list_agents: ListAgents, decide: _DecideTurn[T]) -> T:  # noqa: A002  # as the rows call it
        async def run_turn(connection: Connection) -> tuple[OrchestrationChange | None, T]:
            async with connection.pipeline():
                saved = await _lock_orchestration(connection, id)
                agents = await _lock_agents(connection, list_agents(saved))
                change, result = await decide(connection, saved, agents)
                if change is not None:
                    check_version(saved, change)
                    await write_change(connection, change)
                return change, result

        for _ in range(MAX_TURN_TRIES):
            try:
                change, result = await self._connections.run(run_turn)
            except UnknownAgentsError as error:
                keys = [encode_call_id(one) for one in error.addresses]
                await self._run_statement(_ADD_AGENTS, keys)
            else:
                if change is not None:
                    self.announce((change,))
                return result
        raise StoreError("the agents of a turn were deleted again and again")

    async def set_agent_status(self, agent_status: SavedAgentStatus) -> None:
        await self._connections.run(lambda connection: save_agent_status(connection, agent_status))
        self._watch.tell(agent_status.since)

    async def wake_queues(self, due: float) -> None:
        await self._connections.run(partial(wake_queues, due))
        self._watch.tell(due)

    async def list_agent_statuses(self) -> list[SavedAgentStatus]:
        return await read_agent_statuses(self._reader)

    async def read_place(
        self, queue: str, place: tuple[int, float, str], since: float
    ) -> QueuePlace:
        return await read_queue_place(self._reader, queue, place, since)

    async def reserve_place(self, entry: QueueEntry, most: int) -> float | None:
        return await self._connections.run(partial(reserve_place, entry, most))

    async def count_entries(self, queue: str) -> int:
        return await count_waiting(self._reader, queue)

    async def list_entries(self, queue: str, since: float) -> list[QueueEntry]:
        return await read_entries(self._reader, queue, since)

    async def list_called_entries(self, kind: str) -> list[QueueEntry]:
        return await read_called_entries(self._reader, kind)

    async def claim_task(self, now: float, lease: float) -> ScheduledTask | None:
        return await self._tasks.claim(now, lease)

    async def settle_task(self, task: ScheduledTask, due: float | None) -> None:
        if due is None:
            await self._tasks.settle(task)
        else:
            row = encode_call_id(task.orchestration), task.key, task.claim
            await self._run_statement(_RETRY_TASK, due, *row)

    async def find_next_due(self) -> float | None:
        ((due,),) = await self._reader.run(
            _NEXT_DUE, 0.0
        )  # statements are in order of their values
        return due  # type: ignore[no-any-return]

    async def load_orchestration(self, id: str) -> SavedOrchestration | None:  # noqa: A002  # as the rows call it
        rows = await self._reader.run(_READ_ORCHESTRATION, encode_call_id(id))
        return _make_orchestration(rows[0]) if rows else None

    async def list_orchestrations(self, kind: str = "") -> list[SavedOrchestration]:
        rows = await self._reader.run(_OF_A_KIND if kind else _OF_ANY_KIND, kind)
        return [_make_orchestration(row) for row in rows]

    async def count_orchestrations(self, kind: str) -> int:
        ((number,),) = await self._reader.run(_COUNT_KIND, kind)
        return number  # type: ignore[no-any-return]

    async def load_agents(
        self, addresses: Collection[str], group: str = ""
    ) -> dict[str, SavedAgent]:
        keys = [encode_call_id(one) for one in addresses]
        agents = _make_agents(await self._reader.run(_LOAD_AGENTS, keys))
        statuses = await load_statuses(self._reader, group, addresses) if group else {}
        return add_statuses(agents, statuses)

    async def _run_statement(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        async def run_statement(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(sql, values, binary=True)
            return await cursor.fetchall() if cursor.description else []

        return await self._connections.run(run_statement)


async def write_change(connection: Connection, change: OrchestrationChange) -> None:
    """Write what a turn has decided, in one statement. Its parts do not see what the others write."""
    key = encode_call_id(change.id)
    agents = [
        agent._replace(occupied_by="")
        if change.saved is None and agent.occupied_by == change.id
        else agent
        for agent in change.agents
    ]
    rows = sorted(
        (encode_call_id(address), encode_call_id(occupied_by), *times)
        for address, occupied_by, *times, _status in agents
    )
    parts: list[LiteralString] = [_SAVE_AGENTS] if rows else []
    values: list[Any] = [*_to_columns(rows)]
    if change.saved is None:
        parts += (_DELETE_ORCHESTRATION, FORGET_WAITING)
        values += (key, key, key, [row[0] for row in rows], key)
    else:
        parts.append(_SAVE_ORCHESTRATION)
        values += (key, *change.saved[1:])
        values += _add_tasks(parts, key, change)
    add_queue_writes(change, parts, values)
    await connection.execute(f"WITH {', '.join(parts)} SELECT", values, binary=True)


def _add_tasks(
    parts: list[LiteralString], key: bytes, change: OrchestrationChange
) -> Iterator[Any]:
    """Add the statements of the tasks to these parts; returns their values."""
    tasks = {(task.orchestration, task.key): task for task in change.scheduled}
    cancelled = [name for name in change.cancelled if (change.id, name) not in tasks]
    if cancelled:
        parts.append(_CANCEL_TASKS)
        yield from (key, cancelled)
    if tasks:
        parts.append(_SCHEDULE_TASKS)
        yield from _to_columns(
            sorted(
                (encode_call_id(one.orchestration), one.key, one.due, one.payload, one.tries)
                for one in tasks.values()
            )
        )


def _to_columns(rows: Sequence[tuple[Any, ...]]) -> Iterable[list[Any]]:
    return (list(column) for column in zip(*rows, strict=True))


async def _lock_orchestration(connection: Connection, id: str) -> SavedOrchestration | None:  # noqa: A002  # as the rows call it
    key = encode_call_id(id)
    cursor = await connection.execute(_LOAD_ORCHESTRATION, (key,), binary=True)
    row = await cursor.fetchone()
    if row is None:  # no other turn may begin it meanwhile
        await connection.execute(_LOCK_ABSENT, (compute_lock(key),), binary=True)
        cursor = await connection.execute(_LOAD_ORCHESTRATION, (key,), binary=True)
        row = await cursor.fetchone()
    return None if row is None else _make_orchestration(row)


async def _lock_agents(connection: Connection, addresses: Collection[str]) -> dict[str, SavedAgent]:
    keys = {encode_call_id(one) for one in addresses}
    if not keys:
        return {}
    cursor = await connection.execute(_LOCK_AGENTS, (list(keys),), binary=True)
    rows = await cursor.fetchall()
    if len(rows) < len(keys):
        known = {row[0] for row in rows}
        raise UnknownAgentsError([one for one in addresses if encode_call_id(one) not in known])
    return _make_agents(rows)


def _make_orchestration(row: tuple[Any, ...]) -> SavedOrchestration:
    return SavedOrchestration(decode_call_id(row[0]), *row[1:])


def add_statuses(
    agents: Mapping[str, SavedAgent], statuses: Mapping[str, str]
) -> dict[str, SavedAgent]:
    """The agents with their status in a group; who has one is known."""
    unknown = {one: SavedAgent(one, "", 0.0, 0.0) for one in statuses}
    known = {**unknown, **agents}
    return {one: agent._replace(status=statuses.get(one, "")) for one, agent in known.items()}


def _make_agents(rows: Iterable[tuple[Any, ...]]) -> dict[str, SavedAgent]:
    agents = [
        SavedAgent(decode_call_id(address), decode_call_id(occupied_by), *times)
        for address, occupied_by, *times in rows
    ]
    return {agent.address: agent for agent in agents if any(agent[1:5])}
