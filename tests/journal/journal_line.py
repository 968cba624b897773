"""Calls through the real engine and the real journal, in this process, with scripted answers of
other systems.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flowengine.compile import Release
from flowengine.journal import JournalEncryption, JournalWriter
from flowengine.journal.journal_location import JournalLocation
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine, Reply
from flowengine.sinch import Dice, Notify, decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore

SEALER = JournalEncryption(["the secret"])
FLOW = """
flow: line
start: welcome
on: {ended: report}
vars:
  account: {type: digits, max: 8, secret: true}
  order: {type: digits, max: 8}
  name: {type: text, max: 40}
states:
  welcome:
    say: Welcome.
    next: main
  main:
    menu:
      prompt: For your bill press 1. For an order press 2. For an agent press 0.
      options: {1: ask_account, 2: ask_order, 0: agents}
      attempts: 2
      no_match: That is not one of the choices.
      otherwise: agents
  ask_account:
    collect: {prompt: Your account number?, into: account, digits: 8, otherwise: agents}
    next: look_up
  ask_order:
    collect: {prompt: Your order number?, into: order, digits: 6, otherwise: agents}
    next: told
  told:
    say: Order ${spell(vars.order)} is on its way to ${call.from}.
    next: main
  look_up:
    fetch: {service: crm, get: "/accounts/${vars.account}", into: {name: body.name}, failed: agents}
    next: greet
  greet:
    say: Hello ${vars.name}, your account is ${vars.account}.
    next: agents
  agents:
    connect: {phone: "+14045009000"}
  report:
    fetch: {service: crm, post: /calls, body: {result: "${event.result}"}, failed: reported}
    next: reported
  reported:
    done:
"""
PROJECT = 'project: test\nservices: {crm: {url: "https://crm.example.com"}}\n'
CALLER, LINE = "12015550123", "+14045550199"


def files(flow: str = FLOW, journal: str = "") -> dict[str, bytes]:
    return {
        "line.yaml": flow.encode(),
        "project.yaml": (PROJECT + (f"journal: {journal}\n" if journal else "")).encode(),
    }


def ring(call: str = "call-1") -> dict[str, Any]:
    to = {"type": "did", "endpoint": LINE}
    return {
        "event": "ice",
        "callid": call,
        "version": 1,
        "cli": CALLER,
        "to": to,
        "domain": "pstn",
        "originationType": "PSTN",
    }


def press(value: str, call: str = "call-1", kind: str = "return") -> dict[str, Any]:
    result = {"menuId": "main", "type": kind, "value": value, "inputMethod": "dtmf"}
    return {"event": "pie", "callid": call, "version": 1, "menuResult": result}


def keyed(value: str, call: str = "call-1") -> dict[str, Any]:
    return press(value, call, "sequence")


def answered(call: str = "call-1") -> dict[str, Any]:
    return {"event": "ace", "callid": call, "version": 1}


def ended(call: str = "call-1", reason: str = "CALLERHANGUP", seconds: int = 20) -> dict[str, Any]:
    return {
        "event": "dice",
        "callid": call,
        "version": 1,
        "result": "ANSWERED",
        "reason": reason,
        "duration": seconds,
        "from": CALLER,
    }


class Clock:
    """A second passes each time that it is looked at."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def crm(request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(200, {"name": "Ann"}) if request.method == "GET" else LookupResult(204)


def record(
    path: JournalLocation, release: Release, events: Iterable[dict[str, Any]], fetch: Any = crm, sealer: JournalEncryption | None = SEALER,
    clock: Clock | None = None,
) -> list[Reply]:  # fmt: skip
    """Answer these callbacks, and journal them at `path`."""
    return asyncio.run(recorded(path, release, list(events), fetch, sealer, clock))


async def recorded(
    path: JournalLocation,
    release: Release,
    events: Sequence[dict[str, Any]],
    fetch: Any,
    sealer: JournalEncryption | None,
    clock: Clock | None = None,
) -> list[Reply]:
    counted: list[tuple[str, int]] = []
    writer = JournalWriter(
        path, lambda _release: release, sealer, lambda what, rows: counted.append((what, rows))
    )
    writer.start()
    engine = Engine(
        Registry(release), MemoryStore(), Codec([derive_key("key")]), fetch, clock or Clock()
    )
    replies = []
    for event in events:
        body = json.dumps(event).encode()
        decoded = decode(body)
        reply = await engine.answer(decoded, body)
        replies.append(reply)
        if isinstance(decoded, (Dice, Notify)):
            await writer.save_record(reply.record, body, reply.body)
        else:
            writer.enqueue_record(reply.record, body, reply.body)
    await asyncio.to_thread(writer.close)
    assert sum(rows for what, rows in counted if what == "kept") == len(events), counted
    return replies


def written(path: Path) -> bytes:
    """Every byte of a journal."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
