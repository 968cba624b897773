"""The calls that wait in queues, and the members who have signed out, on a PostgreSQL server."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, LiteralString

from flowengine.sinch.call_id import decode_call_id, encode_call_id
from flowengine.storage.sessions.orchestration_rows import (
    ANSWERED_OUTCOME,
    CALLED_OUTCOME,
    LATEST_ANSWERED_CALLS,
    MATCH_TASK,
    MAX_MATCHED_CALLS,
    PLACE_SECONDS,
    QUEUE_ENTRY_KEPT_SECONDS,
    QUEUE_KIND,
    RESERVATION_SECONDS,
    RESERVED,
    WAITING_ENTRY_KEPT_SECONDS,
    OrchestrationChange,
    QueueEntry,
    QueuePlace,
    SavedAgentStatus,
)
from flowengine.storage.sessions.pipelined_connection import PipelinedConnection
from flowengine.storage.sessions.turn_connections import Connection

QUEUE_TABLES_VERSION = 1
POSTGRESQL_QUEUE_TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE flowengine.queue_entries (queue BYTEA NOT NULL, call BYTEA, number INTEGER, priority INTEGER NOT NULL,
        entered DOUBLE PRECISION NOT NULL, offered BYTEA NOT NULL, outcome TEXT NOT NULL, ended DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (call, number))""",
    """CREATE INDEX queue_waiting ON flowengine.queue_entries (queue, priority DESC, entered, call)
        WHERE outcome = ''""",
    "CREATE INDEX queue_ended ON flowengine.queue_entries (queue, ended) WHERE outcome <> ''",
    """CREATE TABLE flowengine.agent_statuses (member_group TEXT, address BYTEA, status TEXT NOT NULL,
        since DOUBLE PRECISION NOT NULL, PRIMARY KEY (member_group, address))""",
)
DROP_OLD_ENTRIES: LiteralString = (
    "DELETE FROM flowengine.queue_entries "
    "WHERE (outcome NOT IN ('', %b) AND ended < %b) OR (outcome IN ('', %b) AND entered < %b) "
    "OR (outcome = '' AND offered = %b AND entered < %b)"
)
FORGET_WAITING: LiteralString = (
    "unqueued AS (DELETE FROM flowengine.queue_entries WHERE call = %b AND outcome = '')"
)
_ALL_ENTRIES: LiteralString = (
    "SELECT queue, call, number, priority, entered, offered, outcome, ended "
    "FROM flowengine.queue_entries"
)
_ENTRIES: LiteralString = (
    "INSERT INTO flowengine.queue_entries (queue, call, number, priority, entered, offered, "
    "outcome, ended) SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::int[], %b::int[], "
    "%b::float8[], %b::bytea[], %b::text[], %b::float8[]) ON CONFLICT (call, number) "
)
_SAVE_ENTRIES: LiteralString = (
    f"entered AS ({_ENTRIES} DO UPDATE SET "
    "offered = excluded.offered, outcome = excluded.outcome, ended = excluded.ended "
    "WHERE queue_entries.outcome = '')"
)
_ADD_ENTRIES: LiteralString = f"added AS ({_ENTRIES} DO NOTHING)"
_SAVE_AGENT_STATUSES: LiteralString = (
    "signed AS (INSERT INTO flowengine.agent_statuses (member_group, address, status, since) "
    "SELECT * FROM unnest(%b::text[], %b::bytea[], %b::text[], %b::float8[]) "
    "ON CONFLICT (member_group, address) DO UPDATE SET status = excluded.status, "
    "since = excluded.since)"
)
# A table of its own, and no column: servers of before write a status without it.
AGENT_SIGNERS_VERSION = 1
POSTGRESQL_AGENT_SIGNER_TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE flowengine.agent_signers (member_group TEXT, address BYTEA, since DOUBLE PRECISION NOT NULL,
        signer TEXT NOT NULL, PRIMARY KEY (member_group, address))""",
)
_SAVE_AGENT_SIGNER: LiteralString = (
    "noted AS (INSERT INTO flowengine.agent_signers (member_group, address, since, signer) "
    "VALUES (%b, %b, %b, %b) ON CONFLICT (member_group, address) DO UPDATE SET "
    "since = excluded.since, signer = excluded.signer)"
)
_WAKE_QUEUES: LiteralString = (
    "woken AS (INSERT INTO flowengine.tasks (orchestration, key, due, payload, tries, claim) "
    "SELECT id, %b, %b, '', 0, 0 FROM flowengine.orchestrations AS queue WHERE kind = %b "
    "AND EXISTS (SELECT 1 FROM flowengine.queue_entries AS entry WHERE entry.queue = queue.id "
    "AND outcome = '') ORDER BY id ON CONFLICT (orchestration, key) DO UPDATE SET "
    "due = excluded.due, payload = excluded.payload, tries = 0, claim = 0)"
)
_WAITING: LiteralString = (
    f"{_ALL_ENTRIES} WHERE queue = %b AND outcome = '' ORDER BY priority DESC, entered, call"
)
_UNOFFERED: LiteralString = (
    f"{_ALL_ENTRIES} WHERE queue = %b AND outcome = '' AND offered IN ('', %b) "
    "ORDER BY priority DESC, entered, call LIMIT %b"
)
_ENDED: LiteralString = (
    f"{_ALL_ENTRIES} WHERE queue = %b AND outcome <> '' AND ended >= %b ORDER BY ended"
)
_CALLED_ENTRIES: LiteralString = (
    f"{_ALL_ENTRIES} JOIN flowengine.orchestrations ON id = call "
    "WHERE kind = %b AND outcome = %b ORDER BY number"
)
_READ_PLACE: LiteralString = (
    "SELECT (SELECT count(*) FROM flowengine.queue_entries WHERE queue = %b AND outcome = '' "
    "AND priority > %b) + (SELECT count(*) FROM flowengine.queue_entries WHERE queue = %b "
    "AND outcome = '' AND priority = %b AND (entered, call) < (%b, %b)), "
    "count(ended), coalesce(min(ended), 0) FROM (SELECT ended FROM flowengine.queue_entries "
    "WHERE queue = %b AND outcome <> '' AND ended > %b AND outcome = %b "
    "ORDER BY ended DESC LIMIT %b) AS answered_calls"
)
_COUNT_WAITING: LiteralString = (
    "SELECT count(*) FROM flowengine.queue_entries WHERE queue = %b AND outcome = ''"
)
_LOCK_QUEUE: LiteralString = "SELECT pg_advisory_xact_lock(%b)"
# The lock is taken before: it reads what is committed then.
_RESERVE_PLACE: LiteralString = (
    "INSERT INTO flowengine.queue_entries (queue, call, number, priority, entered, offered, outcome, "
    "ended) SELECT %b::bytea, %b::bytea, %b::int, %b::int, greatest(%b::float8, (SELECT max(entered) "
    "+ %b FROM flowengine.queue_entries WHERE queue = %b AND outcome = '' AND priority = %b)), "
    "%b::bytea, '', 0 WHERE %b::int = 0 OR (SELECT count(*) FROM flowengine.queue_entries "
    "WHERE queue = %b AND outcome = '') < %b ON CONFLICT (call, number) DO NOTHING"
)
_FORGET_RESERVATIONS: LiteralString = (
    "DELETE FROM flowengine.queue_entries WHERE queue = %b AND outcome = '' AND offered = %b "
    "AND entered < %b"
)
_FIND_OWN_ENTRY: LiteralString = (
    "SELECT entered FROM flowengine.queue_entries WHERE call = %b AND number = %b"
)
_GROUP_STATUSES: LiteralString = (
    "SELECT address, status FROM flowengine.agent_statuses "
    "WHERE member_group = %b AND address = ANY(%b::bytea[])"
)
_ALL_AGENT_STATUSES: LiteralString = (
    "SELECT member_group, address, status, since, coalesce(signer, '') "
    "FROM flowengine.agent_statuses LEFT JOIN flowengine.agent_signers "
    "USING (member_group, address, since) WHERE member_group <> %b"
)


def add_queue_writes(
    change: OrchestrationChange, parts: list[LiteralString], values: list[Any]
) -> None:
    """Add the statements of what a turn writes for queues, and their values."""
    for statement, entries in (
        (_SAVE_ENTRIES, change.entries),
        (_ADD_ENTRIES, change.new_entries),
    ):
        if entries:
            parts.append(statement)
            rows = sorted(
                (_encode(queue), _encode(call), *rest, _encode(offered), outcome, ended)
                for queue, call, *rest, offered, outcome, ended in entries
            )
            values += (list(column) for column in zip(*rows, strict=True))
    if change.agent_statuses:
        parts.append(_SAVE_AGENT_STATUSES)
        signed = sorted(
            (group, _encode(address), status, since)
            for group, address, status, since, _ in change.agent_statuses
        )
        values += (list(column) for column in zip(*signed, strict=True))
    if change.wakes_queues is not None:
        parts.append(_WAKE_QUEUES)
        values += (MATCH_TASK, change.wakes_queues, QUEUE_KIND)


async def save_agent_status(connection: Connection, agent_status: SavedAgentStatus) -> None:
    """Write that a member has signed in or out, and wake all queues."""
    parts: list[LiteralString] = []
    values: list[Any] = []
    change = OrchestrationChange(
        "", None, agent_statuses=(agent_status,), wakes_queues=agent_status.since
    )
    add_queue_writes(change, parts, values)
    if agent_status.signer:
        group, address, _, since, signer = agent_status
        parts.append(_SAVE_AGENT_SIGNER)
        values += (group, _encode(address), since, signer)
    await connection.execute(f"WITH {', '.join(parts)} SELECT", values, binary=True)


async def wake_queues(due: float, connection: Connection) -> None:
    """Give each queue in which calls wait a task that is due then."""
    values = MATCH_TASK, due, QUEUE_KIND
    await connection.execute(f"WITH {_WAKE_QUEUES} SELECT", values, binary=True)


async def reserve_place(entry: QueueEntry, most: int, connection: Connection) -> float | None:
    """See `OrchestrationStore.reserve_place`. Callers who come to one queue wait for each other."""
    queue, call = _encode(entry.queue), _encode(entry.call)
    own, entered_at, reserved = (call, entry.number), entry.entered_at, _encode(entry.offered)
    place = entry.priority, entered_at, PLACE_SECONDS, queue, entry.priority
    row = queue, *own, *place, reserved, most, queue, most
    async with connection.pipeline():
        await connection.execute(_LOCK_QUEUE, (compute_lock(queue),), binary=True)
        stale = entered_at - RESERVATION_SECONDS
        await connection.execute(_FORGET_RESERVATIONS, (queue, reserved, stale), binary=True)
        await connection.execute(_RESERVE_PLACE, row, binary=True)
        cursor = await connection.execute(_FIND_OWN_ENTRY, own, binary=True)
    found = await cursor.fetchone()
    return found[0] if found else None


def compute_lock(key: bytes) -> int:
    """The advisory lock of an orchestration."""
    digest = blake2b(key, digest_size=8, person=b"fe orchestration").digest()
    return int.from_bytes(digest, "big", signed=True)


def list_drop_values(now: float) -> tuple[str, float, str, float, bytes, float]:
    """The values of `DROP_OLD_ENTRIES`."""
    ended, entered = now - QUEUE_ENTRY_KEPT_SECONDS, now - WAITING_ENTRY_KEPT_SECONDS
    reserved = _encode(RESERVED), now - RESERVATION_SECONDS
    return CALLED_OUTCOME, ended, CALLED_OUTCOME, entered, *reserved


async def read_unoffered(connection: Connection, queue: str) -> list[QueueEntry]:
    values = _encode(queue), _encode(RESERVED), MAX_MATCHED_CALLS
    cursor = await connection.execute(_UNOFFERED, values, binary=True)
    return [_make_entry(row) for row in await cursor.fetchall()]


async def read_statuses(
    connection: Connection, group: str, addresses: Iterable[str]
) -> dict[str, str]:
    """Of these members of a group, those who have ever signed out, with their status."""
    keys = [_encode(one) for one in addresses]
    cursor = await connection.execute(_GROUP_STATUSES, (group, keys), binary=True)
    return _make_statuses(await cursor.fetchall())


async def load_statuses(
    reader: PipelinedConnection, group: str, addresses: Iterable[str]
) -> dict[str, str]:
    """The same, outside of a turn."""
    return _make_statuses(
        await reader.run(_GROUP_STATUSES, group, [_encode(one) for one in addresses])
    )


async def read_queue_place(
    reader: PipelinedConnection, queue: str, place: tuple[int, float, str], since: float
) -> QueuePlace:
    key, (priority, entered, call) = _encode(queue), place
    own = (key, priority, key, priority, entered, _encode(call))
    latest = (key, since, ANSWERED_OUTCOME, LATEST_ANSWERED_CALLS)
    return QueuePlace(*(await reader.run(_READ_PLACE, *own, *latest))[0])


async def count_waiting(reader: PipelinedConnection, queue: str) -> int:
    ((number,),) = await reader.run(_COUNT_WAITING, _encode(queue))
    return number  # type: ignore[no-any-return]


async def read_entries(reader: PipelinedConnection, queue: str, since: float) -> list[QueueEntry]:
    key = _encode(queue)
    rows = [*await reader.run(_WAITING, key), *await reader.run(_ENDED, key, since)]
    return [_make_entry(row) for row in rows]


async def read_called_entries(reader: PipelinedConnection, kind: str) -> list[QueueEntry]:
    return [_make_entry(row) for row in await reader.run(_CALLED_ENTRIES, kind, CALLED_OUTCOME)]


async def read_agent_statuses(reader: PipelinedConnection) -> list[SavedAgentStatus]:
    rows = await reader.run(_ALL_AGENT_STATUSES, "")
    return [SavedAgentStatus(group, decode_call_id(key), *rest) for group, key, *rest in rows]


def _make_statuses(rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    return {decode_call_id(address): status for address, status in rows}


def _make_entry(row: tuple[Any, ...]) -> QueueEntry:
    queue, call, number, priority, entered, offered, outcome, ended = row
    keys = decode_call_id(queue), decode_call_id(call)
    return QueueEntry(*keys, number, priority, entered, decode_call_id(offered), outcome, ended)


_encode = encode_call_id
