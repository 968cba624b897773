"""A call as the index of a journal has it: one row, folded from those of its callbacks."""

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from flowengine.journal.answer_rates import FAILED_OUTCOMES
from flowengine.journal.call_outcomes import FAILED_STATE_OUTCOME, WEIGHTS
from flowengine.journal.journal_row import REPEATED_OUTCOME
from flowengine.journal.leg_rows import parse_leg
from flowengine.journal.passage_counts import has_failed_state

CALL_TABLE = """
CREATE TABLE calls (id INTEGER PRIMARY KEY, call BLOB NOT NULL, at REAL NOT NULL, until REAL NOT NULL,
    callbacks INTEGER NOT NULL, seconds INTEGER NOT NULL, weight INTEGER NOT NULL, ended INTEGER NOT NULL,
    reason TEXT NOT NULL, release TEXT NOT NULL, flow TEXT NOT NULL, place INTEGER NOT NULL, exit TEXT NOT NULL,
    caller TEXT NOT NULL, called TEXT NOT NULL, caller_key TEXT NOT NULL, called_key TEXT NOT NULL,
    parent TEXT NOT NULL, leg INTEGER NOT NULL)
"""
# Each list is found in the order of time by one of these. A leg is no call of its own in lists.
CALL_INDEXES = (
    "CREATE INDEX calls_by_time ON calls (at)",
    "CREATE INDEX calls_by_place ON calls (place, at)",
    "CREATE INDEX calls_by_flow ON calls (flow, at)",
    "CREATE INDEX calls_by_release ON calls (release, at)",
    "CREATE INDEX calls_by_weight ON calls (weight, at) WHERE weight > 0",
    "CREATE INDEX calls_by_caller ON calls (caller_key, at) WHERE caller_key <> ''",
    "CREATE INDEX calls_by_called ON calls (called_key, at) WHERE called_key <> ''",
    "CREATE INDEX calls_by_parent ON calls (parent, at) WHERE parent <> ''",
    "CREATE INDEX calls_under_way ON calls (at, parent, place, release) WHERE ended = 0",
)
# What is known of a call may come from older callbacks than what is told now, or from newer ones.
_SAVE_CALL = """
INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    release = CASE WHEN excluded.at < at THEN excluded.release ELSE release END,
    flow = CASE WHEN excluded.at < at AND excluded.flow <> '' THEN excluded.flow ELSE flow END,
    caller = CASE WHEN caller = '' THEN excluded.caller ELSE caller END,
    called = CASE WHEN called = '' THEN excluded.called ELSE called END,
    caller_key = CASE WHEN caller_key = '' THEN excluded.caller_key ELSE caller_key END,
    called_key = CASE WHEN called_key = '' THEN excluded.called_key ELSE called_key END,
    place = CASE WHEN excluded.place > 0 AND (excluded.until >= until OR place = 0)
        THEN excluded.place ELSE place END,
    exit = CASE WHEN excluded.exit <> '' AND (excluded.until >= until OR exit = '')
        THEN excluded.exit ELSE exit END,
    at = min(at, excluded.at), until = max(until, excluded.until),
    callbacks = callbacks + excluded.callbacks, seconds = max(seconds, excluded.seconds),
    weight = max(weight, excluded.weight), ended = max(ended, excluded.ended),
    reason = max(reason, excluded.reason)
"""
_decode_json = msgspec.json.Decoder(dict[str, Any]).decode


class CallbackKind(NamedTuple):
    """What a callback has in common with others (`Dimension`), as the index needs it: `place` is the
    number of its state, 0 for none, `weight` that of its outcome, `passage` that of its passage
    through the flows, and `is_repeated` says that it only repeats another.
    """

    event: str
    release: str
    flow: str
    place: int
    weight: int
    exit: str
    reason: str
    passage: int
    is_failed: bool
    is_repeated: bool


def build_kind(values: tuple[Any, ...], place: int, passage: int = 0) -> CallbackKind:
    """The kind of callbacks with these values: event, release, flow, state, outcome, exit, reason and
    trace.
    """
    event, release, flow, _, outcome, exit_, reason, trace = values
    if outcome == "answered" and trace and has_failed_state(trace):
        outcome = FAILED_STATE_OUTCOME
    return CallbackKind(
        event, release, flow, place, WEIGHTS.get(outcome, 0), exit_, reason.lower(), passage,
        outcome in FAILED_OUTCOMES, outcome == REPEATED_OUTCOME,
    )  # fmt: skip


