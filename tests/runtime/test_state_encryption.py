"""No secret stands in clear in the store, nor keeps a repeated delivery from its answer; calls
outlive a store that fails.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.state_encryption import StateEncryption
from flowengine.states import LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall, SqliteStore, StoreError
from tests.runtime.engine_calls import FLOW, KEY, BrokenStore, Crm, Phone, engine, release, words

SECRET_FLOW = FLOW.replace(
    "name: {type: text, max: 20}", "name: {type: text, max: 20, secret: true}"
)
NAME = "Zacharias"


def called(store_file: Path, flow: str) -> bytes:
    """Walk a call twice over each delivery, on an own engine each time; the bytes of the file in
    the end.
    """

    async def run() -> bytes:
        store = SqliteStore(store_file)
        crm = Crm(LookupResult(200, {"name": NAME}))
        at = release(flow)
        phone = Phone(engine(store, crm, at=at), echo=False)
        await phone.ice()
        for body in (phone.keys("1234"), phone.keys("", "timeout", "line.menu")):
            first = await phone.send(body)
            phone.engine = engine(store, crm, at=at)
            again = await phone.send(body)
            assert again.body == first.body
            assert again.record.repeated
            assert NAME in words(again)
            assert again.record.state == first.record.state == "menu"
        assert len(crm.asked) == 1
        written = b"".join(file.read_bytes() for file in store_file.parent.iterdir())
        await store.close()
        return written

    return asyncio.run(run())


def test_secrets_are_sealed(tmp_path: Path) -> None:
    assert NAME.encode() not in called(tmp_path / "calls.db", SECRET_FLOW)


def test_calls_without_secrets_spare_the_time(tmp_path: Path) -> None:
    assert NAME.encode() in called(tmp_path / "calls.db", FLOW)


def test_release_knows_which_flows_have_secrets() -> None:
    assert release(SECRET_FLOW).secret_flows == {"line"}
    assert not release(FLOW).secret_flows


def test_sealed_state_is_lost_with_its_key_and_is_no_answer() -> None:
    encryption = StateEncryption(Codec([KEY]))
    saved = SavedCall(
        3, encryption.seal_state(b"same", "c1", 3), b"d", encryption.seal_answer(b"same", "c1", 3)
    )
    assert (
        encryption.open_state(saved.state, "c1"),
        encryption.open_answer(saved.answer, "c1"),
    ) == (
        b"same",
        b"same",
    )
    assert (
        encryption.open_state(saved.answer, "c1")
        is encryption.open_answer(saved.state, "c1")
        is encryption.open_state(saved.state, "c2")
        is None
    )
    assert StateEncryption(Codec([derive_key("other")])).open_state(saved.state, "c1") is None
    assert StateEncryption(None).open_state(saved.state, "c1") is None
    assert encryption.open_state(b"\x9aclear", "c1") == b"\x9aclear"


class Unwritable(MemoryStore):
    """A full disk: what is there can be read."""

    async def save(
        self, call_id: str, _saved: SavedCall, _expires: float, *_changes: Any
    ) -> SavedCall:
        raise StoreError(f"no room for {call_id}")

    async def claim(self, call_id: str, _digest: bytes, _deadline: float) -> bool:
        raise StoreError(f"no room for {call_id}")


class Dead(Unwritable, BrokenStore):
    """Neither read nor written."""


@pytest.mark.parametrize("store", [Unwritable, Dead])
async def test_call_whose_cookie_comes_back_outlives_the_store(
    store: type[MemoryStore], caplog: pytest.LogCaptureFixture
) -> None:
    phone = Phone(engine(store()))
    first = await phone.ice()
    assert (words(first), first.record.outcome) == ("Number?", "unsaved")
    assert await phone.enter("1234") == "Hello Ann 0."
    assert await phone.enter("1", "return", "line.menu") == "Goodbye Ann."
    assert "no room for call-1" in caplog.text


async def test_call_that_nothing_carries_hears_the_apology() -> None:
    phone = Phone(engine(Unwritable(), cookies=False))
    assert words(await phone.ice()) == "The apology."
    phone = Phone(engine(Dead()), echo=False)
    await phone.ice()
    assert await phone.enter("1234") == "The apology."
