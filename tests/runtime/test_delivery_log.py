"""What is known of the deliveries of a call: in stores of before, in long calls, and while a store
fails.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.limits import SIGNATURE_WINDOW_SECONDS
from flowengine.runtime.call_state import Call, encode_call
from flowengine.runtime.cookie import COOKIE_KEY, Codec
from flowengine.runtime.delivery import (
    CallbackDelivery,
    assume_connected,
    is_unique_stamp,
    make_event_number,
    parse_stamp,
)
from flowengine.runtime.delivery_log import (
    MAX_ENTRIES,
    SPOKEN_FLAG,
    AnsweredDelivery,
    append_entry,
    decode_log,
    encode_log,
)
from flowengine.sinch import Notify, decode
from flowengine.storage.sessions import MemoryStore, SavedCall, SqliteStore, Store, StoreError
from tests.runtime.engine_calls import KEY, Crm, Phone, engine, release, words

LOOP = """
flow: line
start: ask
error: lost
on: {ended: report, notified: {any: note}}
vars: {presses: {type: integer}}
states:
  ask:
    menu: {prompt: "Pressed ${vars.presses}.", options: {1: count, 2: other}, otherwise: bye}
  count: {set: {presses: "${vars.presses + 1}"}, next: ask}
  other: {menu: {prompt: "Another.", options: {1: bye}, otherwise: bye}}
  report: {fetch: {service: crm, post: /ended, failed: done}, next: done}
  note: {fetch: {service: crm, post: /told, failed: done}, next: done}
  done: {done: {}}
  bye: {say: Goodbye., hangup: {}}
  lost: {say: Where were we?, hangup: {}}
"""
AT = release(LOOP)
# The tables and the statement of the version before this log.
OLD_SCHEMA = """
CREATE TABLE calls (id BLOB PRIMARY KEY, counter INTEGER NOT NULL, state BLOB NOT NULL,
 digest BLOB NOT NULL, answer BLOB NOT NULL, claimed REAL NOT NULL, expires REAL NOT NULL,
 release TEXT NOT NULL DEFAULT '');
CREATE TABLE claims (id BLOB, digest BLOB, deadline REAL NOT NULL, PRIMARY KEY (id, digest))
 WITHOUT ROWID;
CREATE TABLE outbox (id BLOB PRIMARY KEY, content BLOB NOT NULL, tries INTEGER NOT NULL,
 expires REAL NOT NULL, due REAL NOT NULL);
