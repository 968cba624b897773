"""One event makes one report, also where other callbacks of its call come while it is made."""

import asyncio
import json
import time

import pytest

from flowengine.limits import REPORT_KEPT_SECONDS
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.runtime.outbox import Outbox
from flowengine.runtime.requester import IDEMPOTENCY_KEY
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release

FLOW = """
flow: line
start: ask
on: {ended: look, notified: {recording_available: note}}
vars:
  place: {type: text, max: 60}
  level: {type: text, max: 20}
states:
  ask: {menu: {prompt: Press 1., options: {1: pay}, otherwise: bye}}
  pay:
    fetch: {service: crm, post: /payments, body: {recording: "${vars.place}"}, failed: bye}
    next: bye
  bye: {say: Goodbye., hangup: }
  note: {set: {place: "${event.destination}"}, next: noted}
  noted: {done: {}}
  look:
    fetch: {service: crm, get: "/levels?place=${vars.place}", into: {level: body.level}, failed: report}
    next: report
  report:
    fetch:
      service: crm
      post: /reports
      body: {recording: "${vars.place}", level: "${vars.level}"}
      failed: noted
    next: noted
"""
PROJECT = "{project: test, services: {crm: {url: 'https://crm.example.com'}}}"
COMMON = {"callid": "call-1", "version": 1}
ICE = {"event": "ice", "cli": "467", "to": {"type": "did", "endpoint": "1"}, **COMMON}
KEY = {
    "event": "pie",
    "menuResult": {"menuId": "line.ask", "type": "return", "value": "1"},
    **COMMON,
}
NOTICE = {"event": "notify", "type": "recording_available", "destination": "s3://a/b", **COMMON}
DICE = {"event": "dice", "result": "ANSWERED", "reason": "CALLERHANGUP", "duration": 3, **COMMON}


class NotifyingCrm:
    """A system that is slow: the recording's notice comes and is answered while it is asked."""

    def __init__(self) -> None:
        self.asked: list[LookupRequest] = []
        self.engine: Engine | None = None

    async def __call__(self, request: LookupRequest, _left: float) -> LookupResult:
        self.asked.append(request)
        if len(self.asked) == 1:
            await send(self.engine, NOTICE)
        return LookupResult(200, {"level": "gold"})


async def send(engine: Engine | None, event: dict[str, object]) -> None:
    assert engine is not None
    body = json.dumps(event).encode()
    await engine.answer(decode(body), body)


async def answer_events(*events: dict[str, object], flow: str = FLOW) -> list[LookupRequest]:
    """What the system is asked while these come, one after the other."""
    release = compile_release({"line.yaml": flow, "project.yaml": PROJECT})
    crm = NotifyingCrm()
    crm.engine = Engine(Registry(release), MemoryStore(), Codec([derive_key("secret")]), crm)
    for event in events:
        await send(crm.engine, event)
    return crm.asked


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_payment_during_which_a_value_changes_is_made_once(method: str) -> None:
    body = 'body: {recording: "${vars.place}"}'
    assert FLOW.count(body) == 1
    flow = FLOW.replace("post: /payments", f"{method.lower()}: /payments").replace(
        body, 'body: {payment: {recordings: ["${vars.place}"]}}'
    )
    asked = await answer_events(ICE, KEY, flow=flow)
    assert [(one.method, one.url) for one in asked] == [
        (method, "https://crm.example.com/payments")
    ]
    assert asked[0].body == b'{"payment":{"recordings":[""]}}'
    again = await answer_events(ICE, KEY, flow=flow)
    assert asked[0].headers[IDEMPOTENCY_KEY] == again[0].headers[IDEMPOTENCY_KEY]


async def test_report_after_a_reading_lookup_is_made_once_and_tells_the_latest_values() -> None:
    asked = await answer_events(ICE, DICE)
    assert [(request.method, request.url.rpartition("/")[2]) for request in asked] == [
        ("GET", "levels?place="),
        ("POST", "reports"),
        ("GET", "levels?place=s3%3A%2F%2Fa%2Fb"),
    ]


async def test_reports_of_two_events_that_overlap_are_made_once_each() -> None:
    release = compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})
    asked: list[str] = []

    async def fetch(request: LookupRequest, _left: float) -> LookupResult:
        asked.append(request.url.rpartition("/")[2].partition("?")[0])
        await asyncio.sleep(0.01)
        return LookupResult(200, {"level": "gold"})

    engine = Engine(Registry(release), MemoryStore(), Codec([derive_key("secret")]), fetch)
    await send(engine, ICE)
    await asyncio.gather(send(engine, DICE), send(engine, NOTICE), send(engine, KEY))
    assert asked.count("reports") == 1
    assert asked.count("payments") <= 1


MESSAGE = """
flow: line
start: ask
vars: {message: {type: text, max: 256}}
states:
  ask:
    record_message: {prompt: Please speak., into: message, review: Press 1., to: "s3://box"}
    next: tell
  tell:
    fetch: {service: crm, post: /messages, body: {recording: "${vars.message}"}, failed: bye}
    next: bye
  bye: {say: Goodbye., hangup: }
"""


async def test_report_after_a_hang_up_in_a_menu_is_tried_again() -> None:
    """The platform awaits the answer to such a PIE, but nobody hears it."""
    release = compile_release({"line.yaml": MESSAGE, "project.yaml": PROJECT})
    sent: list[LookupRequest] = []

    async def refuse(request: LookupRequest, _left: float) -> LookupResult:
        sent.append(request)
        return LookupResult(503 if len(sent) == 1 else 204)

    store, codec = MemoryStore(), Codec([derive_key("secret")])
    engine = Engine(Registry(release), store, codec, refuse)
    body = json.dumps(ICE).encode()
    reply = await engine.answer(decode(body), body)
    started = json.loads(reply.body)["instructions"]
    address = next(one["options"]["destinationUrl"] for one in started if "options" in one)
    pressed = {**KEY, "menuResult": {"menuId": "line.ask", "type": "return", "value": "#"}}
    gone = {**KEY, "menuResult": {"menuId": "line.ask", "type": "hangup"}}
    for event in (pressed, {**NOTICE, "destination": address}, gone):
        await send(engine, event)
    assert len(sent) == 1
    outbox = Outbox(store, codec, refuse, lambda: time.time() + REPORT_KEPT_SECONDS / 2)
    assert await outbox.deliver_due_reports() == 1
    assert [json.loads(one.body) for one in sent] == [{"recording": address}] * 2
