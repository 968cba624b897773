"""Journals as version 2 wrote them: what is upgraded, and what rows of today must be equal to."""

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.journal.encrypted_part import EncryptedPart, to_lookup_row
from flowengine.journal.event_parts import EMPTY_DESTINATION
from flowengine.journal.inbox_of_version_2 import INBOX_ASSOCIATED_DATA, InboxEntry
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_row import (
    ACTION_PATTERN,
    OWN_COOKIE_PREFIX,
    REPEATED_OUTCOME,
    JournalRecord,
    find_last_exit,
)
from flowengine.journal.masking import mask_reason
from flowengine.journal.redaction import (
    _DIGIT_RUN_PATTERNS,
    _WORD_PATTERN,
    AUTHORED_PARTS,
    CREDENTIALS_KEY,
    FREE_TEXT_PARTS,
    NUMBER_PARTS,
    REDACTED_TEXT,
    choose_digit_run,
    find_secret_values,
    may_contain_secret,
    redact_words,
)
from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.engine import CallbackRecord
from flowengine.sinch import CallbackEvent, Dice, Pie
from flowengine.sinch.address_mask import mask_address
from flowengine.sinch.call_id import encode_call_id
from flowengine.sinch.digit_mask import DIGIT_MASK

_INBOX_TABLE = """CREATE TABLE inbox (number INTEGER PRIMARY KEY, at REAL NOT NULL, callbacks INTEGER NOT NULL,
    content BLOB NOT NULL, unreadable INTEGER NOT NULL DEFAULT 0)"""

TABLES = (
    """CREATE TABLE callbacks (number INTEGER PRIMARY KEY, call BLOB NOT NULL, digest BLOB NOT NULL, at REAL NOT NULL, event TEXT NOT NULL,
        release TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, outcome TEXT NOT NULL,
        action TEXT NOT NULL, exit TEXT NOT NULL, reason TEXT NOT NULL, seconds INTEGER NOT NULL, shown TEXT NOT NULL, sealed BLOB,
        said TEXT NOT NULL, answer INTEGER NOT NULL)""",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY, at REAL NOT NULL, content TEXT NOT NULL)",
    "CREATE INDEX by_call ON callbacks (call)",
    "CREATE INDEX by_time ON callbacks (at)",
    _INBOX_TABLE,
)

LOSSES = (
    "CREATE TABLE IF NOT EXISTS losses (minute INTEGER PRIMARY KEY, callbacks INTEGER NOT NULL)"
)

_to_json = msgspec.json.Encoder().encode
_to_bytes = msgspec.msgpack.Encoder().encode


