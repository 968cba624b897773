"""Calls of which too little is known: nobody may be led into a flow that is not theirs."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.compile import Release
from flowengine.limits import MAX_FACT_BYTES
from flowengine.releases import Registry
from flowengine.runtime.call_state import Call, Frame, can_continue_on, encode_call
from flowengine.runtime.cookie import COOKIE_KEY, Codec, derive_key
from flowengine.runtime.engine import Engine, Reply
from flowengine.runtime.incoming_facts import truncate_fact
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall
from tests.compiled_release import compile_release

LINE = """
flow: line
start: ask
error: sorry
on: {ended: over, notified: {any: over}}
states:
  ask: {menu: {prompt: Press 1., options: {1: ask}, otherwise: sorry}}
  sorry: {say: Sorry., hangup: }
  over: {done: }
"""
REMINDER = """
flow: reminder
on: {answered: remind, ended: over, notified: {any: over}}
states:
  remind: {say: This is a reminder., hangup: }
  over: {done: }
"""
SERVER = "{origin: server, flow: reminder}"
CODEC = Codec([derive_key("secret")])
CONTINUE, NOTHING = {"action": {"name": "continue"}}, {}


def release(routes: str = f"[{SERVER}, {{flow: line}}]") -> Release:
    files = {
        "line.yaml": LINE,
        "reminder.yaml": REMINDER,
        "project.yaml": f"{{project: test, apology: The apology., routes: {routes}}}",
    }
    return compile_release(files)


RELEASE = release()


async def unasked(_request: LookupRequest, _left: float) -> LookupResult:
    raise AssertionError("nothing is asked here")


def answered(event: str, known: Call | None, at: Release = RELEASE, **fields: Any) -> Reply:
    """The reply to this event of a call of which this is stored."""

    async def run() -> Reply:
        store = MemoryStore()
        if known:
            await store.save("c1", SavedCall(known.steps, encode_call(known), b"old", b"{}"), 1e12)
        body = json.dumps({"event": event, "callid": "c1", "version": 1, **fields}).encode()
        return await Engine(Registry(at), store, CODEC, unasked).answer(decode(body), body)

    return asyncio.run(run())


def shape(reply: Reply) -> Any:
    return json.loads(reply.body)


GONE = Call("another", "line", "no_longer", "en-US", steps=3)
FORGOTTEN = Call("another", "no_such_flow", "ask", "en-US", steps=3)


@pytest.mark.parametrize("known", [GONE, FORGOTTEN])
def test_known_call_never_becomes_a_placed_one(known: Call) -> None:
    custom = '{"flow": "reminder"}'
    assert shape(answered("ace", known)) == CONTINUE
    assert shape(answered("ace", known, custom=custom)) == CONTINUE
    assert shape(answered("ace", known, release(f"[{SERVER}]"))) == CONTINUE
    for event in ("dice", "notify"):
        reply = answered(event, known, custom=custom)
        assert shape(reply) == NOTHING
        assert reply.record.flow == ("line" if known is GONE else "")


def test_unreadable_cookie_makes_the_call_a_known_one() -> None:
    assert (
        shape(
            answered(
                "ace", None, release(f"[{SERVER}]"), cookies=[{"key": COOKIE_KEY, "value": "1.x"}]
            )
        )
        == CONTINUE
    )


def test_flow_of_a_lost_call_in_a_subflow_is_its_outer_one() -> None:
    known = Call("another", "reminder", "gone", "en-US", steps=3, stack=(Frame("line", "ask", {}),))
    assert answered("dice", known).record.flow == "line"


def test_unknown_call_is_a_placed_one_only_if_it_can_be_nothing_else() -> None:
    assert shape(answered("ace", None)) == CONTINUE
    assert answered("dice", None).record.flow == ""
    reminded = [
        answered("ace", None, custom='{"flow": "reminder"}'),
        answered("ace", None, release(f"[{SERVER}]")),
    ]
    assert [shape(reply)["instructions"][0]["text"] for reply in reminded] == [
        "This is a reminder."
    ] * 2
    assert answered("notify", None, release(f"[{SERVER}]"), type="x").record.flow == "reminder"


@pytest.mark.parametrize("known", [None, FORGOTTEN])
@pytest.mark.parametrize(
    ("menu", "kind", "expected"),
    [
        ("meeting", "sequence", ""),
        ("line.ask", "sequence", "Sorry."),
        ("line.ask", "return", "Sorry."),
        ("main", "sequence", "The apology."),
        ("gone.ask", "sequence", "The apology."),
        ("meeting", "return", "The apology."),
    ],
)
def test_keys_in_a_conference_are_acknowledged_and_answers_to_questions_never_ignored(
    known: Call | None, menu: str, kind: str, expected: str
) -> None:
    found = shape(answered("pie", known, menuResult={"menuId": menu, "type": kind, "value": "1"}))
    assert found.get("instructions", [{}])[0].get("text", "") == expected


def test_call_can_continue_in_a_subflow_only_where_one_is_used() -> None:
    assert can_continue_on(Call("x", "line", "ask", "en-US"), RELEASE)
    assert not can_continue_on(
        Call("x", "line", "ask", "en-US", stack=(Frame("line", "ask", {}),)), RELEASE
    )


@given(st.text())
def test_fact_is_truncated_to_the_bytes_that_the_check_counts(text: str) -> None:
    short = truncate_fact(text)
    assert len(short.encode()) <= MAX_FACT_BYTES
    assert text.startswith(short)
    assert short == text or len(short.encode()) > MAX_FACT_BYTES - 4


def test_addresses_are_cut_when_a_call_comes_in() -> None:
    reply = answered(
        "ice",
        None,
        cli="467",
        to={"type": "sip", "endpoint": "ö" * 5000},
        user="u" * 5000,
        originationType="SIP",
    )
    assert shape(reply)["action"]["name"] == "runMenu"


CUSTOM = """
flow: line
start: ask
on: {answered: ask, ended: over}
vars: {kept: {type: text, default: none, max: 300}}
states:
  ask: {menu: {prompt: Press 1., options: {1: said}, otherwise: said}}
  said: {say: "It is ${call.custom}.", hangup: }
  over: {set: {kept: "${call.custom}"}, next: end}
  end: {choose: [{when: vars.kept == "", next: out}, {next: out}]}
  out: {done: }
