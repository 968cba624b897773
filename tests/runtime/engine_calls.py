"""Calls of a small flow through the engine, with a scripted system that the flow asks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine, Reply
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall, Store, StoreError
from tests.compiled_release import compile_release

FLOW = """
flow: line
locale: en-US
start: ask
error: sorry
on: {notified: {any: note}}
vars:
  account: {type: digits, max: 8}
  name: {type: text, max: 20}
  notes: {type: integer}
states:
  ask:
    collect: {prompt: Number?, into: account, digits: 4, otherwise: sorry}
    next: look_up
  look_up:
    fetch: {service: crm, get: "/accounts/${vars.account}", into: {name: body.name}, failed: unknown}
    next: menu
  menu:
    menu: {prompt: "Hello ${vars.name} ${vars.notes}.", options: {1: bye}, attempts: 9, otherwise: bye}
  unknown: {say: "Unknown ${vars.account}.", menu: {prompt: Press 1., options: {1: bye}, otherwise: bye}}
  bye: {say: "Goodbye ${vars.name}.", hangup: {}}
  sorry: {say: Sorry., hangup: {}}
  note: {set: {notes: "${vars.notes + 1}"}, next: noted}
  noted: {done: {}}
"""
PROJECT = (
    "{project: test, services: {crm: {url: 'https://crm.example.com'}}, apology: The apology.}"
)
KEY = derive_key("secret")


def release(flow: str = FLOW) -> Release:
    return compile_release({"line.yaml": flow, "project.yaml": PROJECT})


RELEASE = release()


class Crm:
    """The system that the flow asks."""

    def __init__(self, *answers: LookupResult | Exception, wait: float = 0) -> None:
        self.answers = list(answers) or [LookupResult(200, {"name": "Ann"})]
        self.wait = wait
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked: list[tuple[LookupRequest, float]] = []

    async def __call__(self, request: LookupRequest, left: float) -> LookupResult:
        self.asked.append((request, left))
        await asyncio.sleep(self.wait)
        await self.may_answer.wait()
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Phone:
    """A call as the platform makes it; it echoes cookies, or not."""

    def __init__(self, engine: Engine, *, echo: bool = True, call_id: str = "call-1") -> None:
        self.engine = engine
        self.echo = echo
        self.call_id = call_id
        self.cookies: dict[str, str] = {}
        self.count = 0

    def body(self, name: str, **fields: Any) -> bytes:
        self.count += 1
        cookies = (
            [{"key": key, "value": value} for key, value in self.cookies.items()]
            if self.echo
            else []
        )
        call = {
            "event": name,
            "callid": self.call_id,
            "version": 1,
            "timestamp": str(self.count),
            "cookies": cookies,
        }
        return json.dumps(call | fields).encode()

    async def send(self, body: bytes) -> Reply:
        reply = await self.engine.answer(decode(body), body)
        for item in json.loads(reply.body).get("instructions", []):
            if item["name"] == "setCookie":
                self.cookies[item["key"]] = item["value"]
        return reply

    async def ice(self) -> Reply:
        return await self.send(self.body("ice", cli="467", to={"type": "did", "endpoint": "1"}))

    def keys(self, digits: str, kind: str = "sequence", menu: str = "") -> bytes:
        menu = menu or ("line.menu" if kind == "return" else "line.ask")
        return self.body("pie", menuResult={"menuId": menu, "type": kind, "value": digits})

    async def enter(self, digits: str, kind: str = "sequence", menu: str = "") -> str:
        return words(await self.send(self.keys(digits, kind, menu)))


def words(reply: Reply) -> str:
    """All that a caller hears."""
    answer = json.loads(reply.body)
    said = [item["text"] for item in answer.get("instructions", []) if item["name"] == "say"]
    menus = answer.get("action", {}).get("menus", [])
    return " ".join(
        said + [menu["mainPrompt"].removeprefix("#tts[").removesuffix("]") for menu in menus[:1]]
    )


@asynccontextmanager
async def closing_store(store: Store) -> AsyncIterator[Store]:
    try:
        yield store
    finally:
        await store.close()


def engine(
    store: Store,
    crm: Crm | None = None,
    *,
    cookies: bool = True,
    at: Release = RELEASE,
    **more: Any,
) -> Engine:
    return Engine(Registry(at), store, Codec([KEY]) if cookies else None, crm or Crm(), **more)


class BrokenStore(MemoryStore):
    async def load(self, call_id: str) -> SavedCall | None:
        raise StoreError(f"no disk for {call_id}")
