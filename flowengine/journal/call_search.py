"""Finds calls in the index of a journal: by what people know of a call, the latest first, a page at a
time.
"""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT, WEIGHTS
from flowengine.journal.indexed_call import make_number_key
from flowengine.journal.leg_rows import JournalLeg
from flowengine.sinch.address_mask import mask_address
from flowengine.sinch.call_id import decode_call_id
from flowengine.sinch.digit_mask import CLEAR_DIGITS
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX

PAGE_CALLS = 50
MIN_NUMBER_CHARACTERS = 2  # one digit is in every tenth number
MAX_NUMBER_KEYS = 20  # numbers of whose calls each the latest are looked up
MAX_LISTED_LEGS = 20  # of a caller
_CALL_COLUMNS = (
    "id, call, at, until, callbacks, seconds, weight, ended, reason, release, "
    "(SELECT flow FROM places WHERE number = place), (SELECT state FROM places WHERE number = place), "
    "calls.flow, exit, caller, called, parent, leg"
)
_HIGHEST = "\U0010ffff"


class PageKey(NamedTuple):
    """After which call a page goes on: its time, and what tells it from others of that time."""

    at: float
    id: int


class CallQuery(msgspec.Struct, frozen=True):
    """Which calls. `number` is a number or its last digits, as people write it; `state` that of
    `flow` which they ended in, or are in. A `progress` is "ended" or "under way".
    """

    number: str = ""
    since: float = 0.0
    until: float = 0.0
    flow: str = ""
    state: str = ""
    release: str = ""
    outcome: str = ""
    progress: str = ""
    limit: int = PAGE_CALLS


class ListedCall(msgspec.Struct, frozen=True):
    """A call in a list. `place` is the flow and the state that it is in, or was in at its end."""

    call: str
    at: float
    until: float
    callbacks: int
    seconds: int
    outcome: str
    ended: bool
    reason: str
    release: str
    place: tuple[str, str]
    flow: str
    exit: str
    caller: str
    called: str
    leg: JournalLeg | None
    key: PageKey


class CallPage(NamedTuple):
    """Calls, the latest first, and after which of them the next page begins; None on the last."""

    calls: list[ListedCall]
    next: PageKey | None


class _Condition(NamedTuple):
    """A condition. What it compares is found by an index of the table of calls."""

    by: str
    sql: str
    values: tuple[Any, ...]


def search_calls(
    connection: sqlite3.Connection, query: CallQuery, after: PageKey | None = None
) -> CallPage:
    """A page of the calls that are wanted."""
    conditions = build_conditions(connection, query)
    if conditions is None:
        return CallPage([], None)
    values = [value for part in conditions for value in part.values]
    where = "".join(f" AND {part.sql}" for part in conditions)
    if after is not None:
        where += " AND (at, id) < (?, ?)"
        values += after
    every = () if query.number else (_Condition(conditions[0].by, "1", ()),)
    numbers = [*find_number_parts(connection, query.number), *every]
    found = [
        _fetch_rows(connection, number, where, (*number.values, *values), query.limit + 1)
        for number in numbers
    ]
    merged = heapq.merge(*found, key=lambda row: (row[2], row[0]), reverse=True)
    calls = [build_listed_call(row) for row in drop_repeated_rows(merged)][: query.limit + 1]
    more = len(calls) > query.limit
    return CallPage(calls[: query.limit], calls[query.limit - 1].key if more else None)


def find_call(connection: sqlite3.Connection, call: bytes) -> ListedCall | None:
    """The call with this id, None for one that is not there."""
    row = connection.execute(
        f"SELECT {_CALL_COLUMNS} FROM calls WHERE id = ? AND call = ?",  # noqa: S608  # names of ours
        (hash(call), call),
    ).fetchone()
    return build_listed_call(row) if row else None


def list_legs(connection: sqlite3.Connection, callers: Sequence[str]) -> list[ListedCall]:
    """The first legs of each of these callers, in the order of their beginnings."""
    found: list[ListedCall] = []
    for caller in callers:
        rows = connection.execute(
            f"SELECT {_CALL_COLUMNS} FROM calls INDEXED BY calls_by_parent "  # noqa: S608  # names of ours
            "WHERE parent = ? AND parent <> '' ORDER BY at LIMIT ?",
            (caller, MAX_LISTED_LEGS),
        )
        found += map(build_listed_call, rows)
    return found


def _fetch_rows(
    connection: sqlite3.Connection,
    number: _Condition,
    where: str,
    values: Sequence[Any],
    limit: int,
) -> list[tuple[Any, ...]]:
    statement = (
        f"SELECT {_CALL_COLUMNS} FROM calls INDEXED BY {number.by} "  # noqa: S608  # names of ours
        f"WHERE {number.sql}{where} ORDER BY at DESC, id DESC LIMIT ?"
    )
    return connection.execute(statement, (*values, limit)).fetchall()


