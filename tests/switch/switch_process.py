"""A switch behind real HTTP, a hand-written backend that has never heard of flowengine, and a
client of both authentications.
"""

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import uvicorn

from flowengine.sinch import sign_request
from flowengine.switch.api.app import Api
from flowengine.switch.api.switch_server import run_switch
from flowengine.switch.config import parse_configuration
from flowengine.switch.switch_store import open_store
from tests.waiting import PATIENCE_SECONDS, find_free_port

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
OTHER, OTHER_SECRET = "0c5fd9b6-3a27-4a56-8e39-b6d58e6a0c11", "JViE5vDor0Sw3WllZka15Q=="
NUMBER, SPARE = "+14045001000", "+14045002000"
CONFIG = f"""
applications:
  - {{key: {KEY}, secret: {SECRET}, primary: BACKEND}}
  - {{key: {OTHER}, secret: {OTHER_SECRET}}}
numbers:
  - {{number: "{NUMBER}"}}
  - {{number: "{SPARE}", application: ""}}
users: [{{name: anna}}]
parties:
  "+46700000009": {{does: by hand}}
  "+46700000008": {{does: busy, after: 1}}
rates:
  - {{amount: 0.02}}
  - {{prefix: "+46", amount: 0.0095, currency: SEK}}
"""
CLIENT = httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)


@dataclass
class Backend:
    """Answers each event with what stands under its name."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[str]:
        return [event["event"] for event in self.seen]


@contextmanager
def backend(**answers: Any) -> Iterator[Backend]:
    made = Backend(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.seen.append(event)
            made.headers.append({name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(made.answers.get(event["event"], {})).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/callbacks"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Switch:
    """A switch, as its client sees it."""

    url: str
    key: str = KEY
    secret: str = SECRET
    api: Api | None = None

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """With Basic authentication."""
        token = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        return self.send(method, path, body, {"authorization": f"Basic {token}", **(headers or {})})

    def signed(self, method: str, path: str, body: Any = None, **changed: str) -> httpx.Response:
        """Signed as SDKs do: the decoded path, the content type as it is sent."""
        return self.signed_bytes(
            method, path, json.dumps(body).encode() if body is not None else b"", **changed
        )

    def signed_bytes(
        self, method: str, path: str, content: bytes, **changed: str
    ) -> httpx.Response:
        kind = "application/json; charset=utf-8" if content else ""
        at = changed.get("timestamp", datetime.now(UTC).isoformat())
        decoded = httpx.URL(self.url + path).path
        authorization = sign_request(
            changed.get("key", self.key),
            changed.get("secret", self.secret),
            method,
            decoded,
            kind,
            content,
            at,
        )
        headers = {
            "x-timestamp": at,
            "authorization": authorization,
            **({"content-type": kind} if kind else {}),
        }
        return self.send(method, path, content, headers)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return CLIENT.request(method, self.url + path, content=content, headers=dict(headers or {}))

    def dial(self, **wanted: Any) -> str:
        """Somebody calls the number."""
        answer = self.send("POST", "/desk/calls", {"from": "+46700000001", "to": NUMBER, **wanted})
        assert answer.status_code == 201, answer.text
        self.advance(0)
        return str(answer.json()["callId"])

    def advance(self, seconds: float) -> None:
        answer = self.send("POST", "/desk/time", {"advance": seconds, "running": False})
        assert answer.status_code == 200, answer.text

    def act(self, call: str, leg: str, act: str, **doing: str) -> httpx.Response:
        answer = self.act_now(call, leg, act, **doing)
        self.advance(0)
        return answer

    def act_now(self, call: str, leg: str, act: str, **doing: str) -> httpx.Response:
        return self.send("POST", f"/desk/calls/{call}/{leg}/{act}", doing)

    def happened(self, call: str) -> list[dict[str, Any]]:
        found = self.send("GET", f"/desk/calls/{call}/happenings").json()["happenings"]
        return [item for item in found if isinstance(item, dict)]

    def heard(self, call: str) -> list[str]:
        return [item["sound"]["text"] for item in self.happened(call) if item["what"] == "heard"]


class Announced(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started.set()


@contextmanager
def switch(
    callbacks: str = "",
    config: str = CONFIG,
    store: str = "memory",
    host: str = "127.0.0.1",
    *,
    virtual: bool = True,
) -> Iterator[Switch]:
    """A switch in a thread of its own, in virtual time that stands still, or in real time."""
    given, problems = parse_configuration(
        config.replace("BACKEND", callbacks or '""').encode(), "switch.yaml", {}
    )
    assert given, problems
    started = threading.Event()
    stop: list[Announced] = []
    port = find_free_port()
    made = Switch(f"http://{host}:{port}")

    async def serve() -> None:
        kept = open_store(store)
        async with run_switch(given, kept, virtual=virtual, seed=1, url=made.url) as api:
            made.api = api
            if virtual:
                api.driver.pause()
            config = uvicorn.Config(
                api, host=host, port=port, lifespan="off", log_config=None, access_log=False
            )
            stop.append(Announced(config, started))
            await stop[0].serve()
        kept.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    yield made
    stop[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()