class OldRedaction(msgspec.Struct, frozen=True):
    """What to hide: `run` is the least length of rows of digits, spelled out or not (0 hides none);
    `values` are hidden wherever they stand.
    """

    numbers: bool
    words: bool
    run: int
    values: frozenset[str] = frozenset()

    def redact_text(self, text: str) -> str:
        """A text that may hold what a caller has said or pressed."""
        return self._redact_run(text, self.run)

    def _redact_run(self, text: str, run: int) -> str:
        if self.values:
            text = redact_words(text, self.values)
        if run:
            text = _DIGIT_RUN_PATTERNS[run].sub(lambda found: found[0].translate(DIGIT_MASK), text)
        return text

    def redact_number(self, text: str) -> str:
        """As it is done today: what rows hide is no part of how they are kept."""
        if self.numbers:
            return mask_address(text)
        return self._redact_run(text, self.run if self.run == 1 else 0)

    def redact_part(self, name: str, value: Any) -> Any:
        """A named part of an answer or an event."""
        # `options` of a menu are a list of the author's, those of a recording a dict
        is_authored = name in AUTHORED_PARTS and not isinstance(value, dict)
        if is_authored or value in (None, ""):
            return value
        if name in FREE_TEXT_PARTS:
            return REDACTED_TEXT if self.numbers or self.words or name == "credentials" else value
        if isinstance(value, str):
            return self.redact_number(value) if name in NUMBER_PARTS else self.redact_text(value)
        if isinstance(value, dict):
            return {key: self.redact_part(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redact_part("", item) for item in value]
        return value

    def redact_answer(self, body: bytes) -> bytes:
        """An answer, hidden where need be. Most answers are the same for many callers."""
        if not (self.numbers or self.words or self.run or CREDENTIALS_KEY in body):
            return body
        return (_redact_body if self.values else _redact_body_cached)(self, body)


def _redact_body(redaction: OldRedaction, body: bytes) -> bytes:
    return _to_json(redaction.redact_part("", msgspec.json.decode(body)))


_redact_body_cached = lru_cache(maxsize=1024)(_redact_body)


class ReadablePart(msgspec.Struct, omit_defaults=True):
    """What people may read."""

    event: dict[str, Any]
    trace: list[str]
    ms: float
    lookups: list[str] = []


class OldRow(NamedTuple):
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


def build_old_row(
    noted: JournalRecord, release: Release, encryption: JournalEncryption | None
) -> OldRow:
    """The row of a callback, as the project of its release wants it kept."""
    record, event = noted.record, noted.record.event
    answer, redaction = strip_own_cookie(noted.answer), build_old_redaction(record, release)
    # of a repetition nothing is known that could be hidden in its answer
    shown_answer = redaction.redact_answer(b"{}" if record.repeated else answer)
    encrypted = None
    if encryption is not None and release.journal.replay and not record.repeated:
        # an answer that is shown as it is need not be stored twice
        part = build_encrypted_part(record, noted.body, b"" if shown_answer == answer else answer)
        encrypted = encryption.seal(_to_bytes(part), encode_call_id(event.call_id))
    ended = event if isinstance(event, Dice) else None
    return OldRow(
        encode_call_id(event.call_id), hashlib.blake2b(noted.body, digest_size=16).digest(), record.at or time.time(),
        event.kind, record.release, record.flow, record.state, record.step,
        REPEATED_OUTCOME if record.repeated else record.outcome, find_action_name(event, answer), find_last_exit(record.trace),
        ended.reason if ended else "", ended.duration if ended else 0, encode_readable_part(record, redaction),
        encrypted, shown_answer.decode(),
    )  # fmt: skip


def find_action_name(event: CallbackEvent, answer: bytes) -> str:
    """The action of an answer; "" for the hangup that answers a caller who has hung up."""
    if type(event) is Pie and event.menu_result.type == "hangup":
        return ""
    action = ACTION_PATTERN.search(answer)
    return action[1].decode() if action else ""


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


def encode_readable_part(record: CallbackRecord, hidden: OldRedaction) -> str:
    clear = hidden.run == 0
    trace = [
        f"{item.flow}/{item.state}: {item.what if clear else mask_reason(item.what)}"
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


def redact_event(event: CallbackEvent, hidden: OldRedaction) -> dict[str, Any]:
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


def redact_keys(event: Pie, hidden: OldRedaction) -> str:
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


def build_old_redaction(record: CallbackRecord, release: Release) -> OldRedaction:
    """What to hide of this callback."""
    policy = release.journal
    numbers, words = policy.numbers == "masked", policy.words == "masked"
    guarded = record.call is None or record.call.to_root_flow().flow in release.secret_flows
    secrets = set(find_secret_values(record, release)) if guarded else set[str]()
    has_secret = bool(secrets) or (
        guarded and bool(release.secret_flows) and may_contain_secret(record, release)
    )
    run = choose_digit_run(has_secret=has_secret, words=words, numbers=numbers)
    values = secrets | find_caller_values(record, release) if words else secrets
    if not values:
        return OldRedaction(numbers, words, run)
    return OldRedaction(
        numbers,
        words,
        run,
        frozenset(
            word
            for value in values
            for word in _WORD_PATTERN.findall(value.lower())
            if not word.isdigit()
        ),
    )


def find_caller_values(record: CallbackRecord, release: Release) -> set[str]:
    """The texts in variables that did not stand there from the beginning: they came from the
    caller, or from a lookup.
    """
    program = release.programs.get(record.flow)
    initial = program.initial if program else {}
    return {
        value
        for name, value in record.names.items()
        if value.__class__ is str
        and len(value) > 1
        and value != initial.get(name, "")
        and name.startswith("vars.")
    }


def make_journal(path: Path) -> sqlite3.Connection:
    """An empty journal of version 2, open."""
    path.touch(0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA page_size = 8192",
        *TABLES,
        LOSSES,
        "PRAGMA user_version = 2",
        "PRAGMA journal_mode = WAL",
    ):
        connection.execute(statement)
    return connection


def write_rows(
    path: Path,
    batch: Sequence[JournalRecord],
    release: Release,
    encryption: JournalEncryption | None,
) -> None:
    """Write a journal with the rows of these callbacks."""
    with closing(make_journal(path)) as connection:
        insert_rows(connection, batch, release, encryption)


def insert_rows(
    connection: sqlite3.Connection,
    batch: Sequence[JournalRecord],
    release: Release,
    encryption: JournalEncryption | None,
) -> None:
    """Write rows; every other answer stands in the table of answers."""
    names, marks = ", ".join(OldRow._fields), ", ".join("?" * len(OldRow._fields))
    for number, noted in enumerate(batch):
        row = build_old_row(noted, release, encryption)
        if number % 2:
            answer = connection.execute(
                "INSERT INTO answers (at, content) VALUES (?, ?)", (row.at, row.said)
            ).lastrowid
            row = row._replace(said="", answer=answer or 0)
        connection.execute(
            f"INSERT INTO callbacks ({names}) SELECT {marks} WHERE NOT ? OR NOT EXISTS "
            "(SELECT 1 FROM callbacks WHERE call = ? AND digest = ?)",
            (*row, row.outcome == REPEATED_OUTCOME, row.call, row.digest),
        )


def write_batch(
    connection: sqlite3.Connection,
    batch: Sequence[JournalRecord],
    at: float,
    encryption: JournalEncryption,
) -> None:
    """Write these callbacks to the inbox, as one piece."""
    content = encryption.seal(
        _to_bytes([pack_record(noted) for noted in batch]), INBOX_ASSOCIATED_DATA
    )
    connection.execute(
        "INSERT INTO inbox (at, callbacks, content) VALUES (?, ?, ?)", (at, len(batch), content)
    )


def pack_record(noted: JournalRecord) -> InboxEntry:
    record, body, answer = noted
    found = record.located
    return InboxEntry(
        body, answer, record.event.application_key, record.release, record.call, record.trace, record.seconds, record.fetch_seconds,
        record.repeated, record.outcome, record.at, tuple(to_lookup_row(*asked) for asked in record.lookups), dict(record.names),
        (found.call, found.lost_flow) if found else None,
    )  # fmt: skip
