"""The end of a recorded message reaches the server as several events, in any order, or at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import pytest

from flowengine.states import LookupResult
from flowengine.storage.sessions import open_store
from tests.compiled_release import compile_release
from tests.runtime.engine_calls import Crm, Phone, engine

pytestmark = pytest.mark.anyio
FLOW = """
flow: line
start: take
vars: {message: {type: text, max: 256}}
states:
  take:
    record_message: {prompt: Leave a message., review: Press 1., into: message}
    next: tell
    error: complain
  tell:
    fetch: {service: crm, post: /messages, body: {file: "${vars.message}"}, failed: bye}
    next: bye
  complain:
    fetch: {service: crm, post: /failures, body: {call: "${call.id}"}, failed: bye}
    next: bye
  bye: {say: Bye., hangup: }
"""
PROJECT = """
project: test
recordings: {to: "s3://box"}
services: {crm: {url: "https://crm.example.com"}}
"""
RELEASE = compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})
# how the platform may end the menu of a call that is over
MENU_ENDS = ("hangup", "timeout")


@pytest.fixture
async def crm() -> Crm:
    return Crm(LookupResult(200, {}), wait=0.02)


@pytest.fixture
async def phone(crm: Crm, tmp_path: Path) -> AsyncIterator[Phone]:
    store = open_store(f"sqlite:{tmp_path / 'calls.db'}")
    yield Phone(engine(store, crm, at=RELEASE), echo=False)
    await store.close()


async def record(phone: Phone) -> dict[str, bytes]:
    """Ring and speak; return the events by which it may end."""
    items = json.loads((await phone.ice()).body)["instructions"]
    (started,) = (item for item in items if item["name"] == "startRecording")
    address = started["options"]["destinationUrl"]
    return {
        "notice": phone.body("notify", type="recording_available", destination=address),
        "end": phone.body("dice", result="ANSWERED", reason="CALLERHANGUP", duration=9),
        **{kind: phone.keys("", kind, "line.take") for kind in MENU_ENDS},
    }


@pytest.mark.parametrize("menu_end", MENU_ENDS)
@pytest.mark.parametrize("order", list(permutations(["notice", "end", "menu"])), ids="-".join)
async def test_message_is_reported_once_however_the_menu_ends(
    phone: Phone, crm: Crm, order: tuple[str, ...], menu_end: str
) -> None:
    events = await record(phone)
    for name in order:
        await phone.send(events[menu_end if name == "menu" else name])
    assert [request.url.rpartition("/")[2] for request, _ in crm.asked] == ["messages"]


@pytest.mark.parametrize("first", [("notice",), ()], ids=["after the notice", "with the notice"])
async def test_message_whose_events_come_at_once_is_reported_once(
    phone: Phone, crm: Crm, first: tuple[str, ...]
) -> None:
    events = await record(phone)
    for name in first:
        await phone.send(events[name])
    rest = [name for name in ("notice", "end", "hangup") if name not in first]
    await asyncio.gather(*(phone.send(events[name]) for name in rest))
    assert [request.url.rpartition("/")[2] for request, _ in crm.asked] == ["messages"]
