"""Calls keep their way whatever becomes of cookies, stores, deliveries and releases."""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from flowengine import cooperative
from flowengine.releases import Registry
from flowengine.runtime import claims, log_once
from flowengine.runtime.call_state import Call, decode_call, encode_call
from flowengine.runtime.cookie import COOKIE_KEY, Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall, SqliteStore, Store, StoreError
from tests.runtime.engine_calls import (
    FLOW,
    KEY,
    RELEASE,
    BrokenStore,
    Crm,
    Phone,
    closing_store,
    engine,
    release,
    words,
)
from tests.waiting import wait_until_async


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    def memory() -> Store:
        return MemoryStore()

    def sqlite() -> Store:
        return SqliteStore(tmp_path / "calls.db")

    return {"memory": memory, "sqlite": sqlite}[request.param]


@pytest.mark.parametrize("echo", [True, False], ids=["echoed", "not echoed"])
@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
async def test_call_is_answered_from_ring_to_goodbye(
    opened: Callable[[], Store], echo: bool, cookies: bool
) -> None:
    async with closing_store(opened()) as store:
        crm = Crm()
        phone = Phone(engine(store, crm, cookies=cookies), echo=echo)
        assert words(await phone.ice()) == "Number?"
        assert bool(phone.cookies) is cookies
        assert await phone.enter("1234") == "Hello Ann 0."
        assert await phone.enter("1", "return") == "Goodbye Ann."
        assert [request.url for request, _ in crm.asked] == [
            "https://crm.example.com/accounts/1234"
        ]


async def test_lost_store_is_replaced_by_the_cookie() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        await phone.enter("1234")
        phone.engine = engine(MemoryStore())
        assert await phone.enter("1", "return") == "Goodbye Ann."


def spoiled(cookie: str) -> dict[str, str]:
    foreign = Codec([KEY]).seal(
        encode_call(Call(RELEASE.id, "line", "bye", "en-US", steps=99)), "another call"
    )
    other_key = Codec([derive_key("other")]).seal(
        encode_call(Call(RELEASE.id, "line", "bye", "en-US", steps=99)), "call-1"
    )
    nonsense = Codec([KEY]).seal(b"nonsense", "call-1")
    return {
        "mangled": cookie[:-2], "swapped": cookie[::-1], "empty": "", "foreign": foreign, "other "
                                                                                          "key": other_key, "nonsense": nonsense,
        "long": cookie * 99, "letters": "åäö",
    }  # fmt: skip


