"""A callback and what came of it, as a row of the journal."""

import hashlib
import re
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from flowengine.compile import Release
from flowengine.journal.encrypted_part import (
    TraceTriples,
    compress_answer,
    encode_hidden_fields,
)
from flowengine.journal.event_parts import split_event
from flowengine.journal.intern_tables import Dimension
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.leg_rows import add_leg
from flowengine.journal.masking import REASON_MARK, mask_reason
from flowengine.journal.redaction import (
    SECRET_DIGIT_RUN,
    Redaction,
    build_redaction,
    may_hold_words,
)
from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import Dice, Pie
from flowengine.sinch.call_id import encode_call_id

OWN_COOKIE_PREFIX = b'{"name":"setCookie","key":"' + COOKIE_KEY.encode() + b'","value":"'
ACTION_PATTERN = re.compile(rb'"action":\{"name":"(\w+)"')
NON_EXIT_PATTERN = re.compile(
    r"(answers|apology|shortened|too many|release )|(asks|enters|returns|failed:) ?"
)
INSTRUCTIONS_START = b'"instructions":['
REPEATED_OUTCOME = "repeated"
NO_FIELDS = "{}"
DIGEST_BYTES = 8  # enough to tell the callbacks of one call apart
MAX_CACHED_ANSWERS = 1024
MAX_CACHED_TRACES = 2048
_to_json = msgspec.json.Encoder().encode


class JournalRecord(NamedTuple):
    """What the server notes of a callback: nothing is worked out while a caller waits."""

    record: CallbackRecord
    body: bytes
    answer: bytes


class JournalRow(msgspec.Struct, frozen=True, gc=False):
    """A row before its common parts are interned. `readable` has the event with the lookups, `own`
    what of the event hardly another caller brings, `said` the answer, as JSON; `is_anonymous` says
    that nobody is named there, so that `readable` may outlive the call. `micros` is how long
    answering took.
    """

    call: bytes
    digest: bytes
    at: float
    step: int
    seconds: int
    micros: int
    dimension: Dimension
    readable: str
    own: str
    said: str
    sealed: bytes | None
    is_anonymous: bool


def build_row(
    noted: JournalRecord,
    release: Release,
    encryption: JournalEncryption | None,
    nonce: bytes = b"",
) -> JournalRow:
    """The row of a callback, as the project of its release wants it kept."""
    record, body, answer_body = noted
    event, call = record.event, record.call
    key, at, redaction = (
        encode_call_id(event.call_id), record.at or time.time(), build_redaction(record, release),
    )  # fmt: skip
    answer = redact_answer(redaction, strip_own_cookie(answer_body))
    way = describe_trace(record.trace, redaction.run == 0)
    outcome, action, said, sealed = record.outcome, answer.action, answer.readable, None
    parts = split_event(event, redaction)
    own = parts.own if record.leg is None else add_leg(parts.own, record.leg)
    if record.repeated:
        # of a repetition nothing is known that could be hidden in its answer
        outcome, said = REPEATED_OUTCOME, NO_FIELDS
    elif encryption is not None and release.journal.replay and record.release:
        content = encode_hidden_fields(record, parts.hidden, answer.hidden, way.hidden, at)
        sealed = encryption.seal(content, key, nonce)
    reason, seconds = "", 0
    if type(event) is Dice:
        reason, seconds = event.reason, event.duration
    elif type(event) is Pie and event.menu_result.type == "hangup":
        action = ""  # nobody hears the hangup that answers a caller who has hung up
    flow, state, step = (call.flow, call.state, call.steps) if call else ("", "", 0)
    dimension = Dimension(
        event.kind, record.release, flow, state, outcome, action, way.exit, reason, way.readable
    )
    return JournalRow(
        key, digest_body(body), at, step, seconds, round(record.seconds * 1e6), dimension,
        encode_readable_part(record, parts.readable), _to_json(own).decode() if own else NO_FIELDS,
        said, sealed, redaction.numbers and redaction.words,
    )  # fmt: skip


