"""The calls that wait in queues, and the members who have signed out, in the session file."""

import sqlite3
from typing import Any

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
    QueueEntry,
    QueuePlace,
    SavedAgentStatus,
)

# earlier versions of the server ignore them
QUEUE_TABLES = (
    """CREATE TABLE IF NOT EXISTS queue_entries (queue BLOB NOT NULL, call BLOB, number INTEGER, priority INTEGER NOT NULL,
        entered REAL NOT NULL, offered BLOB NOT NULL, outcome TEXT NOT NULL, ended REAL NOT NULL, PRIMARY KEY (call, number))
        WITHOUT ROWID""",
    """CREATE INDEX IF NOT EXISTS queue_waiting ON queue_entries (queue, priority DESC, entered, call)
        WHERE outcome = ''""",
    "CREATE INDEX IF NOT EXISTS queue_ended ON queue_entries (queue, ended) WHERE outcome != ''",
    """CREATE TABLE IF NOT EXISTS agent_statuses (member_group TEXT, address BLOB, status TEXT NOT NULL, since REAL NOT NULL,
        PRIMARY KEY (member_group, address)) WITHOUT ROWID""",
    # it counts where `since` is that of the status: earlier versions write a status without it
    """CREATE TABLE IF NOT EXISTS agent_signers (member_group TEXT, address BLOB, since REAL NOT NULL, signer TEXT NOT NULL,
        PRIMARY KEY (member_group, address)) WITHOUT ROWID""",
)
_ALL_ENTRIES = (
    "SELECT queue, call, number, priority, entered, offered, outcome, ended FROM queue_entries"
)
_ALL_AGENT_STATUSES = (
    "SELECT member_group, address, status, since, coalesce(signer, '') FROM agent_statuses "
    "LEFT JOIN agent_signers USING (member_group, address, since)"
)
_SAVE_ENTRY = (
    "INSERT INTO queue_entries (queue, call, number, priority, entered, offered, outcome, ended) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call, number) DO UPDATE SET "
    "offered = excluded.offered, outcome = excluded.outcome, ended = excluded.ended "
    "WHERE queue_entries.outcome = ''"
)
_ADD_ENTRY = (
    "INSERT OR IGNORE INTO queue_entries (queue, call, number, priority, entered, offered, outcome, "
    "ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SAVE_AGENT_STATUS = "INSERT OR REPLACE INTO agent_statuses (member_group, address, status, since) VALUES (?, ?, ?, ?)"
_SAVE_SIGNER = "INSERT OR REPLACE INTO agent_signers (member_group, address, since, signer) VALUES (?, ?, ?, ?)"
_COPY_AGENT_STATUS = _SAVE_AGENT_STATUS.replace("OR REPLACE", "OR IGNORE")
_COPY_SIGNER = _SAVE_SIGNER.replace("OR REPLACE", "OR IGNORE")
_WAITING = f"{_ALL_ENTRIES} WHERE queue = ? AND outcome = '' ORDER BY priority DESC, entered, call"
_UNOFFERED = (
    f"{_ALL_ENTRIES} WHERE queue = ? AND outcome = '' AND offered IN (x'', ?) "
    "ORDER BY priority DESC, entered, call LIMIT ?"
)
_ENDED = f"{_ALL_ENTRIES} WHERE queue = ? AND outcome != '' AND ended >= ? ORDER BY ended"
_CALLED_ENTRIES = (
    f"{_ALL_ENTRIES} JOIN orchestrations ON id = call WHERE kind = ? AND outcome = ? "
    "ORDER BY number"
)
_FIND_ENTRY = "SELECT entered FROM queue_entries WHERE call = ? AND number = ?"
_DROP_RESERVATIONS = (
    "DELETE FROM queue_entries WHERE queue = ? AND outcome = '' AND offered = ? AND entered < ?"
)
_COUNT_WAITING = "SELECT count(*) FROM queue_entries WHERE queue = ? AND outcome = ''"
_LATEST_ENTERED = (
    "SELECT coalesce(max(entered), 0.0) FROM queue_entries "
    "WHERE queue = ? AND outcome = '' AND priority = ?"
)
_COUNT_HIGHER = f"{_COUNT_WAITING} AND priority > ?"
_COUNT_EARLIER = f"{_COUNT_WAITING} AND priority = ? AND (entered, call) < (?, ?)"
_ANSWERED_CALLS = (
    "SELECT count(*), coalesce(min(ended), 0.0) FROM (SELECT ended FROM queue_entries "
    "WHERE queue = ? AND outcome != '' AND ended > ? AND outcome = ? ORDER BY ended DESC LIMIT ?)"
)
_WAKE_QUEUES = (
    "INSERT OR REPLACE INTO tasks (orchestration, key, due, payload, tries, claim) "
    "SELECT id, ?, ?, x'', 0, 0 FROM orchestrations WHERE kind = ? AND EXISTS "
    "(SELECT 1 FROM queue_entries WHERE queue = orchestrations.id AND outcome = '')"
)
_FORGET_WAITING = "DELETE FROM queue_entries WHERE call = ? AND outcome = ''"
_DROP_ENTRIES = (
    "DELETE FROM queue_entries "
    "WHERE (outcome NOT IN ('', ?) AND ended < ?) OR (outcome IN ('', ?) AND entered < ?) "
    "OR (outcome = '' AND offered = ? AND entered < ?)"
)
_STATUS = "SELECT status FROM agent_statuses WHERE member_group = ? AND address = ?"


def write_entry(connection: sqlite3.Connection, entry: QueueEntry) -> None:
    connection.execute(_SAVE_ENTRY, _list_values(entry))


def add_entry(connection: sqlite3.Connection, entry: QueueEntry) -> None:
    """Write an entry, unless there is one with the same call and number."""
    connection.execute(_ADD_ENTRY, _list_values(entry))


def _list_values(entry: QueueEntry) -> tuple[Any, ...]:
    queue, call, number, priority, entered, offered, outcome, ended = entry
    keys = encode_call_id(queue), encode_call_id(call)
    return *keys, number, priority, entered, encode_call_id(offered), outcome, ended


def reserve_place(entry: QueueEntry, most: int, connection: sqlite3.Connection) -> float | None:
    """See `OrchestrationStore.reserve_place`."""
    queue, stale = encode_call_id(entry.queue), entry.entered_at - RESERVATION_SECONDS
    connection.execute(_DROP_RESERVATIONS, (queue, encode_call_id(RESERVED), stale))
    own = encode_call_id(entry.call), entry.number
    if known := connection.execute(_FIND_ENTRY, own).fetchone():
        return known[0]  # type: ignore[no-any-return]
    if most and count_waiting(connection, entry.queue) >= most:
        return None
    (latest,) = connection.execute(_LATEST_ENTERED, (queue, entry.priority)).fetchone()
    entered_at: float = max(entry.entered_at, latest + PLACE_SECONDS)
    write_entry(connection, entry._replace(entered_at=entered_at))
    return entered_at


def write_agent_status(connection: sqlite3.Connection, agent_status: SavedAgentStatus) -> None:
    group, address, status, since, signer = agent_status
    key = group, encode_call_id(address)
    connection.execute(_SAVE_AGENT_STATUS, (*key, status, since))
    if signer:
        connection.execute(_SAVE_SIGNER, (*key, since, signer))


def wake_queues(connection: sqlite3.Connection, due: float) -> None:
    """Give each queue in which calls wait a task that is due then."""
    connection.execute(_WAKE_QUEUES, (MATCH_TASK, due, QUEUE_KIND))


def forget_waiting(connection: sqlite3.Connection, call: bytes) -> None:
    """Take a call out of its queue that is no orchestration any more."""
    connection.execute(_FORGET_WAITING, (call,))


def drop_old_entries(connection: sqlite3.Connection, now: float) -> None:
    connection.execute(
        _DROP_ENTRIES,
        (
            CALLED_OUTCOME,
            now - QUEUE_ENTRY_KEPT_SECONDS,
            CALLED_OUTCOME,
            now - WAITING_ENTRY_KEPT_SECONDS,
            encode_call_id(RESERVED),
            now - RESERVATION_SECONDS,
        ),
    )


def copy_queues(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copy what stands in a lost file to its successor, where it is not known yet."""
    new.executemany(_ADD_ENTRY, old.execute(_ALL_ENTRIES).fetchall())
    signed = old.execute(_ALL_AGENT_STATUSES).fetchall()
    new.executemany(_COPY_AGENT_STATUS, [row[:-1] for row in signed])
    new.executemany(
        _COPY_SIGNER,
        [(group, key, since, signer) for group, key, _, since, signer in signed if signer],
    )


def read_unoffered(connection: sqlite3.Connection, queue: str) -> list[QueueEntry]:
    values = encode_call_id(queue), encode_call_id(RESERVED), MAX_MATCHED_CALLS
    rows = connection.execute(_UNOFFERED, values)
    return [_make_entry(row) for row in rows.fetchall()]


def read_entries(connection: sqlite3.Connection, queue: str, since: float) -> list[QueueEntry]:
    key = encode_call_id(queue)
    waiting = connection.execute(_WAITING, (key,)).fetchall()
    return [_make_entry(row) for row in (*waiting, *connection.execute(_ENDED, (key, since)))]


def read_called_entries(connection: sqlite3.Connection, kind: str) -> list[QueueEntry]:
    rows = connection.execute(_CALLED_ENTRIES, (kind, CALLED_OUTCOME))
    return [_make_entry(row) for row in rows.fetchall()]


def read_queue_place(
    connection: sqlite3.Connection, queue: str, place: tuple[int, float, str], since: float
) -> QueuePlace:
    key, (priority, entered, call) = encode_call_id(queue), place
    execute = connection.execute
    (higher,) = execute(_COUNT_HIGHER, (key, priority)).fetchone()
    (earlier,) = execute(_COUNT_EARLIER, (key, priority, entered, encode_call_id(call))).fetchone()
    answered_calls = execute(
        _ANSWERED_CALLS, (key, since, ANSWERED_OUTCOME, LATEST_ANSWERED_CALLS)
    ).fetchone()
    return QueuePlace(higher + earlier, *answered_calls)


def count_waiting(connection: sqlite3.Connection, queue: str) -> int:
    (number,) = connection.execute(_COUNT_WAITING, (encode_call_id(queue),)).fetchone()
    return number  # type: ignore[no-any-return]


def read_status(connection: sqlite3.Connection, group: str, address: str) -> str:
    """Whether a member is signed in to a group, "" where they never signed out."""
    row = connection.execute(_STATUS, (group, encode_call_id(address))).fetchone()
    return row[0] if row else ""


def read_agent_statuses(connection: sqlite3.Connection) -> list[SavedAgentStatus]:
    rows = connection.execute(_ALL_AGENT_STATUSES).fetchall()
    return [SavedAgentStatus(group, decode_call_id(key), *rest) for group, key, *rest in rows]


def _make_entry(row: tuple[Any, ...]) -> QueueEntry:
    queue, call, number, priority, entered, offered, outcome, ended = row
    keys = decode_call_id(queue), decode_call_id(call)
    return QueueEntry(*keys, number, priority, entered, decode_call_id(offered), outcome, ended)