@pytest.mark.parametrize("how", [*spoiled("x"), "gone"])
async def test_spoiled_cookie_is_no_error(opened: Callable[[], Store], how: str) -> None:
    async with closing_store(opened()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        await phone.enter("1234")
        phone.cookies = (
            {COOKIE_KEY: spoiled(phone.cookies[COOKIE_KEY])[how]}
            if how != "gone"
            else {"other": "x"}
        )
        assert await phone.enter("1", "return") == "Goodbye Ann."


async def test_state_with_the_higher_counter_wins() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        stale = dict(phone.cookies)
        await phone.enter("1234")
        fresh = dict(phone.cookies)
        phone.cookies = stale
        assert await phone.enter("", "timeout", "line.menu") == "Hello Ann 0.", (
            "the cookie is older than the store"
        )
        older = MemoryStore()
        await older.save(
            "call-1",
            SavedCall(
                1, encode_call(Call(RELEASE.id, "line", "ask", "en-US", steps=1)), b"old", b"{}"
            ),
            1e12,
        )
        phone.engine, phone.cookies = engine(older), fresh
        assert await phone.enter("1", "return") == "Goodbye Ann.", (
            "the store is older than the cookie"
        )
        kept = await older.load("call-1")
        assert kept
        assert kept.counter == 3


async def test_with_both_gone_the_menu_names_the_way_to_the_error_exit() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        reply = await phone.send(phone.keys("1", "return", "line.menu"))
        assert words(reply) == "Sorry."
        assert (reply.record.flow, reply.record.state, reply.record.outcome) == (
            "line",
            "sorry",
            "answered",
        )
        phone = Phone(engine(store), call_id="call-2")
        assert await phone.enter("1", "return", "main") == "The apology."


async def test_unreadable_state_in_the_store_loses_to_the_cookie() -> None:
    async with closing_store(MemoryStore()) as store:
        await store.save("call-1", SavedCall(7, b"of another age", b"old", b"{}"), 1e12)
        phone = Phone(engine(store))
        assert await phone.enter("1", "return", "line.menu") == "Sorry."
        kept = await store.load("call-1")
        assert kept
        assert kept.counter == 8
        call = decode_call(kept.state)
        assert call
        assert call.state == "sorry"


async def test_repeated_delivery_gets_the_same_answer_and_does_nothing_twice(
    opened: Callable[[], Store],
) -> None:
    async with closing_store(opened()) as store:
        crm = Crm()
        phone = Phone(engine(store, crm))
        await phone.ice()
        body = phone.keys("1234")
        first = await phone.send(body)
        again = await phone.send(body)
        assert again.body == first.body
        assert (first.record.repeated, again.record.repeated) == (False, True)
        assert len(crm.asked) == 1
        assert again.record.step == first.record.step == 2


async def test_deliveries_of_the_same_moment_share_one_answer(opened: Callable[[], Store]) -> None:
    async with closing_store(opened()) as store:
        crm = Crm(wait=0.05)
        phone = Phone(engine(store, crm))
        await phone.ice()
        body = phone.keys("1234")
        replies = await asyncio.gather(*(phone.send(body) for _ in range(5)))
        assert len({reply.body for reply in replies}) == 1
        assert sum(reply.record.repeated for reply in replies) == 4
        assert len(crm.asked) == 1
        assert phone.engine.in_flight == {}


async def test_delivery_to_two_workers_with_one_store_makes_one_lookup(tmp_path: Path) -> None:
    crm = Crm(wait=0.05)
    stores = [SqliteStore(tmp_path / "calls.db") for _ in range(2)]
    phone, other = (Phone(engine(store, crm)) for store in stores)
    await phone.ice()
    body = phone.keys("1234")
    replies = await asyncio.gather(phone.send(body), other.send(body))
    assert len(crm.asked) == 1
    assert replies[0].body == replies[1].body
    assert sorted(reply.record.repeated for reply in replies) == [False, True]
    for store in stores:
        await store.close()


ASKS_AT_ONCE = """
flow: line
start: look_up
error: sorry
vars: {name: {type: text, max: 20}}
states:
  look_up:
    fetch: {service: crm, get: /lines, into: {name: body.name}, failed: sorry}
    next: menu
  menu: {menu: {prompt: "Hello ${vars.name}.", options: {1: sorry}, otherwise: sorry}}
  sorry: {say: Sorry., hangup: {}}
"""


async def test_repeated_ice_makes_one_lookup_however_late_on_any_worker(
    tmp_path: Path,
) -> None:
    crm, now = Crm(), [1000.0]
    stores = [SqliteStore(tmp_path / "calls.db", lambda: now[0]) for _ in range(2)]
    phone, other = (
        Phone(engine(store, crm, at=release(ASKS_AT_ONCE), clock=lambda: now[0]))
        for store in stores
    )
    body = phone.body("ice", cli="467", to={"type": "did", "endpoint": "1"})
    first = await phone.send(body)
    now[0] += 60.0  # nobody claims it any more
    again = await other.send(body)
    assert (again.body, again.record.repeated, len(crm.asked)) == (first.body, True, 1)
    for store in stores:
        await store.close()


async def test_repeated_ice_after_a_publication_makes_no_lookup_of_the_new_release() -> None:
    async with closing_store(MemoryStore(clock=lambda: 2000.0)) as store:
        crm, now = Crm(), [1000.0]
        phone = Phone(
            engine(store, crm, at=release(ASKS_AT_ONCE), clock=lambda: now[0]), echo=False
        )
        body = phone.body("ice", cli="467", to={"type": "did", "endpoint": "1"})
        await phone.send(body)
        await phone.enter("", "timeout", "line.menu")
        phone.engine.releases.serve(release(ASKS_AT_ONCE.replace("/lines", "/others")))
        now[0] += 60.0
        assert words(await phone.send(body)) == "Hello Ann."
        assert {request.url for request, _ in crm.asked} == {"https://crm.example.com/lines"}


class HeldClaims(MemoryStore):
    """As when the worker that has the claim was killed."""

    async def claim(self, _call_id: str, _digest: bytes, _deadline: float) -> bool:
        return False


async def test_claim_of_a_killed_worker_leaves_time_for_the_lookup_though_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall, own = itertools.count(1000.0, -100.0), itertools.count(0.0, 0.5)
    monkeypatch.setattr(claims, "monotonic", lambda: next(own))
    async with closing_store(HeldClaims()) as store:
        crm = Crm()
        phone = Phone(engine(store, crm, at=release(ASKS_AT_ONCE), clock=lambda: next(wall)))
        assert words(await phone.ice()) == "Hello Ann."
        assert len(crm.asked) == 1
        assert 3.0 <= next(own) <= 4.5  # of 5 seconds; the clock has moved by half a second a look


class WriteOnly(MemoryStore):
    async def load(self, call_id: str) -> SavedCall | None:
        raise AssertionError(f"{call_id} was looked for")


async def test_ice_reads_nothing_from_the_store() -> None:
    async with closing_store(WriteOnly()) as store:
        assert words(await Phone(engine(store)).ice()) == "Number?"


class Full(MemoryStore):
    """As on a full disk: it can be read alone."""

    full = False

    async def save(
        self, call_id: str, saved: SavedCall, expires: float, *changes: Any
    ) -> SavedCall:
        if self.full:
            raise StoreError("full")
        return await super().save(call_id, saved, expires, *changes)

    async def claim(self, call_id: str, digest: bytes, deadline: float) -> bool:
        if self.full:
            raise StoreError("full")
        return await super().claim(call_id, digest, deadline)


@pytest.mark.parametrize("flow", [FLOW, ASKS_AT_ONCE], ids=["answers", "asks"])
@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
async def test_repeated_ice_is_recognised_though_nothing_can_be_saved(
    flow: str, cookies: bool
) -> None:
    async with closing_store(Full()) as store:
        crm = Crm(LookupResult(200, {"name": "Ann"}), LookupResult(200, {"name": "Bob"}))
        phone = Phone(engine(store, crm, at=release(flow), cookies=cookies))
        body = phone.body("ice", cli="467", to={"type": "did", "endpoint": "1"})
        first = await phone.send(body)
        store.full = True  # type: ignore[attr-defined]
        again = await phone.send(body)
        assert (again.body, again.record.repeated, len(crm.asked)) == (
            first.body,
            True,
            flow.count("start: look_up"),
        )


async def test_delivery_that_was_given_up_is_taken_over_by_its_repetition() -> None:
    async with closing_store(MemoryStore()) as store:
        crm = Crm()
        crm.may_answer.clear()
        phone = Phone(engine(store, crm, clock=iter(range(0, 10_000, 10)).__next__))
        await phone.ice()
        body = phone.keys("1234")
        first = asyncio.create_task(phone.send(body))
        await wait_until_async(lambda: bool(crm.asked))
        second = asyncio.create_task(phone.send(body))
        await asyncio.sleep(0.02)  # it waits for the first by now
        first.cancel()
        crm.may_answer.set()
        assert words(await second) == "Hello Ann 0."
        assert first.cancelled()
        assert phone.engine.in_flight == {}


async def test_notify_during_a_lookup_loses_nothing(opened: Callable[[], Store]) -> None:
    async with closing_store(opened()) as store:
        crm = Crm()
        crm.may_answer.clear()
        phone = Phone(engine(store, crm), echo=False)
        await phone.ice()
        answered = asyncio.create_task(phone.enter("1234"))
        await wait_until_async(lambda: bool(crm.asked))
        await phone.send(phone.body("notify", type="x"))
        crm.may_answer.set()
        assert await answered == "Hello Ann 1.", "taken anew, with what the notice did"
        assert len(crm.asked) == 1, "but not asked anew"
        await phone.send(phone.body("notify", type="y"))
        assert await phone.enter("", "timeout", "line.menu") == "Hello Ann 2."
        assert await phone.enter("1", "return") == "Goodbye Ann."


async def test_failure_of_any_kind_answers_with_the_apology() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(
            engine(store, Crm(RuntimeError("no network"), LookupResult(200, {"name": "Ann"})))
        )
        await phone.ice()
        reply = await phone.send(phone.keys("1234"))
        assert words(reply) == "The apology."
        assert json.loads(reply.body)["action"] == {"name": "hangup"}
        assert reply.record.outcome == "error"
        assert phone.engine.in_flight == {}


async def test_unreadable_store_answers_callers_with_the_apology_and_others_with_nothing() -> None:
    async with closing_store(BrokenStore()) as store:
        phone = Phone(engine(store))
        assert await phone.enter("1234") == "The apology."
        assert (await phone.send(phone.body("dice"))).body == b"{}"
        assert (await phone.send(phone.body("notify", type="x"))).body == b"{}"


def filled(store: Store) -> None:
    """No page more than there are."""
    assert isinstance(store, SqliteStore)
    execute = store._file.connection.execute
    execute(f"PRAGMA max_page_count = {execute('PRAGMA page_count').fetchone()[0]}")


async def test_full_disk_is_logged_once_and_not_for_each_callback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each callback had 26 lines in the log."""

    async with closing_store(SqliteStore(tmp_path / "calls.db")) as store:
        filled(store)
        served = engine(store, Crm(LookupResult(404)))
        for number in range(200):
            phone = Phone(served, call_id=f"call-{number}" + "x" * 500)
            assert words(await phone.ice()) == "Number?"
            assert await phone.enter("1234") == "Unknown 1234. Press 1."
            without = Phone(served, echo=False, call_id=phone.call_id)
            assert (await without.send(without.keys("1", "return"))).record.outcome in (
                "error",
                "unsaved",
                "answered",
            )
    assert {line.partition(":")[0] for line in caplog.messages} >= {
        "states of calls are in their cookies alone"
    }
    assert len(caplog.text.splitlines()) < 10
    assert "the session store cannot be written: database or disk is full" in caplog.text


@pytest.mark.parametrize("status", [404, 0])
async def test_lookup_that_fails_takes_its_exit(status: int) -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store, Crm(LookupResult(status))))
        await phone.ice()
        assert await phone.enter("1234") == "Unknown 1234. Press 1."


async def test_lookup_gets_the_time_that_is_left() -> None:
    async with closing_store(MemoryStore()) as store:
        crm = Crm(wait=0.1)
        phone = Phone(
            engine(
                store,
                crm,
                at=release(
                    FLOW.replace("next: menu", "next: once_more").replace("  menu:\n", TWICE, 1)
                ),
            )
        )
        await phone.ice()
        assert await phone.enter("1234") == "Hello Ann 0."
        first, second = (left for _, left in crm.asked)
        assert first <= 4.5, "five seconds of the platform without the margin for the answer"
        assert first - second > 0.09


TWICE = '  once_more: {fetch: {service: crm, get: "/more", failed: unknown}, next: menu}\n  menu:\n'


async def test_callback_that_waits_for_a_lookup_counts_as_waiting_on_io() -> None:
    counted: list[int] = []
    async with closing_store(MemoryStore()) as store:

        async def fetch(_request: LookupRequest, _left: float) -> LookupResult:
            counted.append(len(phone.engine.in_flight) - cooperative._waiting_on_io)
            return LookupResult(200, {"name": "Ann"})

        phone = Phone(engine(store, fetch))  # type: ignore[arg-type]
        await phone.ice()
        assert await phone.enter("1234") == "Hello Ann 0."
        assert (counted, cooperative._waiting_on_io) == ([0], 0)


async def test_without_time_left_nothing_is_asked() -> None:
    async with closing_store(MemoryStore()) as store:
        crm = Crm()
        made = replace(RELEASE, deadline=0.4)  # a lookup is given up half a second before
        phone = Phone(engine(store, crm, at=made))
        await phone.ice()
        assert await phone.enter("1234") == "Unknown 1234. Press 1."
        assert crm.asked == []


async def test_call_stays_on_its_release() -> None:
    async with closing_store(MemoryStore()) as store:
        registry = Registry(RELEASE)
        phone = Phone(Engine(registry, store, Codec([KEY]), Crm()))
        await phone.ice()
        registry.serve(release(FLOW.replace("Hello", "Welcome")))
        reply = await phone.send(phone.keys("1234"))
        assert words(reply) == "Hello Ann 0."
        assert reply.record.release == RELEASE.id
        other = Phone(phone.engine, call_id="call-2")
        await other.ice()
        assert await other.enter("1234") == "Welcome Ann 0."


@pytest.mark.parametrize(
    ("before", "after", "heard"),
    [
        ("Hello", "Welcome", "Goodbye Ann."),
        ("\n  menu:\n", "\n  other_menu:\n", "The apology."),
        ("name: {type: text, max: 20}", "name: {type: text, max: 20, default: Bo}", "Goodbye Ann."),
    ],
    ids=["fits", "its state is gone", "a new default"],
)
async def test_call_of_a_release_that_is_gone_goes_on_where_it_fits(
    before: str, after: str, heard: str
) -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        await phone.enter("1234")
        changed = FLOW.replace(before, after).replace(
            "next: menu", f"next: {'other_menu' if 'other' in after else 'menu'}"
        )
        phone.engine = engine(store, at=release(changed))
        reply = await phone.send(phone.keys("1", "return", "line.menu"))
        assert words(reply) == heard
        assert reply.record.release != RELEASE.id


async def test_value_of_another_type_does_not_fit_the_next_release() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        await phone.send(phone.body("notify", type="x"))
        await phone.enter("1234")
        changed = FLOW.replace("notes: {type: integer}", "notes: {type: text}").replace(
            "${vars.notes + 1}", "x"
        )
        phone.engine = engine(store, at=release(changed))
        assert await phone.enter("1", "return", "line.menu") == "Sorry."


async def test_state_that_outgrows_the_cookie_travels_in_the_store_alone() -> None:
    long = FLOW.replace("name: {type: text, max: 20}", "name: {type: text, max: 500}").replace(
        "notes: {type: integer}", "notes: {type: integer}\n  more: {type: text, max: 500}"
    )
    long = long.replace(
        "into: {name: body.name}", "into: {name: body.name, more: body.name}"
    ).replace("Goodbye ${vars.name}.", "Goodbye ${size(vars.name + vars.more)}.")

    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store, Crm(LookupResult(200, {"name": "x" * 500})), at=release(long)))
        await phone.ice()
        before = dict(phone.cookies)
        await phone.enter("1234")
        assert phone.cookies != before, "the state of before must not come back"
        assert len(phone.cookies[COOKIE_KEY]) < len(before[COOKIE_KEY])
        assert await phone.enter("1", "return") == "Goodbye 1000."


async def test_dice_is_acknowledged_without_a_cookie() -> None:
    async with closing_store(MemoryStore()) as store:
        phone = Phone(engine(store))
        await phone.ice()
        reply = await phone.send(phone.body("dice", result="ANSWERED"))
        assert reply.body == b"{}"
        assert reply.record.step == 2
        assert words(await phone.send(phone.keys("1234"))) == ""


async def test_store_that_is_back_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while it fails and works in turns: each turn would be two lines."""
    caplog.set_level(logging.INFO, "flowengine.runtime")
    now = [1000.0]
    monkeypatch.setattr(log_once.time, "monotonic", lambda: now[0])
    store = Flickering()
    made = engine(store, Crm())
    for number in range(4):
        store.fails = number % 2 == 0
        assert words(await Phone(made, call_id=f"call-{number}").ice()) == "Number?"
        now[0] += 1.0
    assert [line for line in caplog.messages if "again" in line] == []
    now[0] += log_once.MIN_QUIET_SECONDS
    for number in range(2):
        await Phone(made, call_id=f"later-{number}").ice()
    assert [line for line in caplog.messages if "store" in line or "cookies" in line] == [
        "states of calls are in their cookies alone: no disk",
        "calls are in the session store again, after 9 seconds",
    ]


class Flickering(MemoryStore):
    """A store that fails at times."""

    fails = False

    async def save(self, *values: Any) -> SavedCall:
        if self.fails:
            raise StoreError("no disk")
        return await super().save(*values)
