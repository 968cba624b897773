"""The endpoint alone, driven through ASGI: what happens when what cannot fail fails."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.server.callback import CallbackHandler, SignatureGate
from flowengine.server.health import Readyz
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore, SavedCall, StoreError
from tests.compiled_release import compile_release
from tests.server.server_process import FLOW, ice

PROJECT = (
    b'{project: test, apology: "So sorry.", services: {crm: {url: "https://crm.example.com"}}}'
)
DICE = {"event": "dice", "callid": "c1", "version": 1, "result": "ANSWERED"}


class Broken(MemoryStore):
    async def save(
        self, _call_id: str, _saved: SavedCall, _expires: float, *_changes: Any
    ) -> SavedCall:
        raise StoreError("the disk is full")

    async def claim(self, _call_id: str, _digest: bytes, _deadline: float) -> bool:
        raise StoreError("the disk is full")

    async def check_writable(self) -> None:
        raise StoreError("the disk is full")


class Counting(MemoryStore):
    probes = 0

    async def check_writable(self) -> None:
        self.probes += 1
        await asyncio.sleep(0.01)


async def nothing(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(0, error="connection")


@pytest.fixture
def release() -> Release:
    return compile_release({"line.yaml": FLOW, "project.yaml": PROJECT})


def endpoint(release: Release, store: MemoryStore) -> CallbackHandler:
    engine = Engine(Registry(release), store, None, nothing)
    return CallbackHandler(
        engine,
        SignatureGate(Registry(release), {}),
        Metrics(),
        LogWriter(os.open(os.devnull, os.O_WRONLY)),
    )


def sent(app: Any, *pieces: bytes) -> tuple[int, bytes]:
    """The status and body of one request whose body comes in these pieces."""
    messages = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(
        app(
            {
                "type": "http",
                "method": "POST",
                "path": "/sinch",
                "headers": [],
                "client": ("127.0.0.1", 1),
            },
            receive,
            send,
        )
    )
    return (said[0]["status"], said[1]["body"]) if said else (0, b"")


def test_broken_store_answers_with_the_apology(release: Release) -> None:
    status, body = sent(endpoint(release, Broken()), json.dumps(ice()).encode())
    assert status == 200
    assert json.loads(body)["instructions"][0]["text"] == "So sorry."
    assert json.loads(body)["action"]["name"] == "hangup"


def test_broken_engine_answers_with_the_apology(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = endpoint(release, MemoryStore())

    async def broken(*_: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(app._engine, "answer", broken)
    status, body = sent(app, json.dumps(ice()).encode())
    assert (status, json.loads(body)["instructions"][0]["text"]) == (200, "So sorry.")
    assert sent(app, json.dumps(DICE).encode()) == (200, b"{}")
    monkeypatch.setattr("flowengine.server.callback.render_apology", lambda *_: 1 / 0)
    assert sent(app, json.dumps(ice()).encode())[0] == 200


def test_callback_that_cannot_be_logged_is_answered(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = endpoint(release, MemoryStore())
    monkeypatch.setattr(app._lines, "log_callback", lambda *_: 1 / 0)
    status, body = sent(app, json.dumps(ice()).encode())
    assert (status, json.loads(body)["action"]["name"]) == (200, "runMenu")


def test_answer_whose_loss_cannot_be_noted_is_given_all_the_same(
    release: Release, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sender is gone, as far as the server can tell; the store fails as no store should."""
    store = MemoryStore()
    app = endpoint(release, store)

    async def broken(*_: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(store, "load", broken)
    status, body = sent(app, json.dumps(ice()).encode())
    assert (status, json.loads(body)["action"]["name"]) == (200, "runMenu")
    assert "the server could not record that the answer to call c1 may be lost" in caplog.text


def test_refusal_that_cannot_be_noted_is_given_all_the_same(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = endpoint(release, MemoryStore())
    monkeypatch.setattr(app._metrics, "count_refusal", lambda *_: 1 / 0)
    assert sent(app, b"rubbish")[0] == 400


def test_body_that_comes_in_pieces_is_answered(release: Release) -> None:
    whole = json.dumps(ice()).encode()
    status, body = sent(endpoint(release, MemoryStore()), whole[:10], whole[10:60], whole[60:])
    assert (status, json.loads(body)["action"]["name"]) == (200, "runMenu")


def test_client_that_disconnects_while_sending_gets_no_answer(release: Release) -> None:
    assert sent(endpoint(release, MemoryStore())) == (0, b"")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"\xff", b'{"event":"ice"}', b"[" * 60_000]
)
def test_rubbish_is_refused(release: Release, body: bytes) -> None:
    status, answer = sent(endpoint(release, MemoryStore()), body)
    assert (status, json.loads(answer)["errorCode"]) == (400, 40001)


def test_callback_signed_by_one_application_cannot_name_another(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = endpoint(release, MemoryStore())
    seen: list[Any] = []
    monkeypatch.setattr(app._gate, "verify_request", lambda *_: "mine")
    monkeypatch.setattr(app._engine, "answer", lambda event, *_: seen.append(event) or 1 / 0)
    for claimed in ({}, {"applicationKey": "mine"}, {"applicationKey": "another"}):
        sent(app, json.dumps({**ice(), **claimed}).encode())
    assert [event.application_key for event in seen] == ["mine"] * 3


def test_ready_follows_the_store() -> None:
    assert sent(Readyz(MemoryStore()), b"")[0] == 200
    assert sent(Readyz(Broken()), b"") == (503, b"the disk is full\n")


async def test_readiness_that_is_asked_often_is_one_write_a_second() -> None:
    store = Counting()
    ready = Readyz(store)

    await asyncio.gather(*(ready._find_store_problem() for _ in range(50)))
    for _ in range(50):
        await ready._find_store_problem()
    assert store.probes == 1


def test_readiness_of_a_store_that_does_not_answer_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(MemoryStore):
        async def check_writable(self) -> None:
            await asyncio.sleep(60)

    monkeypatch.setattr("flowengine.server.health.CHECK_LIMIT_SECONDS", 0.05)
    assert sent(Readyz(Silent()), b"") == (503, b"the session store does not answer\n")


def test_stored_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    from flowengine.server.keys import KEY_FILE, load_or_create_secret

    first = load_or_create_secret(tmp_path / "own")
    assert first == load_or_create_secret(tmp_path / "own")
    assert [file.name for file in (tmp_path / "own").iterdir()] == [KEY_FILE]
    assert (tmp_path / "own" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_keys_rotate(tmp_path: Path) -> None:
    from flowengine.server.keys import create_codec

    old = create_codec({"key": "application secret"}, {}, tmp_path).seal(b"state", "c1")
    rotated = create_codec(
        {"key": "application secret"},
        {"FLOWENGINE_COOKIE_KEYS": "new, application secret"},
        tmp_path,
    )
    assert rotated.open(old, "c1") == b"state"
    assert (
        create_codec({}, {"FLOWENGINE_COOKIE_KEYS": "new"}, tmp_path).open(
            rotated.seal(b"state", "c1"), "c1"
        )
        == b"state"
    )
    assert list(tmp_path.iterdir()) == []