"""


@pytest.mark.parametrize("first", ["ice", "ace"])
@pytest.mark.parametrize(
    ("handed", "repeated", "heard"),
    [
        ("Ann", "", "It is Ann."),
        ("Ann", "Bob", "It is Ann."),
        ("", "Bob", "It is Bob."),
        ("å" * 128, "", f"It is {'å' * 128}."),
        ("å" * 129, "", "It is ."),
        ("å" * 129, "Ann", "It is Ann."),
    ],
)
def test_custom_text_of_the_first_callback_is_known_in_later_ones(
    first: str, handed: str, repeated: str, heard: str
) -> None:
    at = compile_release(
        {
            "line.yaml": CUSTOM,
            "project.yaml": "{project: test, routes: [{origin: server, flow: line}]}",
        }
    )
    engine = Engine(Registry(at), MemoryStore(), CODEC, unasked)
    head = {"callid": "c1", "version": 1, "originationType": "SERVER"}
    pressed = {"type": "return", "value": "1", "menuId": "line.ask"}

    async def run() -> tuple[Reply, Reply]:
        replies = []
        for event, fields in (
            (first, {"custom": handed}),
            ("pie", {"custom": repeated, "menuResult": pressed}),
        ):
            body = json.dumps({"event": event, **head, **fields}).encode()
            replies.append(await engine.answer(decode(body), body))
        return replies[0], replies[1]

    begun, told = asyncio.run(run())
    assert shape(told)["instructions"][0]["text"] == heard
    is_noted = any("call.custom is too long" in entry.what for entry in begun.record.trace)
    assert is_noted is (len(handed.encode()) > 256)
