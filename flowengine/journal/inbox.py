"""Callbacks as they were noted, sealed many at once: under load they are written so, and made into
rows in a quieter moment.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal.row import Lookup, Noted, lookup
from flowengine.journal.seal import Sealer
from flowengine.runtime.call import Call
from flowengine.runtime.engine import LocatedCall, Record
from flowengine.runtime.step import Entry
from flowengine.sinch import decode
from flowengine.states import Fetched, Request

# what a batch is sealed for, in place of a call: no call can be passed off as one, nor the other
# way round
BOUND_TO = b"\ninbox"
_OLDEST = "SELECT number, content FROM inbox WHERE NOT unreadable ORDER BY number LIMIT 1"


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """All of a callback that its row is made of."""

    body: bytes
    answer: bytes
    application: str
    release: str
    call: Call | None
    trace: tuple[Entry, ...]
    seconds: float
    fetch_seconds: float
    repeated: bool
    outcome: str
    at: float
    asked: tuple[Lookup, ...]
    names: dict[str, Any]
    found: tuple[Call | None, str | None] | None
    format: int = 1


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Packed]).decode


def packed(noted: Noted) -> Packed:
    record, body, answer = noted
    found = record.found
    return Packed(
        body, answer, record.event.application_key, record.release, record.call, record.trace, record.seconds, record.fetch_seconds,
        record.repeated, record.outcome, record.at, tuple(lookup(*asked) for asked in record.asked), dict(record.names),
        (found.call, found.gone) if found else None,
    )  # fmt: skip


def unpacked(item: Packed, release: Release) -> Noted:
    """The callback as it was noted, but for what no row is made of."""
    event = decode(item.body)
    if event.application_key != item.application:
        event = msgspec.structs.replace(event, application_key=item.application)
    found = LocatedCall(item.found[0], release, 0, item.found[1]) if item.found else None
    asked = [
        (request(made), Fetched(made.status, msgspec.json.decode(made.answer), made.error))
        for made in item.asked
    ]
    record = Record(
        event, item.release, item.call, item.trace, item.seconds, item.fetch_seconds, item.repeated, item.outcome,
        item.at, asked, item.names, found,
    )  # fmt: skip
    return Noted(record, item.body, item.answer)


def request(made: Lookup) -> Request:
    return Request(made.service, made.method, made.url, {}, made.body, 0.0, 0)


def stow(connection: sqlite3.Connection, batch: Sequence[Noted], at: float, sealer: Sealer) -> None:
    """Write these callbacks as they are, as one piece. Raises what msgspec raises where one of them
    cannot be.
    """
    content = sealer.seal(_encode([packed(noted) for noted in batch]), BOUND_TO)
    connection.execute(
        "INSERT INTO inbox (at, callbacks, content) VALUES (?, ?, ?)", (at, len(batch), content)
    )


def oldest(
    connection: sqlite3.Connection, sealer: Sealer
) -> tuple[int, list[Packed] | None] | None:
    """The batch whose turn it is, with its number; without its content where no key opens it. None
    where there is none.
    """
    found = connection.execute(_OLDEST).fetchone()
    if found is None:
        return None
    content = sealer.open(found[1], BOUND_TO)
    try:
        return found[0], _decode(content) if content is not None else None
    except msgspec.MsgspecError:  # of another version
        return found[0], None


def behind(connection: sqlite3.Connection) -> tuple[int, float]:
    """How many callbacks are no rows yet, and since when the first of them waits."""
    query = (
        "SELECT coalesce(sum(callbacks), 0), coalesce(min(at), 0.0) FROM inbox WHERE NOT unreadable"
    )
    found: tuple[int, float] = connection.execute(query).fetchone()
    return found


def waiting(connection: sqlite3.Connection) -> int:
    """How many callbacks are no rows yet."""
    return behind(connection)[0]