class CallbackRow(NamedTuple):
    """What the index reads of a callback. `own` and `micros` are None in a row of version 2;
    `readable` is there where somebody may be named in it.
    """

    number: int
    call: bytes
    at: float
    seconds: int
    micros: int | None
    dimension: int | None
    own: str | None
    readable: str | None


class IndexedCall:
    """A call, as far as some of its callbacks tell. `place` is the number of the state that it was
    in last; `parent` names the caller of a leg, or the placement of a placed call.
    """

    __slots__ = (
        "at",
        "call",
        "callbacks",
        "called",
        "caller",
        "ended",
        "exit",
        "flow",
        "leg",
        "parent",
        "place",
        "reason",
        "release",
        "seconds",
        "until",
        "weight",
    )  # fmt: skip

    def __init__(self, row: CallbackRow, kind: CallbackKind) -> None:
        self.call, self.at, self.until = row.call, row.at, row.at
        self.release, self.flow = kind.release, kind.flow
        self.callbacks = self.seconds = self.weight = self.ended = self.place = self.leg = 0
        self.caller = self.called = self.exit = self.reason = self.parent = ""

    def add(self, row: CallbackRow, kind: CallbackKind) -> None:
        """Take note of one more callback."""
        at = row.at
        if at < self.at:
            self.at, self.release, self.flow = at, kind.release, kind.flow or self.flow
        is_latest = at >= self.until
        if is_latest:
            self.until = at
        self.callbacks += 1
        self.weight = max(self.weight, kind.weight)
        if kind.event != "notify":
            if kind.place and (is_latest or not self.place):
                self.place = kind.place
            if kind.exit and kind.event != "dice" and (is_latest or not self.exit):
                self.exit = kind.exit
        if kind.event == "dice":
            self.ended, self.seconds, self.reason = 1, row.seconds, kind.reason
        elif kind.event == "ice" and row.readable is not None and not self.caller:
            self.caller, self.called = read_parties(row.readable, row.own)
        if row.own is not None and '"leg":' in row.own and (leg := parse_leg(row.own)):
            self.parent, self.leg = leg.caller, leg.number

    def to_values(self) -> tuple[Any, ...]:
        """The values of the row, in the order of the table."""
        return (
            hash(self.call), self.call, self.at, self.until, self.callbacks, self.seconds, self.weight, self.ended,
            self.reason, self.release, self.flow, self.place, self.exit, self.caller, self.called,
            make_number_key(self.caller), make_number_key(self.called), self.parent, self.leg,
        )  # fmt: skip


def read_parties(readable: str, own: str | None) -> tuple[str, str]:
    """Who calls whom, as people may read it."""
    event = _decode_json(readable)["event"]
    caller = (event if own is None else _decode_json(own)).get("cli", "")
    return caller, event.get("to", {}).get("endpoint", "")


@lru_cache(maxsize=4096)  # the same come with call after call
def make_number_key(address: str) -> str:
    """An address from behind, so that its last digits find it: national and international spellings
    of a number end alike.

    >>> make_number_key("+46 70-123 45 67"), make_number_key("+*********67")
    ('76543210764', '76*********')
    """
    kept = (one for one in address.lower() if one.isalnum() or one in "*@._")
    return "".join(kept)[::-1]


def fold_calls(rows: Iterable[tuple[CallbackRow, CallbackKind]]) -> list[IndexedCall]:
    """The calls that these callbacks belong to."""
    found: dict[bytes, IndexedCall] = {}
    for row, kind in rows:
        call = found.get(row.call)
        if call is None:
            call = found[row.call] = IndexedCall(row, kind)
        call.add(row, kind)
    return [*found.values()]


def save_calls(connection: sqlite3.Connection, calls: Iterable[IndexedCall]) -> None:
    """Add what these tell to the table of calls. The hash of an id is the same as long as this
    process lives, and as the index.
    """
    connection.executemany(_SAVE_CALL, [call.to_values() for call in calls])
