"""A real server process, a real service to look things up at, and a platform that signs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx

from flowengine.sinch import sign_request
from tests.fork_server import FlowengineProcess
from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
STATUS_TOKEN = "a token of the tests"
TYPE = "application/json; charset=utf-8"
FLOW = """
flow: line
start: ask
vars:
  account: {type: digits, max: 8, secret: true}
  name: {type: text, max: 40}
states:
  ask:
    collect: {prompt: Your account number?, into: account, digits: 8, otherwise: sorry}
    next: look_up
  look_up:
    fetch: {service: crm, get: "/${vars.account}", into: {name: body.name}, failed: sorry}
    next: greet
  greet:
    say: Hello ${vars.name}.
    hangup:
  sorry:
    say: The lookup failed.
    hangup:
"""
PROJECT = """
project: test
services: {crm: {url: "URL", private: true, timeout: 4s}}
platform: {deadline: 2s}
"""


@dataclass
class Service:
    """The system that flows ask: what it does depends on the path."""

    url: str = ""
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    redirect: str = ""

    @property
    def netloc(self) -> str:
        return self.url.removeprefix("http://")

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path in ("/11111111", "/slow"):
            time.sleep(1 if path == "/slow" else 0.8)
        if path == "/22222222":
            time.sleep(4)
        if path == "/fail" or (path == "/flaky" and len(self.seen) == 1):
            return 500, {}, b"{}"
        if path == "/redirect":
            return 302, {"Location": self.redirect}, b""
        if path == "/big":
            return 200, {}, b"x" * 70_000
        if path == "/text":
            return 200, {"Set-Cookie": "session=1"}, b"plain"
        return 200, {"Content-Type": "application/json"}, b'{"name": "Ann"}'


def handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            service.seen.append(
                (self.path, {name.lower(): value for name, value in self.headers.items()}, sent)
            )
            status, headers, body = service.answer(self.path)
            try:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # whoever asked did not wait

        # the names that http.server looks for
        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_args: Any) -> None:
            pass

    return Handler


@dataclass
class Served:
    """A server process as the platform and its operator see it."""

    process: FlowengineProcess | subprocess.Popen[bytes]
    url: str
    out: Path
    err: Path
    signed: bool

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def post(
        self, body: Mapping[str, Any] | bytes, path: str = "/sinch", **changed: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": TYPE}
        if self.signed:
            headers["x-timestamp"] = changed.get("timestamp") or datetime.now(UTC).isoformat()
            headers["authorization"] = sign_request(
                KEY,
                changed.get("secret", SECRET),
                "POST",
                path,
                TYPE,
                content,
                headers["x-timestamp"],
            )
        if "forwarded" in changed:
            headers["x-forwarded-for"] = changed["forwarded"]
        if "host" in changed:
            headers["host"] = changed["host"]
        return httpx.post(
            self.url + path,
            content=content,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )

    def get(self, path: str) -> httpx.Response:
        """What its operator reads."""
        headers = {"authorization": f"Bearer {STATUS_TOKEN}"}
        return httpx.get(
            self.url + path, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
        )

    def lines(self, wanted: int) -> list[dict[str, Any]]:
        """The log, which is written a moment after the answer, once it has so many lines."""
        wait_until(
            lambda: self.out.read_bytes().count(b"\n") >= wanted, otherwise=self.out.read_text
        )
        whole, _, _ = self.out.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


def list_children(pid: int) -> list[int]:
    """The processes that a process has started and that run."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it has just ended
        return []
    return [int(child) for child in found.split()]


def list_workers(supervisor: int) -> list[int]:
    """The processes that answer callbacks, the oldest first. Fork servers are their parents."""
    return sorted(
        worker for fork_server in list_children(supervisor) for worker in list_children(fork_server)
    )


def start_server(
    folder: Path,
    *options: str,
    signed: bool = True,
    program: str = "",
    as_installed: bool = False,
    **environment: str,
) -> Served:
    """Start `flowengine serve flows` in this folder, and wait until it is ready.

    The server gets nothing of ours from the environment of the tests but what is given here. With
    `as_installed` it is the installed program; else it is forked from the fork server.
    """
    port = find_free_port()
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SINCH_", "FLOWENGINE_", "PROMETHEUS_"))
    }
    credentials = (
        {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET} if signed else {}
    )
    command = ["serve", "flows", "--port", str(port), "--no-console", *options]
    whole_environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "FLOWENGINE_STATUS_TOKEN": STATUS_TOKEN,
        **inherited,
        **credentials,
        **environment,
    }
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process: FlowengineProcess | subprocess.Popen[bytes]
        if as_installed:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("flowengine"), *command],
                cwd=folder,
                env=whole_environment,
                stdout=stdout,
                stderr=stderr,
            )
        else:
            process = FlowengineProcess(
                command,
                program=program,
                cwd=folder,
                env=whole_environment,
                stdout=stdout,
                stderr=stderr,
            )
    served = Served(process, f"http://127.0.0.1:{port}", out, err, signed)
    try:
        wait_until(lambda: is_ready(served), otherwise=err.read_text)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return served


def is_ready(served: Served) -> bool:
    assert served.process.poll() is None, served.err.read_text()
    if not can_connect(served.port):
        return False
    try:
        return served.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def ice(call: str = "c1", **given: Any) -> dict[str, Any]:
    return {"event": "ice", "callid": call, "version": 1, "cli": "46708168731", "to": {"type": "did", "endpoint": "+12017777777"},
            "domain": "pstn", "originationType": "PSTN", **given}  # fmt: skip


def pressed(digits: str, call: str = "c1") -> dict[str, Any]:
    result = {"menuId": "main", "type": "sequence", "value": digits, "inputMethod": "dtmf"}
    return {"event": "pie", "callid": call, "version": 1, "menuResult": result}
