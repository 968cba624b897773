"""A callback and what came of it, as a row of the journal."""

import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.masking import format_trace_entry
from flowengine.journal.redaction import REDACTED_TEXT, Redaction, build_redaction
from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import CallbackEvent, Dice, Pie
from flowengine.sinch.call_id import encode_call_id
from flowengine.states import LookupRequest, LookupResult

OWN_COOKIE_PREFIX = b'{"name":"setCookie","key":"' + COOKIE_KEY.encode() + b'","value":"'
ACTION_PATTERN = re.compile(rb'"action":\{"name":"(\w+)"')
NON_EXIT_PATTERN = re.compile(
    r"(answers|apology|shortened|too many|release )|(asks|enters|returns|failed:) ?"
)
REPEATED_OUTCOME = "repeated"
EMPTY_DESTINATION = {"type": "", "endpoint": ""}
_to_json = msgspec.json.Encoder().encode
_to_bytes = msgspec.msgpack.Encoder().encode


class JournalRecord(NamedTuple):
    """What the server notes of a callback: nothing is worked out while a caller waits."""

    record: CallbackRecord
    body: bytes
    answer: bytes


class LookupRow(msgspec.Struct, frozen=True, array_like=True):
    """A request that a step has made, and what came of it. Headers are not kept: secrets stand
    there. Bodies are JSON.
    """

    service: str
    method: str
    url: str
    body: bytes
    status: int
    answer: bytes
    error: str


class EncryptedPart(msgspec.Struct, frozen=True, array_like=True):
    """All that it takes to take a step again. `is_known` says that the call was found as the step
    before had left it; otherwise `lost_flow` is what the step was told of it. `answer` is empty
    where it could be shown as it was.
    """

    event: bytes
    application: str
    answer: bytes
    trace: tuple[tuple[str, str, str], ...]
    lookups: tuple[LookupRow, ...]
    at: float
    is_known: bool
    lost_flow: str | None
    format: int = 1


class ReadablePart(msgspec.Struct, omit_defaults=True):
    """What people may read."""

    event: dict[str, Any]
    trace: list[str]
    ms: float
    lookups: list[str] = []


class JournalRow(NamedTuple):
    """The columns of a row, in the order of the table, without its number."""

    call: bytes
    digest: bytes
    at: float
    event: str
    release: str
    flow: str
    state: str
    step: int
    outcome: str
    action: str
    exit: str
    reason: str
    seconds: int
    shown: str
    sealed: bytes | None
    said: str
    answer: int = 0


def build_row(
    noted: JournalRecord, release: Release, encryption: JournalEncryption | None
) -> JournalRow:
    """The row of a callback, as the project of its release wants it kept."""
    record, event = noted.record, noted.record.event
    answer, redaction = strip_own_cookie(noted.answer), build_redaction(record, release)
    # of a repetition nothing is known that could be hidden in its answer
    shown_answer = redaction.redact_answer(b"{}" if record.repeated else answer)
    encrypted = None
    if encryption is not None and release.journal.replay and not record.repeated:
        # an answer that is shown as it is need not be stored twice
        part = build_encrypted_part(record, noted.body, b"" if shown_answer == answer else answer)
        encrypted = encryption.seal(_to_bytes(part), encode_call_id(event.call_id))
    ended = event if isinstance(event, Dice) else None
    return JournalRow(
        encode_call_id(event.call_id), hashlib.blake2b(noted.body, digest_size=16).digest(), record.at or time.time(),
        event.kind, record.release, record.flow, record.state, record.step,
        REPEATED_OUTCOME if record.repeated else record.outcome, find_action_name(event, answer), find_last_exit(record.trace),
        ended.reason if ended else "", ended.duration if ended else 0, encode_readable_part(record, redaction),
        encrypted, shown_answer.decode(),
    )  # fmt: skip


def find_action_name(event: CallbackEvent, answer: bytes) -> str:
    """The action of an answer; "" for the hangup that answers a caller who has hung up."""
    action = ACTION_PATTERN.search(answer)
    return "" if action is None or is_hangup(event) else action[1].decode()


def strip_own_cookie(answer: bytes) -> bytes:
    """An answer without the state that it carries: nobody can read that, and it makes equal answers
    differ.
    """
    while (
        start := answer.find(OWN_COOKIE_PREFIX)
    ) >= 0:  # a search for bytes, as an expression takes as long as the rest of a row
        end = answer.index(b'"}', start + len(OWN_COOKIE_PREFIX)) + 2
        before = answer[:start].removesuffix(b",")
        answer = (
            (before + answer[end:])
            .replace(b'"instructions":[,', b'"instructions":[')
            .replace(b'"instructions":[],', b"")
        )
    return answer


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


def encode_readable_part(record: CallbackRecord, hidden: Redaction) -> str:
    clear = hidden.run == 0
    trace = [
        f"{item.flow}/{item.state}: {item.what}" if clear else format_trace_entry(item)
        for item in record.trace
    ]
    lookups = [
        f"{request.service}: {fetched.error or fetched.status}"
        for request, fetched in record.lookups
    ]
    made = ReadablePart(
        redact_event(record.event, hidden), trace, round(record.seconds * 1000, 3), lookups
    )
    return _to_json(made).decode()


def redact_event(event: CallbackEvent, hidden: Redaction) -> dict[str, Any]:
    """The event as the platform spells it, without what is empty or said elsewhere."""
    found = msgspec.to_builtins(event)
    for name in ("event", "callid", "version", "cookies", "timestamp"):
        found.pop(name, None)
    shown = {
        name: hidden.redact_part(name, value)
        for name, value in found.items()
        if value not in (None, "", 0, {}, EMPTY_DESTINATION)
    }
    if isinstance(event, Pie):
        shown["menuResult"]["value"] = redact_keys(event, hidden)
    return shown


def redact_keys(event: Pie, hidden: Redaction) -> str:
    return REDACTED_TEXT if event.value and (hidden.words or hidden.run == 1) else event.value


def build_encrypted_part(record: CallbackRecord, body: bytes, answer: bytes) -> EncryptedPart:
    event, found = record.event, record.located
    if event.cookies:
        body = _to_json(
            replace(
                event,
                cookies={
                    name: value for name, value in event.cookies.items() if name != COOKIE_KEY
                },
            )
        )
    trace = tuple((entry.flow, entry.state, entry.what) for entry in record.trace)
    lookups = tuple(to_lookup_row(*asked) for asked in record.lookups)
    known, gone = (found.call is not None, found.lost_flow) if found else (False, None)
    return EncryptedPart(
        body, event.application_key, answer, trace, lookups, record.at, known, gone
    )


def to_lookup_row(request: LookupRequest, fetched: LookupResult) -> LookupRow:
    answer = _to_json(fetched.body)
    return LookupRow(
        request.service,
        request.method,
        request.url,
        request.body,
        fetched.status,
        answer,
        fetched.error,
    )


def is_hangup(event: CallbackEvent) -> bool:
    """Whether nobody hears the answer to this key press: the caller has gone."""
    return isinstance(event, Pie) and event.type == "hangup"
