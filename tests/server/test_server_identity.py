"""Test callbacks: who may send them, what the server answers, and that no call hears of them."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flowengine.journal import CallFilter, SqliteJournalReader
from flowengine.server.callback import AsgiRequest
from flowengine.server.server_identity import ServerIdentity
from flowengine.server.server_settings import ServerSettings
from flowengine.sinch import sign_request
from flowengine.sinch.probe import StaleReplyError, build_probe, parse_probe_reply
from tests.callback_server import KEY, SECRET, create_handler, receive_nothing
from tests.server.server_process import Served

JSON_TYPE = "application/json; charset=utf-8"


def deliver(
    body: bytes, secret: str = SECRET, *, signed: bool = True, path: str = "/sinch"
) -> tuple[int, bytes, Any]:
    """Status and body of the answer, and the handler with its engine broken: whatever reaches the
    engine is answered by the apology.
    """
    handler = create_handler({KEY: SECRET} if signed else {})

    async def fail(*_: Any) -> Any:
        raise AssertionError("the engine was asked")

    handler._engine.answer = fail  # type: ignore[method-assign]
    now = datetime.now(UTC).isoformat()
    signature = sign_request(KEY, secret, "POST", path, JSON_TYPE, body, now)
    headers = [
        (b"content-type", JSON_TYPE.encode()),
        (b"x-timestamp", now.encode()),
        (b"authorization", signature.encode()),
    ]
    scope = {"method": "POST", "raw_path": path.encode(), "headers": headers if signed else []}
    return *asyncio.run(handler.answer_request(AsgiRequest(body, scope, receive_nothing))), handler


def test_signed_probe_is_answered_without_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    nonce, body = build_probe("another application")
    status, answer, handler = deliver(body, path="/sinch/")
    reply = parse_probe_reply(answer, nonce)
    assert status == 200
    assert reply is not None
    # the application is the one that signed, whatever the body says
    assert (reply.application, reply.path, reply.machine) == (KEY, "/sinch/", "web1")
    assert reply.release == handler._engine.releases.current.id
    assert f"a test callback of application {KEY} was answered" in caplog.text
    samples = [
        sample.value
        for family in handler._metrics.registry.collect()
        if family.name == "flowengine_callbacks"
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert not any(samples)


def test_probe_without_the_secret_is_refused() -> None:
    _, body = build_probe(KEY)
    status, answer, _ = deliver(body, secret="JViE5vDor0Sw3WllZka15Q==")
    assert (status, json.loads(answer)["errorCode"]) == (401, 40102)


def test_probe_of_unsigned_server_is_refused() -> None:
    """It has nobody whom it could prove anything to."""
    _, body = build_probe(KEY)
    status, answer, _ = deliver(body, signed=False)
    assert (status, json.loads(answer)["errorCode"]) == (403, 40300)
    assert "web1" not in answer.decode()


def test_notice_of_a_call_reaches_the_engine() -> None:
    notice = {"event": "notify", "callid": "c1", "version": 1, "type": "recording_finished"}
    status, answer, _ = deliver(json.dumps(notice).encode())
    assert (status, answer) == (200, b"{}")  # as its engine is broken


def test_probe_reply_of_another_probe_is_stale() -> None:
    identity = ServerIdentity("web1", "start")
    nonce, _ = build_probe(KEY)
    answer = identity.encode_probe_reply(nonce, KEY, "/sinch", "r")
    assert parse_probe_reply(answer, nonce) is not None
    with pytest.raises(StaleReplyError):
        parse_probe_reply(answer, "another")
    for other in (b"", b"<html>", b"[]", b"{}", b'{"answer":"other"}', b"[" * 9000):
        assert parse_probe_reply(other, nonce) is None


def test_identity_names_start_and_shared_store_without_its_password() -> None:
    alone = ServerIdentity.from_settings(ServerSettings("flows", instance="abc"))
    assert (alone.instance, alone.store) == ("abc", "")
    one, other = (
        ServerIdentity.from_settings(
            ServerSettings("flows", store=f"postgresql://ann:{word}@db/calls", instance=word)
        )
        for word in ("one", "other")
    )
    assert one.store == other.store != ""
    assert ServerIdentity.from_settings(ServerSettings("flows", store="none")).store
    assert one.instance != other.instance


def test_workers_of_a_server_have_one_identity_and_the_journal_no_row(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("--workers", "2")

    def ask() -> str:
        nonce, body = build_probe(KEY)
        reply = parse_probe_reply(served.post(body).content, nonce)
        assert reply is not None
        return reply.instance

    first = {ask() for _ in range(8)}
    assert len(first) == 1
    assert first != {""}
    # what the server is told of an end is in the journal before its answer is sent
    assert served.post({"event": "dice", "callid": "c1", "version": 1}).status_code == 200
    with closing(SqliteJournalReader(next(tmp_path.rglob("journal.db")))) as reader:
        assert [call.call for call in reader.list_calls(CallFilter())] == ["c1"]
