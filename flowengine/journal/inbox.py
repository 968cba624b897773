"""Callbacks as they were noted, sealed many at once: under load they are written so, and made into
rows in a quieter moment.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_row import JournalRecord, LookupRow, to_lookup_row
from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import CallbackRecord, LocatedCall
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult

# what a batch is sealed for, in place of a call: no call can be passed off as one, nor the other
# way round
INBOX_ASSOCIATED_DATA = b"\ninbox"
_OLDEST_QUERY = "SELECT number, content FROM inbox WHERE NOT unreadable ORDER BY number LIMIT 1"


class InboxEntry(msgspec.Struct, frozen=True, array_like=True):
    """All of a callback that its row is made of."""

    body: bytes
    answer: bytes
    application: str
    release: str
    call: Call | None
    trace: tuple[TraceEntry, ...]
    seconds: float
    fetch_seconds: float
    repeated: bool
    outcome: str
    at: float
    lookups: tuple[LookupRow, ...]
    names: dict[str, Any]
    located: tuple[Call | None, str | None] | None
    format: int = 1


_encode_entries = msgspec.msgpack.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(list[InboxEntry]).decode


def pack_record(noted: JournalRecord) -> InboxEntry:
    record, body, answer = noted
    found = record.located
    return InboxEntry(
        body, answer, record.event.application_key, record.release, record.call, record.trace, record.seconds, record.fetch_seconds,
        record.repeated, record.outcome, record.at, tuple(to_lookup_row(*asked) for asked in record.lookups), dict(record.names),
        (found.call, found.lost_flow) if found else None,
    )  # fmt: skip


def unpack_record(item: InboxEntry, release: Release) -> JournalRecord:
    """The callback as it was noted, but for what no row is made of."""
    event = decode(item.body)
    if event.application_key != item.application:
        event = msgspec.structs.replace(event, application_key=item.application)
    found = LocatedCall(item.located[0], release, 0, item.located[1]) if item.located else None
    asked = [
        (to_request(made), LookupResult(made.status, msgspec.json.decode(made.answer), made.error))
        for made in item.lookups
    ]
    record = CallbackRecord(
        event, item.release, item.call, item.trace, item.seconds, item.fetch_seconds, item.repeated, item.outcome,
        item.at, asked, item.names, found,
    )  # fmt: skip
    return JournalRecord(record, item.body, item.answer)


def to_request(made: LookupRow) -> LookupRequest:
    return LookupRequest(made.service, made.method, made.url, {}, made.body, 0.0, 0)


def write_batch(
    connection: sqlite3.Connection,
    batch: Sequence[JournalRecord],
    at: float,
    encryption: JournalEncryption,
) -> None:
    """Write these callbacks as they are, as one piece. Raises what msgspec raises where one of them
    cannot be.
    """
    content = encryption.seal(
        _encode_entries([pack_record(noted) for noted in batch]), INBOX_ASSOCIATED_DATA
    )
    connection.execute(
        "INSERT INTO inbox (at, callbacks, content) VALUES (?, ?, ?)", (at, len(batch), content)
    )


def read_oldest_batch(
    connection: sqlite3.Connection, encryption: JournalEncryption
) -> tuple[int, list[InboxEntry] | None] | None:
    """The batch whose turn it is, with its number; without its content where no key opens it. None
    where there is none.
    """
    found = connection.execute(_OLDEST_QUERY).fetchone()
    if found is None:
        return None
    content = encryption.open(found[1], INBOX_ASSOCIATED_DATA)
    try:
        return found[0], _decode_entries(content) if content is not None else None
    except msgspec.MsgspecError:  # of another version
        return found[0], None


def measure_backlog(connection: sqlite3.Connection) -> tuple[int, float]:
    """How many callbacks are no rows yet, and since when the first of them waits."""
    query = (
        "SELECT coalesce(sum(callbacks), 0), coalesce(min(at), 0.0) FROM inbox WHERE NOT unreadable"
    )
    found: tuple[int, float] = connection.execute(query).fetchone()
    return found


def count_waiting(connection: sqlite3.Connection) -> int:
    """How many callbacks are no rows yet."""
    return measure_backlog(connection)[0]
