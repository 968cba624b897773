"""What a journal tells of calls and callbacks, made from the columns of its rows, whichever database
has them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from flowengine.journal.call_outcomes import EARLIER_OUTCOMES, OUTCOMES_BY_WEIGHT
from flowengine.journal.encrypted_part import (
    EncryptedPart,
    TraceTriples,
    decode_part,
    restore_part,
)
from flowengine.journal.event_parts import EventParts, merge_event
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_row import MAX_CACHED_TRACES
from flowengine.journal.leg_rows import JournalLeg, parse_leg
from flowengine.sinch.call_id import decode_call_id

_decode_readable = msgspec.json.Decoder(dict[str, Any]).decode
_decode_trace = msgspec.json.Decoder(TraceTriples).decode


class CallFilter(NamedTuple):
    """Which calls: those that began at `since` or later, on a release, with this outcome; the
    latest `limit` of them (-1: all).
    """

    since: float = 0.0
    release: str = ""
    outcome: str = ""
    limit: int = -1


class CallSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call at a glance. `outcome` is the worst of its callbacks, `reason` is why it ended, and "" while it lasts; `exit` the last choice
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
    """One callback, as people may see it. Those of legs say which call it is, and which leg; in a
    journal of several machines each says which one answered.
    """

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
    machine: str = ""


class RecordedCallback(NamedTuple):
    """One callback of a call, whole; without what was sealed where there is no key for it."""

    at: float
    event: str
    release: str
    outcome: str
    digest: bytes
    encrypted_part: EncryptedPart | None
    has_encrypted_part: bool


def build_summary(row: tuple[Any, ...]) -> CallSummary:
    """The summary of a row: call, at, release, flow, callbacks, until, seconds, weight of the worst
    outcome, reason, whether it has ended, exit, and of the first callback event, readable and own.
    """
    key, *some, worst, reason, ended, left, event, readable, own = row
    call = decode_call_id(key)
    return CallSummary(
        *(
            call,
            *some,
            OUTCOMES_BY_WEIGHT[worst],
            reason or "",
            bool(ended),
            left or "",
            decode_event(event, call, readable, own),
            parse_leg(own),
        )
    )


def build_entry(key: bytes, own: str | None, *row: Any) -> CallbackEntry:
    """The entry of a row, in the order of its query."""
    *columns, outcome, readable, trace, micros, said = row
    call, leg = decode_call_id(key), parse_leg(own)
    shown = merge_readable(columns[1], call, readable, own, trace, micros, said)
    outcome = EARLIER_OUTCOMES.get(outcome, outcome)
    return CallbackEntry(*(*columns, outcome, shown, call if leg else "", leg))


@lru_cache(maxsize=MAX_CACHED_TRACES)
def _decode_shared_event(readable: str) -> Mapping[str, Any]:
    """What many rows have alike of their event; nobody may change it."""
    found: Mapping[str, Any] = _decode_readable(readable)["event"]
    return found


def decode_event(kind: str, call_id: str, readable: str, own: str | None) -> dict[str, Any]:
    """The event as people may read it. In a row of version 2 nothing of it stands by itself."""
    if own is None:
        found: dict[str, Any] = _decode_readable(readable)["event"]
        return found
    parts = EventParts(_decode_shared_event(readable), _decode_readable(own), {})
    return merge_event(kind, call_id, parts)


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


def open_row(row: tuple[Any, ...], key: bytes, encryption: JournalEncryption) -> RecordedCallback:
    at, event, release, outcome, digest, readable, own, trace, said, sealed = row
    content = encryption.open(sealed, key) if sealed is not None else None
    whole = None
    if content is not None and trace is None:
        whole = decode_part(content, said)
    elif content is not None:
        parts = EventParts(_decode_shared_event(readable), _decode_readable(own), {})
        call_id = decode_call_id(key)
        whole = restore_part(content, event, call_id, parts, said, parse_trace(trace), at)
    return RecordedCallback(at, event, release, outcome, digest, whole, sealed is not None)