def digest_body(body: bytes) -> bytes:
    """What tells a repeated delivery from another callback of the same call."""
    return hashlib.blake2b(body, digest_size=16).digest()[:DIGEST_BYTES]


class RedactedAnswer(NamedTuple):
    """An answer as people may read it, what it takes to have it whole, and its action."""

    readable: str
    hidden: bytes
    action: str


def redact_answer(redaction: Redaction, answer: bytes) -> RedactedAnswer:
    """Most answers are the same for many callers, and few hold the values of their caller."""
    if redaction.values:
        if may_hold_words(answer.decode(), redaction.values):
            return _redact_answer(redaction, answer)
        redaction = Redaction(redaction.numbers, redaction.words, redaction.run)
    # an answer may speak the digits of a secret, which must not stay in memory
    if redaction.run == SECRET_DIGIT_RUN:
        return _redact_answer(redaction, answer)
    return _redact_answer_cached(redaction, answer)


def _redact_answer(redaction: Redaction, answer: bytes) -> RedactedAnswer:
    shown = redaction.redact_answer(answer)
    hidden = b"" if shown == answer else compress_answer(answer, shown)
    action = ACTION_PATTERN.search(answer)
    return RedactedAnswer(shown.decode(), hidden, action[1].decode() if action else "")


_redact_answer_cached = lru_cache(maxsize=MAX_CACHED_ANSWERS)(_redact_answer)


def strip_own_cookie(answer: bytes) -> bytes:
    """An answer without the state that it carries: nobody can read that, and it makes equal answers
    differ.
    """
    while True:
        # a search for bytes from the end, as an expression takes as long as the rest of a row
        before, found, rest = answer.rpartition(OWN_COOKIE_PREFIX)
        if not found:
            return answer
        after = rest.partition(b'"}')[2]
        if before.endswith(b","):
            answer = before[:-1] + after
        elif after.startswith(b","):
            answer = before + after[1:]
        else:  # it was the only instruction
            answer = before.removesuffix(INSTRUCTIONS_START) + after.removeprefix(b"],")


def find_last_exit(trace: Sequence[TraceEntry]) -> str:
    """The exit that tells most of where a callback has led: the last that was a choice, else the
    last one.
    """
    found = ""
    for entry in trace:
        if entry.what == "answers":
            break
        if entry.is_note:
            continue
        if not NON_EXIT_PATTERN.match(entry.what) and (
            entry.what != "next" or not found or found.endswith(": next")
        ):
            found = f"{entry.flow}/{entry.state}: {entry.what}"
    return found


class DescribedTrace(NamedTuple):
    """A trace as people may read it (JSON), what it takes to have it whole, and its exit."""

    readable: str
    hidden: TraceTriples
    exit: str


def describe_trace(trace: tuple[TraceEntry, ...], is_clear: bool) -> DescribedTrace:
    """What the journal keeps of a trace: all of it, or without what reasons may quote."""
    for entry in trace:
        # a reason may quote what a caller pressed, which must not stay in memory
        if REASON_MARK in entry.what:
            return _describe_trace(trace, is_clear)
    return _describe_trace_cached(trace, is_clear)


def _describe_trace(trace: tuple[TraceEntry, ...], is_clear: bool) -> DescribedTrace:
    whole = tuple((entry.flow, entry.state, entry.what) for entry in trace)
    shown = whole if is_clear else tuple((*place, mask_reason(what)) for *place, what in whole)
    return DescribedTrace(
        _to_json(shown).decode(), () if shown == whole else whole, find_last_exit(trace)
    )


# the ways through a flow are few
_describe_trace_cached = lru_cache(maxsize=MAX_CACHED_TRACES)(_describe_trace)


def encode_readable_part(record: CallbackRecord, event: str) -> str:
    """What people may read of a callback, with this JSON of its event."""
    if not record.lookups:
        return f'{{"event":{event}}}'
    lookups = [
        f"{request.service}: {fetched.error or fetched.status}"
        for request, fetched in record.lookups
    ]
    return f'{{"event":{event},"lookups":{_to_json(lookups).decode()}}}'
