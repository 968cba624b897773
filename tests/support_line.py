"""A phone line for tests: starts the real server as a process and posts callbacks to it, signed as
the platform signs.
"""

import json
import os
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from flowengine.sinch import sign_request
from tests.fork_server import ROOT, FlowengineProcess
from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

KEY = "669E367E-6BBA-48AB-AF15-266871C28135"
SECRET = "BeIukql3pTKJ8RGL5zo0DA=="
STATUS_TOKEN = "a token of the tests"
READER = {"authorization": f"Bearer {STATUS_TOKEN}"}  # may read /status and /metrics
FLOW = """
flow: support-line
start: welcome
on: {ended: report}
vars:
  account: {type: digits, max: 8, secret: true}
  name: {type: text, max: 40}
  tier: {type: text, max: 10, default: standard}
states:
  welcome:
    say: Thank you for calling Acme.
    next: main
  main:
    menu:
      prompt: For your bill press 1. For an agent press 0.
      options: {1: ask_account, 0: agents}
      attempts: 3
      no_input: Sorry, I did not hear you.
      no_match: That is not one of the choices.
      otherwise: agents
  ask_account:
    collect:
      prompt: Please enter your account number.
      into: account
      digits: 8
      valid: luhn(vars.account)
      invalid: That number is not right.
      otherwise: agents
    next: look_up
  look_up:
    fetch:
      service: crm
      get: /accounts/${vars.account}
      into: {name: body.name, tier: body.tier}
      failed: agents
    next: agents_by_name
  agents_by_name:
    say: Hello ${vars.name}.
    next: agents
  agents:
    connect: {phone: "+14045009000", answered: whisper}
  whisper:
    say: A ${vars.tier} call.
    continue:
  report:
    fetch: {service: crm, post: /calls, body: {call: "${call.id}", result: "${event.result}"}, failed: reported}
    next: reported
  reported:
    done:
"""
PROJECT = "project: acme\nservices:\n  crm: {{url: 'http://127.0.0.1:{port}', private: true}}\n"


class Crm:
    """The system that the flow asks, on a real socket; `asked` counts its requests."""

    def __init__(self) -> None:
        crm = self
        self.asked: list[str] = []
        self.reports: list[str] = []
        self.down = False

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                crm.asked.append(self.path)
                body = b'{"name": "Ann; Lee]", "tier": "gold"}'
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                if not crm.down:
                    crm.reports.append(body)
                self.send_response(503 if crm.down else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def write_support_line(folder: Path, crm: Crm) -> None:
    flows = folder / "flows"
    flows.mkdir()
    (flows / "support-line.yaml").write_text(FLOW)
    (flows / "project.yaml").write_text(PROJECT.format(port=crm.port))


class Server:
    """`flowengine serve` in a process of its own, with its workers in its process group. `root` has
    its source code.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        store: str = "",
        flows: Sequence[str] = (),
        options: Sequence[str] = (),
        root: Path = ROOT,
    ) -> None:
        self.root = root
        self.folder, self.workers, self.store = (
            folder,
            workers,
            store or f"sqlite:{folder / 'calls.db'}",
        )
        self.flows = flows or [str(folder / "flows")]
        self.options = options
        self.port = find_free_port()
        self.process: FlowengineProcess | None = None
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        arguments = ["serve", *self.flows, "--port", str(self.port), "--no-console"]
        arguments += ["--workers", str(self.workers), "--store", self.store, *self.options]
        environment = {
            **os.environ,
            "SINCH_APPLICATION_KEY": KEY,
            "SINCH_APPLICATION_SECRET": SECRET,
            "FLOWENGINE_STATUS_TOKEN": STATUS_TOKEN,
            **self.environment,
        }
        # the workers of a server that was killed end a moment later
        wait_until(lambda: not can_connect(self.port))
        log = (self.folder / "server.log").open("ab")
        self.process = FlowengineProcess(
            arguments,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=self.folder,
            root=self.root,
        )
        log.close()
        self.ready()

    def ready(self) -> None:
        wait_until(self.is_ready, otherwise=(self.folder / "server.log").read_text)

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        if not can_connect(self.port):
            return False
        try:
            return (
                httpx.get(
                    f"http://127.0.0.1:{self.port}/readyz",
                    timeout=PATIENCE_SECONDS,
                    trust_env=False,
                ).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    def kill(self, how: int = signal.SIGKILL) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, how)
        self.process.wait(30)


class Line:
    """One call, seen from the platform. With `echo` it sends back the cookies that the answers set."""

    def __init__(
        self, port: int, call_id: str, *, echo: bool = True, to: str = "+12017777777"
    ) -> None:
        self.url, self.call_id, self.echo = f"http://127.0.0.1:{port}", call_id, echo
        self.to = to
        self.cookies: dict[str, str] = {}
        self.last, self.last_stamp = b"", ""

    def post(self, event: str, **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "event": event,
            "callid": self.call_id,
            "version": 1,
            "timestamp": stamp(),
            **fields,
        }
        if self.echo and self.cookies:
            body["cookies"] = [{"key": key, "value": value} for key, value in self.cookies.items()]
        return self.deliver(json.dumps(body).encode())

    def redeliver(self) -> dict[str, Any]:
        """Send the very same request again."""
        return self.deliver(self.last, self.last_stamp)

    def deliver(self, body: bytes, x_timestamp: str = "") -> dict[str, Any]:
        kind, now = "application/json; charset=utf-8", x_timestamp or exact_stamp()
        self.last, self.last_stamp = body, now
        headers = {
            "content-type": kind,
            "x-timestamp": now,
            "authorization": sign_request(KEY, SECRET, "POST", "/sinch", kind, body, now),
        }
        reply = httpx.post(
            f"{self.url}/sinch",
            content=body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )  # a connection of its own reaches any worker
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith("application/json")
        answer: dict[str, Any] = reply.json()
        self.cookies |= {
            item["key"]: item["value"]
            for item in answer.get("instructions", ())
            if item["name"] == "setCookie"
        }
        return answer

    def ring(self) -> dict[str, Any]:
        to = {"type": "did", "endpoint": self.to}
        return self.post(
            "ice", cli="12015555555", to=to, domain="pstn", originationType="PSTN", rdnis=""
        )

    def press(self, value: str, kind: str = "return") -> dict[str, Any]:
        return self.post(
            "pie",
            menuResult={"menuId": "main", "type": kind, "value": value, "inputMethod": "dtmf"},
        )

    def answered(self) -> dict[str, Any]:
        return self.post("ace")

    def ended(self) -> dict[str, Any]:
        return self.post(
            "dice", result="ANSWERED", reason="CALLERHANGUP", duration=12, **{"from": "12015555555"}
        )


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact_stamp() -> str:
    """An x-timestamp as the platform's SDKs have it, with seven decimals."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def said(answer: dict[str, Any]) -> str:
    """What the caller hears of an answer, as one text."""
    spoken = [item["text"] for item in answer.get("instructions", ()) if item["name"] == "say"]
    menus = answer.get("action", {}).get("menus", ())
    return " ".join([*spoken, *(menus[0]["mainPrompt"] for _ in menus[:1])])