def drop_repeated_rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows without those that are there twice: a number may be that of both ends."""
    last = None
    for row in rows:
        if row[0] != last:
            yield row
        last = row[0]


def build_conditions(connection: sqlite3.Connection, query: CallQuery) -> list[_Condition] | None:
    """The conditions of a query, first the one that leaves the fewest calls; None where no call can
    meet them.
    """
    parts: list[_Condition] = []
    if query.state:
        place = connection.execute(
            "SELECT number FROM places WHERE flow = ? AND state = ?", (query.flow, query.state)
        ).fetchone()
        if place is None:
            return None
        parts.append(_Condition("calls_by_place", "place = ?", place))
    if query.outcome in WEIGHTS:
        weight = WEIGHTS[query.outcome]
        index = "calls_by_weight" if weight else "calls_by_time"
        bound = " AND weight > 0" if weight else ""  # by which SQLite sees that the index has them
        parts.append(_Condition(index, f"weight = {weight}{bound}", ()))
    if query.release:
        parts.append(_Condition("calls_by_release", "release = ?", (query.release,)))
    if query.flow and not query.state:
        parts.append(_Condition("calls_by_flow", "flow = ?", (query.flow,)))
    if query.progress:
        ended = int(query.progress == "ended")
        index = "calls_by_time" if ended else "calls_under_way"
        parts.append(_Condition(index, f"ended = {ended}", ()))
    if query.since:
        parts.append(_Condition("calls_by_time", "at >= ?", (query.since,)))
    if query.until:
        parts.append(_Condition("calls_by_time", "at < ?", (query.until,)))
    if not query.number:  # legs are found by their numbers, and in the story of their caller
        shown = f"(parent = '' OR parent GLOB '{PLACEMENT_ID_PREFIX}*')"
        parts.append(_Condition("calls_by_time", shown, ()))
    return parts


def find_number_parts(connection: sqlite3.Connection, number: str) -> Iterator[_Condition]:
    """The conditions under which a call has this number at either end, each with an index of its
    own.
    """
    if not number:
        return
    for column in ("caller_key", "called_key"):
        index = f"calls_by_{column.removesuffix('_key')}"
        for low, high in list_key_ranges(number):
            keys = list_keys(connection, index, column, low, high)
            if len(keys) < MAX_NUMBER_KEYS:
                equal = f"{column} = ? AND {column} <> ''"
                yield from (_Condition(index, equal, (key,)) for key in keys)
            else:
                within = f"{column} >= ? AND {column} < ? AND {column} <> ''"
                yield _Condition(index, within, (low, high))


def list_key_ranges(number: str) -> list[tuple[str, str]]:
    """The ranges of keys that a number may have: as it is, and masked. Zeros in front are those
    that calls from abroad leave out, unless hardly more than they are there: "03" is an end.
    """
    whole = make_number_key(number)
    key = whole.rstrip("0") if number.startswith("0") else whole
    key = key if len(key) >= MIN_NUMBER_CHARACTERS else whole
    if len(key) < MIN_NUMBER_CHARACTERS:
        return [("\0", "\0")]
    ranges = [(key, key + _HIGHEST)]
    masked = make_number_key(mask_address(number)) if "*" not in number else ""
    if masked and masked != key and number.startswith("+"):
        ranges.append((masked, masked + "\0"))
    elif masked and key[:CLEAR_DIGITS].isdigit():
        ranges.append((key[:CLEAR_DIGITS] + "*", key[:CLEAR_DIGITS] + "+"))
    return ranges


def list_keys(
    connection: sqlite3.Connection, index: str, column: str, low: str, high: str
) -> list[str]:
    """The first different keys in a range, each by one look into the index."""
    found: list[str] = []
    begins = f"SELECT min({column}) FROM calls INDEXED BY {index} WHERE {column} <> '' AND {column}"  # noqa: S608
    sign = ">="
    while len(found) < MAX_NUMBER_KEYS:
        row = connection.execute(f"{begins} {sign} ? AND {column} < ?", (low, high)).fetchone()
        if row[0] is None:
            break
        found.append(row[0])
        low, sign = row[0], ">"
    return found


def build_listed_call(row: tuple[Any, ...]) -> ListedCall:
    (
        key, call, at, until, callbacks, seconds, weight, ended, reason, release, place_flow, place_state, flow, exit_,
        caller, called, parent, leg,
    ) = row  # fmt: skip
    return ListedCall(
        decode_call_id(call), at, until, callbacks, seconds, OUTCOMES_BY_WEIGHT[weight], bool(ended), reason, release,
        (place_flow or "", place_state or ""), flow, exit_, caller, called,
        JournalLeg(parent, leg) if parent else None, PageKey(at, key),
    )  # fmt: skip
