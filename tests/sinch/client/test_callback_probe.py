"""A probe reaches the server that it is for, or says why not: real servers, with what a proxy may do
in front of them.
"""

import asyncio
import doctest
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowengine.sinch.client import callback_probe
from flowengine.sinch.client.callback_probe import CallbackProber
from flowengine.sinch.client.probe_faults import PROBE_FAULTS, ProbeError
from flowengine.sinch.probe import ProbeReply
from tests.callback_server import (
    KEY,
    SECRET,
    Front,
    answer_with,
    rewrite_path,
    serve_callbacks,
    write_certificate,
)
from tests.waiting import find_free_port

GOLDEN = Path(__file__).parent / "golden" / "probe_faults.txt"
OTHER_SECRET = "JViE5vDor0Sw3WllZka15Q=="


def probe(url: str, key: str = KEY, secret: str = SECRET, **options: Any) -> ProbeReply:
    return asyncio.run(CallbackProber(key, secret, **options).probe(url))


def fault(url: str, **options: Any) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        probe(url, **options)
    return caught.value


def refusal(status: int, code: int, message: str) -> Front:
    return answer_with(status, json.dumps({"errorCode": code, "message": message}).encode())


async def drop_authorization(app: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
    await app({**scope, "headers": headers}, receive, send)


async def break_off(_app: Any, _scope: Any, _receive: Any, _send: Any) -> None:
    raise ConnectionError


def shift_server_clock(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    class Shifted(datetime):
        @classmethod
        def now(cls, _tz: Any = None) -> Any:
            return datetime.now(UTC) + timedelta(seconds=seconds)

    monkeypatch.setattr("flowengine.server.callback.datetime", Shifted)


@contextmanager
def refusing_port() -> Iterator[str]:
    yield f"http://127.0.0.1:{find_free_port()}"


@contextmanager
def silent_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


STALE = ProbeReply("another", KEY, "/sinch", "web1", "i", "", "r")
FRONTS: dict[str, Front] = {
    "redirect": answer_with(301, location="https://voice.example.com/sinch/"),
    "bad_gateway": answer_with(502, b"<html>"),
    "proxy_password": answer_with(401, b"who are you?", www_authenticate="Basic"),
    "forbidden": answer_with(403, b"blocked"),
    "headers": drop_authorization,
    "body": refusal(400, 40001, "the body is not JSON in UTF-8"),
    "not_flowengine": answer_with(200, b'{"action": {"name": "hangup"}}'),
    "stale_answer": answer_with(200, msgspec.json.encode(STALE)),
    "unexpected": answer_with(500, b'{"errorCode": 40102, "message": "of another"}'),
    "path_changed": rewrite_path(lambda path: path.removeprefix("/acme")),
}
"""What is in front of the server, by the fault that it makes"""


def test_probe_of_server_tells_application_path_and_server() -> None:
    with serve_callbacks() as base:
        reply = probe(f"{base}/sinch")
    assert (reply.application, reply.path, reply.machine) == (KEY, "/sinch", "web1")
    assert (reply.instance, reply.store, len(reply.release)) == ("the first start", "", 12)


def test_probe_by_https_with_trusted_certificate_is_answered(tmp_path: Path) -> None:
    file = write_certificate(tmp_path / "server.pem")
    with serve_callbacks(certificate=file) as base:
        reply = probe(f"{base}/sinch", verify=ssl.create_default_context(cafile=str(file)))
    assert reply.application == KEY


@pytest.mark.parametrize("kind", FRONTS)
def test_probe_behind_front_names_its_fault(kind: str) -> None:
    with serve_callbacks(front=FRONTS[kind]) as base:
        path = "/acme/sinch" if kind == "path_changed" else "/sinch"
        assert fault(f"{base}{path}").kind == kind


@pytest.mark.parametrize(
    ("public", "change"),
    [
        ("/acme/voice/sinch", lambda path: path.removeprefix("/acme/voice")),
        ("/calls", lambda _: "/sinch"),
        ("/sinch", lambda path: f"{path}/"),
        ("/", lambda _: "/sinch"),
    ],
)
def test_path_changed_by_proxy_is_told_from_wrong_secret(
    public: str, change: Callable[[str], str]
) -> None:
    with serve_callbacks(front=rewrite_path(change)) as base:
        error = fault(f"{base}{public}")
        assert error.kind == "path_changed"
        assert f"sees {change(public)}, and the platform signs {public}" in error.message
        assert fault(f"{base}{public}", secret=OTHER_SECRET).kind == "secret"


def test_unsigned_server_and_other_applications_name_their_fault() -> None:
    with serve_callbacks({}) as base:
        assert fault(f"{base}/sinch").kind == "no_credentials"
    with serve_callbacks() as base:
        assert fault(f"{base}/sinch", key="another").kind == "other_application"
        assert fault(f"{base}/sinch", secret=OTHER_SECRET).kind == "secret"
        assert fault(f"{base}/other").kind == "not_found"


@pytest.mark.parametrize(("seconds", "words"), [(400, "ahead of"), (-4000, "behind")])
def test_wrong_clock_of_server_is_told_with_its_size(
    monkeypatch: pytest.MonkeyPatch, seconds: int, words: str
) -> None:
    shift_server_clock(monkeypatch, seconds)
    with serve_callbacks() as base:
        error = fault(f"{base}/sinch")
    assert error.kind == "clock"
    assert f"{words} this machine's" in error.message
    told = next(int(word) for word in error.message.split() if word.isdigit())
    assert abs(told - abs(seconds)) <= 5


def test_certificates_that_are_not_valid_name_the_reason(tmp_path: Path) -> None:
    unknown = write_certificate(tmp_path / "unknown.pem")
    with serve_callbacks(certificate=unknown) as base:
        error = fault(f"{base}/sinch")
        assert (error.kind, "self-signed" in error.message) == ("certificate", True)
        assert fault(f"{base.replace('https', 'http')}/sinch").kind == "broken_answer"
    expired = write_certificate(tmp_path / "expired.pem", days=-1)
    with serve_callbacks(certificate=expired) as base:
        error = fault(f"{base}/sinch", verify=ssl.create_default_context(cafile=str(expired)))
        assert (error.kind, "expired" in error.message) == ("certificate", True)
    with serve_callbacks() as base:
        assert fault(f"{base.replace('http', 'https')}/sinch").kind == "tls"


def test_hosts_that_do_not_answer_name_the_reason() -> None:
    with refusing_port() as base:
        assert fault(f"{base}/sinch").kind == "no_connection"
    with silent_port() as base:
        assert fault(f"{base}/sinch", seconds=0.2).kind == "timeout"
    with serve_callbacks(front=break_off) as base:
        assert fault(f"{base}/sinch").kind in ("unexpected", "broken_answer")


def test_unknown_name_is_told_from_a_closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert fault("https://voice.example.com/sinch").kind == "unknown_host"


def test_faults_show_no_control_characters_and_no_secrets() -> None:
    evil = answer_with(302, location="https://example.com/\x1b[31m" + "x" * 900)
    with serve_callbacks(front=evil) as base:
        message = fault(f"{base}/sinch").message
    assert "\x1b" not in message
    assert len(message) < 600
    for kind in PROBE_FAULTS:
        assert SECRET not in str(make_fault(kind))


STATUSES = {
    "redirect": 301,
    "bad_gateway": 502,
    "proxy_password": 401,
    "forbidden": 403,
    "body": 400,
    "not_flowengine": 200,
    "unexpected": 500,
}


def make_fault(kind: str) -> ProbeError:
    known = {
        "url": "https://voice.example.com/acme/sinch",
        "host": "voice.example.com",
        "port": 443,
        "path": "/acme/sinch",
        "status": STATUSES.get(kind, 404),
        "seconds": 5.0,
        "reason": "certificate has expired",
        "location": "https://voice.example.com/",
        "application": KEY,
        "told": "what the server says",
        "skew": "412 seconds behind",
        "seen": "/sinch",
        "machine": "web2",
        "release": "18e5f0e73246",
        "local": "http://127.0.0.1:8080/acme/sinch",
    }
    return ProbeError(kind, **known)


def test_faults_read_well(golden: Callable[[Path, str], None]) -> None:
    errors = [make_fault(kind) for kind in PROBE_FAULTS]
    golden(GOLDEN, "".join(f"{one.kind}: {one.message}\n  help: {one.cure}\n" for one in errors))
    assert len({one.message for one in errors}) == len({one.cure for one in errors}) == len(errors)


def test_docstring_examples_of_probes_run() -> None:
    assert doctest.testmod(callback_probe).failed == 0
