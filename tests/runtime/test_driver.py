"""Workers whose store was replaced a moment ago: none answers from an older state than another has."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import SqliteStore
from tests.compiled_release import compile_release

LINE = """
flow: line
start: one
error: sorry
states:
  one: {menu: {prompt: One., options: {1: two}, otherwise: sorry}}
  two: {menu: {prompt: Two., options: {1: three}, otherwise: sorry}}
  three: {say: Three., hangup: }
  sorry: {say: Sorry., hangup: }
"""
RELEASE = compile_release({"line.yaml": LINE, "project.yaml": "project: test"})
assert RELEASE
CODEC = Codec([derive_key("secret")])


async def unasked(_request: LookupRequest, _left: float) -> LookupResult:
    raise AssertionError("nothing is asked here")


class Worker:
    """A worker; its callers' cookies do not come back."""

    def __init__(self, path: Path, menu_ids: str = "named") -> None:
        project = f"{{project: test, platform: {{menu_ids: {menu_ids}}}}}".encode()
        release = compile_release({"line.yaml": LINE, "project.yaml": project})
        self.menu_ids, self.store = menu_ids, SqliteStore(path)
        self.engine = Engine(Registry(release), self.store, CODEC, unasked)

    async def answer(self, event: str, **fields: Any) -> str:
        """What the caller hears."""
        body = json.dumps({"event": event, "callid": "c1", "version": 1, **fields}).encode()
        answer = json.loads((await self.engine.answer(decode(body), body)).body)
        prompt = answer["instructions"][0].get("text")
        return str(prompt or answer["action"]["menus"][0]["mainPrompt"])

    async def press(self, menu: str) -> str:
        name = f"line.{menu}" if self.menu_ids == "named" else "main"
        result = {"menuId": name, "type": "return", "value": "1"}
        return await self.answer("pie", menuResult=result)


def remove(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def last_saver_has_not_noticed(first: Worker, second: Worker) -> tuple[Worker, Worker]:
    return second, first


def reader_has_not_noticed(first: Worker, second: Worker) -> tuple[Worker, Worker]:
    return first, second


@pytest.mark.parametrize("menu_ids", ["named", "main"])
@pytest.mark.parametrize("who", [last_saver_has_not_noticed, reader_has_not_noticed])
async def test_call_goes_on_where_workers_notice_a_replaced_store_after_each_other(
    tmp_path: Path, who: Callable[[Worker, Worker], tuple[Worker, Worker]], menu_ids: str
) -> None:
    path = tmp_path / "calls.db"

    first, second = Worker(path, menu_ids), Worker(path, menu_ids)
    saves, reads = who(first, second)
    assert "One." in await first.answer("ice", cli="46708168731", to={"type": "did"})
    remove(path)
    assert await first.store.reopen_if_replaced()
    assert "Two." in await saves.press("one")
    noticing = asyncio.get_running_loop().call_later(
        0.1, lambda: looks.append(asyncio.ensure_future(second.store.reopen_if_replaced()))
    )
    looks: list[asyncio.Future[bool]] = []
    assert await reads.press("two") == "Three."
    noticing.cancel()
    assert [await look for look in looks] == [True]
    for worker in (first, second):
        await worker.store.close()


async def test_lost_call_of_a_store_that_was_not_replaced_waits_for_nothing(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "calls.db")
    assert not await worker.store.catch_up()
    assert await worker.press("two") == "Sorry."
    await worker.store.close()