CREATE TABLE endings (number INTEGER PRIMARY KEY, at REAL NOT NULL, content BLOB NOT NULL);
PRAGMA user_version = 3;
"""
OLD_SAVE = (
    "INSERT INTO calls (id, counter, state, digest, answer, claimed, release, expires) VALUES (?, "
    "?, ?, ?, ?, ?, ?, ?)"
)
ASKED = b'{"action":{"name":"runMenu"}}'


def stamp(seconds: float = 0.0) -> bytes:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().encode()


class Line(Phone):
    """A phone whose callbacks are stamped."""

    async def stamped(self, body: bytes, later: float = 0.0) -> str:
        return words(await self.engine.answer(decode(body), body, stamp(later)))

    def menu(self, key: str, menu: str = "line.ask", kind: str = "return") -> bytes:
        return self.keys(key, kind, menu)


def old_file(path: Path, body: bytes, answer: bytes, *, ended: bool = False) -> None:
    """A store as the version before has left it: this body was answered last."""
    state = encode_call(
        Call(AT.id, "line", "ask", "en-US", {"vars.presses": 4}, steps=2, ended=ended)
    )
    digest = blake2b(body, digest_size=16).digest()
    connection = sqlite3.connect(path)
    connection.executescript(OLD_SCHEMA)
    under_way = "" if ended else AT.id
    now = datetime.now(UTC).timestamp()
    row = (b"call-1", 2, state, digest, answer, now - 6, under_way, now + 80_000)
    connection.execute(OLD_SAVE, row)
    connection.commit()
    connection.close()


@asynccontextmanager
async def line_on(store: Callable[[], Store]) -> AsyncIterator[tuple[Line, Crm]]:
    opened, crm = store(), Crm()
    yield Line(engine(opened, crm, at=AT), echo=False), crm
    await opened.close()


async def test_call_of_the_version_before_goes_on_and_is_not_put_back(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    answered = Line(engine(MemoryStore(), at=AT)).menu("1")
    old_file(path, answered, ASKED)

    async with line_on(lambda: SqliteStore(path)) as (line, crm):
        rings = line.body("ice", cli="467", to={"type": "did", "endpoint": "1"})
        for body in (rings, answered):
            again = await line.engine.answer(decode(body), body, stamp(6))
            assert (again.body, again.record.repeated) == (ASKED, True)
        line.count = 9
        assert await line.stamped(line.menu("1")) == "Pressed 5."
        assert await line.stamped(line.menu("1"), 1) == "Pressed 6."
        assert await line.stamped(rings, 2) == "Pressed 6."
        again = await line.engine.answer(decode(answered), answered, stamp(7))
        assert words(again) == "Pressed 6."
        await line.stamped(line.body("dice"), 3)
        await line.stamped(line.body("dice"), 60)
        assert len(crm.asked) == 1


async def test_end_reported_by_the_version_before_is_not_reported_again(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    ends = Line(engine(MemoryStore(), at=AT)).body("dice")
    old_file(path, ends, b"{}", ended=True)

    async with line_on(lambda: SqliteStore(path)) as (line, crm):
        for later in (0, 6, 60):
            reply = await line.engine.answer(decode(ends), ends, stamp(later))
            assert (reply.body, reply.record.repeated) == (b"{}", True)
        await line.stamped(line.body("notify", type="x"), 61)
        await line.stamped(ends, 62)
        assert [request.url.rpartition("/")[2] for request, _ in crm.asked] == ["told"]


entries = st.builds(
    AnsweredDelivery,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.integers(0, 2**32 - 1),
    *[st.booleans()] * 4,
)


@given(st.lists(entries).filter(bool))
def test_delivery_log_is_decoded_as_it_was_encoded(log: list[AnsweredDelivery]) -> None:
    assert decode_log(SavedCall(1, b"", encode_log(log), b"")) == log


def test_delivery_log_does_not_grow_with_the_call() -> None:
    saved = None
    for number in range(10 * MAX_ENTRIES):
        event = Notify(call_id="c")
        delivery = CallbackDelivery(
            event, b"", b"%016d" % number, 0, assume_connected, 1000.0 + number, 0.0
        )
        log = append_entry(saved, delivery, SPOKEN_FLAG if number == 3 else 0)
        saved = SavedCall(number, b"", log, b"")
    assert saved
    found = decode_log(saved)
    assert len(found) <= MAX_ENTRIES + 2
    assert found[0].is_spoken, "how far the call has gone is known"
    late = CallbackDelivery(
        event, b"", b"x" * 16, 0, assume_connected, 2000.0 + SIGNATURE_WINDOW_SECONDS, 0.0
    )
    assert len(decode_log(replace(saved, deliveries=append_entry(saved, late, 0)))) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1970-01-01T00:00:01Z", 1_000_000),
        (b"1970-01-01T01:00:01.5+01:00", 1_500_000),
        (b"1970-01-01T00:00:01.1234567Z", 1_123_456),
        (b"1970-01-01T00:00:01", 1_000_000),
        (b"now", 0),
        (b"\xff", 0),
    ],
)
def test_stamps_are_read_as_the_platform_writes_them(text: bytes, expected: int) -> None:
    assert parse_stamp(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2026-11-28T10:00:00.1234567Z", True),
        (b"2026-11-28T10:00:00.500+01:00", True),
        (b"2026-11-28T10:00:00Z", False),
        (b"2026-11-28T10:00:00.0000000Z", False),
        (b"now", False),
    ],
)
def test_stamp_names_one_request_only_with_a_fraction_of_a_second(
    text: bytes, expected: bool
) -> None:
    stamped = parse_stamp(text)
    assert is_unique_stamp(stamped) is expected
    notice = CallbackDelivery(
        Notify(call_id="c"), b"", b"i" * 16, stamped, assume_connected, 0.0, 0.0
    )
    for key in (
        lambda: make_event_number(stamped),
        lambda: notice.build_claim_key(is_unanswered=True),
    ):
        assert (key() == key()) is expected


WHOLE_SECOND = b"2026-11-28T10:00:00Z"


async def test_keys_within_a_whole_second_are_told_apart_by_when_they_come() -> None:
    """The clock goes on by less than the time-out, then by more."""
    clock = iter([1000.0 + number / 8 for number in range(400)])

    line = Line(engine(MemoryStore(), at=AT, clock=lambda: next(clock)), echo=False)
    await line.ice()
    body = line.menu("1")
    said = [words(await line.engine.answer(decode(body), body, WHOLE_SECOND)) for _ in range(3)]
    assert said == ["Pressed 1.", "Pressed 2.", "Pressed 3."]
    for _ in range(200):
        next(clock)
    again = await line.engine.answer(decode(body), body, WHOLE_SECOND)
    assert words(again) == "Pressed 3."


async def test_answer_that_connects_is_given_again_to_a_key_that_comes_again() -> None:
    """After a collect that leads to a connect, no key is asked for any more."""
    flow = LOOP.replace("  bye:", '  room: {connect: {phone: "+14045009000"}}\n  bye:').replace(
        'menu: {prompt: "Another.", options: {1: bye}, otherwise: bye}',
        "collect: {prompt: Another?, into: presses, digits: 1, otherwise: bye}, next: room",
    )

    line = Line(engine(MemoryStore(), at=release(flow)), echo=False)
    await line.ice()
    await line.stamped(line.menu("2"))
    body = line.keys("1", "sequence", "line.other")
    at = stamp()
    first = await line.engine.answer(decode(body), body, at)
    assert b"connectPstn" in first.body
    for x_timestamp in (at, stamp(6)):
        again = await line.engine.answer(decode(body), body, x_timestamp)
        assert (again.body, again.record.repeated) == (first.body, True)


async def test_answer_to_a_menu_that_was_not_asked_takes_no_older_state() -> None:
    """What was saved last is lost: a failover has brought back a store of before."""

    async with line_on(MemoryStore) as (line, _):
        await line.ice()
        assert await line.stamped(line.menu("1", "line.other")) == "Where were we?"


async def test_answer_to_another_menu_with_the_newest_cookie_asks_the_open_question_again() -> None:
    async with line_on(MemoryStore) as (line, _):
        line.echo = True
        await line.ice()
        assert await line.enter("2", "return", "line.ask") == "Another."
        for _ in range(2):  # key 1 leads on from there: it was pressed elsewhere
            assert await line.enter("1", "return", "line.ask") == "Another."
        assert await line.enter("1", "return", "line.ask") == "Goodbye.", "attempts run out"


async def test_answer_to_another_menu_with_an_older_cookie_takes_the_error_exit() -> None:
    async with line_on(MemoryStore) as (line, _):
        line.echo = True
        await line.ice()
        first = dict(line.cookies)
        await line.enter("2", "return", "line.ask")
        line.cookies = first
        assert await line.stamped(line.menu("3", "line.ask"), 9) == "Where were we?"


async def test_answer_to_another_menu_chooses_nothing_where_the_state_is_in_the_cookie_alone() -> (
    None
):
    line = Line(engine(MemoryStore(), at=AT))
    await line.ice()
    await line.enter("2", "return", "line.ask")
    line.engine = engine(MemoryStore(), at=AT)  # another worker
    reply = await line.send(line.menu("1"))
    assert words(reply) == "Another."
    assert any("another question: line.ask" in entry.what for entry in reply.record.trace)


class Failing(MemoryStore):
    """A store that fails when it is told to."""

    is_full = is_gone = False

    async def save(
        self, call_id: str, saved: SavedCall, expires: float, *changes: Any
    ) -> SavedCall:
        if self.is_full:
            raise StoreError("full")
        return await super().save(call_id, saved, expires, *changes)

    async def load(self, call_id: str) -> SavedCall | None:
        if self.is_gone:
            raise StoreError("gone")
        return await super().load(call_id)


async def test_call_without_its_cookie_is_not_answered_where_it_could_not_be_saved() -> None:
    """The next answer would be one of the older state that is still in the store."""
    store = Failing()

    async with line_on(lambda: store) as (line, _):
        await line.ice()
        store.is_full = True
        assert await line.stamped(line.menu("1")) == "The apology."
        store.is_full = False
        assert await line.stamped(line.menu("", kind="hangup"), 1) == ""


async def test_call_with_its_cookie_goes_on_where_nothing_can_be_saved() -> None:
    store = Failing()

    async with line_on(lambda: store) as (line, _):
        line.echo = True
        await line.ice()
        store.is_full = True
        assert await line.enter("1", "return", "line.ask") == "Pressed 1."
        assert await line.enter("1", "return", "line.ask") == "Pressed 2."


LONG = (
    LOOP.replace(
        "vars: {presses: {type: integer}}",
        "vars: {presses: {type: integer}, long: {type: text, max: 500}, more: {type: text, max: 500}}",
    )
    .replace(
        'count: {set: {presses: "${vars.presses + 1}"}, next: ask}',
        f'count: {{set: {{presses: "${{vars.presses + 1}}", long: "{"x" * 500}", more: "{"x" * 500}"}}, next: ask}}',
    )
    .replace("Pressed ${vars.presses}.", "Pressed ${vars.presses} ${size(vars.long + vars.more)}.")
)


async def test_state_that_outgrew_the_cookie_is_not_taken_from_an_older_cookie() -> None:
    store = Failing()

    line = Line(engine(store, at=release(LONG)))
    await line.ice()
    older = dict(line.cookies)
    assert await line.enter("1", "return", "line.ask") == "Pressed 1 1000."
    store.is_gone = True
    assert await line.enter("1", "return", "line.ask") == "The apology."
    store.is_gone = False
    assert line.cookies != older


async def test_cookie_ahead_of_the_store_without_a_state_makes_the_call_a_lost_one() -> None:
    async with line_on(MemoryStore) as (line, _):
        await line.ice()
        line.echo = True
        line.cookies = {COOKIE_KEY: Codec([KEY]).sign(b"", "call-1", 5)}
        assert await line.stamped(line.menu("1")) == "Where were we?"


async def test_requests_of_a_report_keep_their_key_over_a_kill() -> None:
    """The worker is killed when the report is made and nothing is saved; another one makes it."""

    keys = []
    for _ in range(2):
        crm = Crm()
        line = Line(engine(MemoryStore(), crm, at=AT))
        await line.ice()
        line.count = 1
        await line.stamped(line.body("dice"))
        keys += [request.headers for request, _ in crm.asked]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert json.dumps(dict(keys[0])).count("idempotency-key") == 1
