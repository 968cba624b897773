"""Reads the journal, while servers write it."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from flowengine.journal.encrypted_part import (
    EncryptedPart,
    TraceTriples,
    decode_part,
    restore_part,
)
from flowengine.journal.event_parts import EventParts, merge_event
from flowengine.journal.inbox_of_version_2 import count_waiting
from flowengine.journal.journal_database import (
    JOURNAL_BUSY_SECONDS,
    JournalError,
    format_read_error,
    open_for_reading,
)
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_row import MAX_CACHED_TRACES
from flowengine.journal.leg_rows import JournalLeg, format_leg_mark, parse_leg
from flowengine.journal.losses import count_losses
from flowengine.sinch.call_id import decode_call_id, encode_call_id

_SUMMARIES_QUERY = """
SELECT first.call, first.at, first.release, first.flow, count(*), max(rows.at), max(rows.seconds),
    max(CASE rows.outcome WHEN 'error' THEN 3 WHEN 'apology' THEN 2 WHEN 'unrouted' THEN 1 ELSE 0 END),
    max(CASE WHEN rows.event = 'dice' THEN rows.reason END), max(rows.event = 'dice'),
    (SELECT exit FROM rows AS last WHERE last.call = first.call AND exit != '' AND event NOT IN ('dice', 'notify')
        ORDER BY number DESC LIMIT 1),
    first.event, first.readable, first.own
FROM rows AS first JOIN rows ON rows.call = first.call
WHERE first.number = (SELECT min(number) FROM callbacks AS earliest WHERE earliest.call = first.call)
    AND first.at >= :since AND (:release = '' OR first.release = :release)
    AND (:outcome = '' OR EXISTS (SELECT 1 FROM rows AS some WHERE some.call = first.call AND some.outcome = :outcome))
GROUP BY first.number ORDER BY first.number DESC LIMIT :limit
"""
_CALLBACKS_QUERY = (
    "SELECT call, own, at, event, release, flow, state, step, outcome, readable, trace, micros, said "
    "FROM rows WHERE {} ORDER BY at, number"
)
_RECORDED_QUERY = """
SELECT at, event, release, outcome, digest, readable, own, trace, said, sealed
FROM rows WHERE call = ? ORDER BY at, number
"""
_decode_readable = msgspec.json.Decoder(dict[str, Any]).decode
_decode_trace = msgspec.json.Decoder(TraceTriples).decode
_OUTCOMES_BY_SEVERITY = ("answered", "unrouted", "apology", "error")


class CallFilter(NamedTuple):
    """Which calls: those that began at `since` or later, on a release, with some outcome; the
    latest `limit` of them (-1: all).
    """

    since: float = 0.0
    release: str = ""
    outcome: str = ""
    limit: int = -1


class CallSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call at a glance. `reason` is why it ended, and "" while it lasts; `exit` the last choice
    on its way; `leg` says which leg of a ring it is, if it is one.
    """

    call: str
    at: float
    release: str
    flow: str
    callbacks: int
    until: float
    seconds: int
    outcome: str
    reason: str
    ended: bool
    exit: str
    event: dict[str, Any]
    leg: JournalLeg | None = None


class CallbackEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One callback, as people may see it. Those of legs say which call it is, and which leg."""

    at: float
    event: str
    release: str
    flow: str
    state: str
    step: int
    outcome: str
    shown: dict[str, Any]
    call: str = ""
    leg: JournalLeg | None = None


class RecordedCall(NamedTuple):
    """One callback of a call, whole; without what was sealed where there is no key for it."""

    at: float
    event: str
    release: str
    outcome: str
    digest: bytes
    encrypted_part: EncryptedPart | None
    has_encrypted_part: bool


class JournalReader:
    """A journal, opened to be read. Raises JournalError where there is none, and wherever it cannot
    be read.
    """

    def __init__(self, path: Path, busy_seconds: float = JOURNAL_BUSY_SECONDS) -> None:
        self._path = path
        self.connection = open_for_reading(path, busy_seconds)

    def list_calls(self, wanted: CallFilter) -> list[CallSummary]:
        """The calls that are wanted, the latest first."""
        rows = self._fetch_rows(_SUMMARIES_QUERY, wanted._asdict())
        return [
            CallSummary(
                *(
                    decode_call_id(key),
                    *some,
                    _OUTCOMES_BY_SEVERITY[worst],
                    reason or "",
                    bool(ended),
                    left or "",
                    decode_event(event, decode_call_id(key), readable, own),
                    parse_leg(own),
                )
            )
            for key, *some, worst, reason, ended, left, event, readable, own in rows
        ]

    def list_callbacks(self, call: str) -> list[CallbackEntry]:
        """The callbacks of a call in order."""
        rows = self._fetch_rows(_CALLBACKS_QUERY.format("call = ?"), (encode_call_id(call),))
        return [build_entry(*row) for row in rows]

    def list_leg_callbacks(self, caller: str, since: float, until: float) -> list[CallbackEntry]:
        """The callbacks in this time of all legs of a caller, in order."""
        query = _CALLBACKS_QUERY.format("at BETWEEN ? AND ? AND instr(own, ?)")
        rows = self._fetch_rows(query, (since, until, format_leg_mark(caller)))
        return [build_entry(*row) for row in rows]

    def find_call_ids(self, call: str) -> list[str]:
        """The ids that begin so; a few of them where there are many."""
        key = encode_call_id(call)
        query = "SELECT DISTINCT call FROM callbacks WHERE substr(call, 1, ?) = ? LIMIT 5"
        return [decode_call_id(found) for (found,) in self._fetch_rows(query, (len(key), key))]

    def iter_recorded_calls(
        self, since: float, encryption: JournalEncryption
    ) -> Iterator[tuple[str, list[RecordedCall]]]:
        """All calls that began since then, each with its callbacks in order, whole."""
        began = "SELECT call FROM callbacks GROUP BY call HAVING min(at) >= ? ORDER BY min(number)"
        for (key,) in self._fetch_rows(began, (since,)):
            recorded = self.load_recorded_call(decode_call_id(key), encryption)
            if any(one.release for one in recorded):  # no release answers a leg
                yield decode_call_id(key), recorded

    def load_recorded_call(self, call: str, encryption: JournalEncryption) -> list[RecordedCall]:
        """The callbacks of a call in order, whole."""
        key = encode_call_id(call)
        rows = self._fetch_rows(_RECORDED_QUERY, (key,))
        return [open_row(row, key, encryption) for row in rows]

    def count_waiting(self) -> int:
        """How many callbacks are no rows yet, as a server of version 2 was busy or was killed."""
        with self._translate_errors():
            return count_waiting(self.connection)

    def count_lost(self, since: float) -> int:
        """How many callbacks since then are missing, as they could not be written."""
        with self._translate_errors():
            return count_losses(self.connection, since)

    def _fetch_rows(
        self, query: str, values: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        with self._translate_errors():
            return self.connection.execute(query, values).fetchall()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(format_read_error(self._path, error)) from error

    def close(self) -> None:
        self.connection.close()


def build_entry(key: bytes, own: str | None, *row: Any) -> CallbackEntry:
    """The entry of a row, in the order of its query."""
    *columns, readable, trace, micros, said = row
    call, leg = decode_call_id(key), parse_leg(own)
    shown = merge_readable(columns[1], call, readable, own, trace, micros, said)
    return CallbackEntry(*(*columns, shown, call if leg else "", leg))


def decode_parts(readable: str, own: str) -> EventParts:
    """What people may read of an event."""
    return EventParts(_decode_readable(readable)["event"], _decode_readable(own), {})


def decode_event(kind: str, call_id: str, readable: str, own: str | None) -> dict[str, Any]:
    """The event as people may read it. In a row of version 2 nothing of it stands by itself."""
    if own is None:
        found: dict[str, Any] = _decode_readable(readable)["event"]
        return found
    return merge_event(kind, call_id, decode_parts(readable, own))


@lru_cache(maxsize=MAX_CACHED_TRACES)
def parse_trace(trace: str) -> TraceTriples:
    return _decode_trace(trace)


@lru_cache(maxsize=MAX_CACHED_TRACES)
def format_trace(trace: str) -> tuple[str, ...]:
    """The lines of a trace, as people may read them."""
    return tuple(f"{flow}/{state}: {what}" for flow, state, what in parse_trace(trace))


def merge_readable(
    kind: str,
    call_id: str,
    readable: str,
    own: str | None,
    trace: str | None,
    micros: int | None,
    said: str,
) -> dict[str, Any]:
    """What people may read of a callback. In a row of version 2 all but the answer stands in
    `readable`.
    """
    found = _decode_readable(readable)
    if trace is not None and own is not None:
        parts = EventParts(found.pop("event"), _decode_readable(own), {})
        event, more = merge_event(kind, call_id, parts), found
        found = {"event": event, "trace": [*format_trace(trace)], "ms": (micros or 0) / 1000}
        found |= more
    return {**found, "answer": msgspec.json.decode(said)}


def open_row(row: tuple[Any, ...], key: bytes, encryption: JournalEncryption) -> RecordedCall:
    at, event, release, outcome, digest, readable, own, trace, said, sealed = row
    content = encryption.open(sealed, key) if sealed is not None else None
    whole = None
    if content is not None and trace is None:
        whole = decode_part(content, said)
    elif content is not None:
        parts, call_id = decode_parts(readable, own), decode_call_id(key)
        whole = restore_part(content, event, call_id, parts, said, parse_trace(trace), at)
    return RecordedCall(at, event, release, outcome, digest, whole, sealed is not None)
