"""What a callback costs a served flow: CPU time of the server, and how much of a bare
endpoint's throughput it keeps; and what one step costs.

Both servers run in the same way, one after the other, on one core; a load generator on another core
keeps connections busy with calls of four callbacks (ring, key, answered, ended), signed beforehand.
The bare endpoint verifies the same signature and returns constant bytes. The flow is that of
departments alone, as others of the example need a store. The goals compare answering alone, so
their rows are served with `journal: {keep: none}`; others record every callback in the call
journal. One of the rows exports traces and metrics by OpenTelemetry to a collector, in place of
nothing.

CPU time is that of all processes of the server, until its journal is written. It says more than
throughput: the load generator is the limit of that on most machines, and a server that puts its
journal off answers more for a while.

With --against the same is measured with another revision, in turns with this one, by the same
dependencies; who is first changes with each round. Each gets the cookies that itself has set. The
CPU time of a row is the least of its rounds, since whatever else the machine does only adds to it.
Exit status 1 says that a row costs more CPU time than 5 % above that of the other revision.

    python benchmarks/callback.py [--json] [--calls 4000] [--rounds 5] [--against REVISION]
"""

import argparse
import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import uvloop
from collector import run_collector
from revisions import ROOT, START_SECONDS, revisions

from flowengine.compile import Release, compile_project
from flowengine.runtime.call_state import Call
from flowengine.runtime.step import step
from flowengine.sinch import CallbackEvent, decode, sign_request
from flowengine.sources.project_folder import read_folder

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
KIND = "application/json; charset=utf-8"
CONNECTIONS = 32
TOLERANCE = 1.05  # of the CPU time of another revision: what two runs of one differ by
IDLE_CPU_SECONDS = 0.05  # of half a second: what a server without callbacks does
MIN_CPU_MICROSECONDS = 1.0  # less for a callback means that another process has answered it
TARGETS = {"default store, no journal": 0.50, "cookies alone, no journal": 0.60, "step": 20.0}
TRACED = ", OpenTelemetry"  # the end of the name of a row whose server exports
NUMBER = "+14045550110"  # the flow departments: a menu, then a phone
MENU_ID = "departments.main.1"  # where key 1 of its menu leads
ONE_FLOW = "project: departments\nroutes: [{flow: departments}]\n"

BARE = f"""
from datetime import UTC, datetime
from starlette.applications import Starlette
from starlette.routing import Route
from flowengine.sinch import Verifier

VERIFIER = Verifier({{{KEY!r}: {SECRET!r}}})
ANSWER = b'{{"instructions":[{{"name":"say","text":"Thank you for calling.","locale":"en-US"}}],"action":{{"name":"hangup"}}}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]

class Endpoint:
    def __init__(self, scope, receive, send):
        self.scope, self.receive, self.send = scope, receive, send

    def __await__(self):
        return self.answer().__await__()

    async def answer(self):
        body, more = b"", True
        while more:
            message = await self.receive()
            body, more = body + message["body"], message.get("more_body", False)
        VERIFIER.verify("POST", self.scope["raw_path"], self.scope["headers"], body, datetime.now(UTC))
        await self.send({{"type": "http.response.start", "status": 200, "headers": HEADERS}})
        await self.send({{"type": "http.response.body", "body": ANSWER}})

app = Starlette(routes=[Route("/sinch", Endpoint, methods=["POST"])])
"""


def callbacks(number: int) -> list[bytes]:
    """The four callbacks of one call, without cookies."""
    common = {"callid": f"call-{number}", "version": 1, "applicationKey": KEY}
    to = {"type": "did", "endpoint": NUMBER}
    menu = {"menuId": MENU_ID, "type": "return", "value": "1.1", "inputMethod": "dtmf"}
    events = (
        {
            "event": "ice",
            "cli": "12015555555",
            "to": to,
            "domain": "pstn",
            "originationType": "PSTN",
            **common,
        },
        {"event": "pie", "menuResult": menu, **common},
        {"event": "ace", **common},
        {"event": "dice", "result": "ANSWERED", "reason": "CALLERHANGUP", "duration": 9, **common},
    )
    return [json.dumps(event).encode() for event in events]


def echo_cookies(port: int, bodies: list[bytes]) -> list[bytes]:
    """The same callbacks as a platform that echoes cookies sends them, with those that the server
    at this port sets.
    """
    cookies: dict[str, str] = {}
    sent = []
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        echoed = [{"key": key, "value": value} for key, value in cookies.items()]
        sent.append(json.dumps({**json.loads(body), "cookies": echoed}).encode())
        connection.request("POST", "/sinch", sent[-1], sign(sent[-1]))
        answer = json.loads(connection.getresponse().read() or b"{}")
        cookies |= {
            item["key"]: item["value"]
            for item in answer.get("instructions", ())
            if item["name"] == "setCookie"
        }
    connection.close()
    return sent


def sign(body: bytes) -> dict[str, str]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    authorization = sign_request(KEY, SECRET, "POST", "/sinch", KIND, body, now)
    return {"content-type": KIND, "x-timestamp": now, "authorization": authorization}


def request(body: bytes) -> bytes:
    signed = "".join(f"{name}: {value}\r\n" for name, value in sign(body).items())
    return (
        f"POST /sinch HTTP/1.1\r\nhost: 127.0.0.1\r\n{signed}content-length: {len(body)}\r\n\r\n".encode()
        + body
    )


class Caller(asyncio.Protocol):
    """One connection that sends the callbacks of its calls, each after the answer to the one
    before.
    """

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.requests, self.done, self.buffer, self.failed = requests, done, b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        following = next(self.requests, None)
        if following is None:
            self.done.set_result(None)
        else:
            self.transport.write(following)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) >= length:
            self.failed += not head.startswith(b"HTTP/1.1 200")
            self.buffer = b""
            self.send()


async def load(port: int, calls: list[list[bytes]]) -> float:
    """Requests per second with all connections busy."""
    loop = asyncio.get_running_loop()
    lanes = [
        [request for call in calls[lane::CONNECTIONS] for request in call]
        for lane in range(CONNECTIONS)
    ]
    begun = time.perf_counter()
    waits, callers = [], []
    for lane in lanes:
        done = loop.create_future()
        _, caller = await loop.create_connection(
            lambda lane=lane, done=done: Caller(iter(lane), done), "127.0.0.1", port
        )
        waits.append(done)
        callers.append(caller)
    await asyncio.gather(*waits)
    seconds = time.perf_counter() - begun
    assert not any(caller.failed for caller in callers), "a callback was refused"
    return sum(map(len, lanes)) / seconds


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all that it has begun, also of those that have ended."""
    tree, waiting = [], [pid]
    while waiting:
        tree.append(waiting.pop())
        for children in Path(f"/proc/{tree[-1]}/task").glob("*/children"):
            waiting += map(int, children.read_text().split())
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in tree]
    return sum(int(field) for stat in stats for field in stat[11:15]) / os.sysconf("SC_CLK_TCK")


def find_free_port() -> int:
    """A port that no other process has, such as a second run of this benchmark."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def settled_cpu_seconds(pid: int) -> float:
    """The same once the journal and the metrics of all callbacks are written: one revision writes
    them while it answers, another puts them off for seconds.
    """
    used = cpu_seconds(pid)
    for _ in range(60):
        time.sleep(0.5)
        before, used = used, cpu_seconds(pid)
        if used - before < IDLE_CPU_SECONDS:
            break
    return used


def serve(
    command: list[str],
    port: int,
    folder: str,
    root: Path,
    patience: float = START_SECONDS,
    collector: str = "",
) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "SINCH_APPLICATION_KEY": KEY,
        "SINCH_APPLICATION_SECRET": SECRET,
        "PYTHONPATH": f"{root}:{folder}",
    }
    log = (Path(folder) / "server.log").open("ab")
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
    )
    os.sched_setaffinity(process.pid, {0})
    until = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz")
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return process
    raise RuntimeError(read_log(folder))


def read_log(folder: str) -> str:
    """What the server in this folder has written."""
    return (Path(folder) / "server.log").read_text()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it has begun."""
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def measure(
    command: list[str],
    port: int,
    folder: str,
    root: Path,
    calls: list[list[bytes]],
    collector: str = "",
) -> tuple[float, float]:
    """Requests per second, and microseconds of CPU time for each. Raises RuntimeError where another
    process has answered them.
    """
    process = serve(command, port, folder, root, collector=collector)
    try:
        uvloop.run(load(port, [[request(body) for body in call] for call in calls[:200]]))  # warm
        requests = [[request(body) for body in call] for call in calls[200:]]
        before = cpu_seconds(process.pid)
        rate = uvloop.run(load(port, requests))
        used = (settled_cpu_seconds(process.pid) - before) / sum(map(len, requests)) * 1e6
        if process.poll() is not None or used < MIN_CPU_MICROSECONDS:
            raise RuntimeError("the server has not answered:\n" + read_log(folder))
        return rate, used
    finally:
        stop(process)


def compile_example() -> Release:
    release = compile_project(read_folder(ROOT / "flows"), {}).release
    assert release is not None
    return release


def step_microseconds(release: Release) -> float:
    """The mean cost of one step over the four callbacks of a call."""
    events = [decode(body) for body in callbacks(0)]
    now = datetime.now(UTC)
    walk: list[tuple[Call | None, CallbackEvent]] = []
    call = None
    for event in events:
        walk.append((call, event))
        call = step(release, call, event, now).call
    rounds = []
    for _ in range(20):
        begun = time.perf_counter()
        for _ in range(100):
            for before, event in walk:
                step(release, before, event, now)
        rounds.append((time.perf_counter() - begun) / 100 / len(walk) * 1e6)
    return min(rounds)


def projects(folder: str) -> dict[str, Path]:
    """One flow of the example, with and without a journal."""
    shown, silent = Path(folder) / "shown", Path(folder) / "silent"
    shown.mkdir()
    shutil.copy(ROOT / "flows" / "departments.yaml", shown)
    (shown / "project.yaml").write_text(ONE_FLOW)
    shutil.copytree(shown, silent)
    with (silent / "project.yaml").open("a") as project:
        project.write("\njournal: {keep: none}\n")
    return {"journal": shown, "no journal": silent}


def commands(folder: str, port: int) -> dict[str, list[str]]:
    (Path(folder) / "bare.py").write_text(BARE)
    quiet = ["--no-access-log", "--log-level", "warning"]
    found = {
        "bare endpoint": [sys.executable, "-m", "uvicorn", "--port", str(port), *quiet, "bare:app"]
    }
    for what, flows in projects(folder).items():
        served = [sys.executable, "-m", "flowengine", "serve", str(flows), "--port", str(port)]
        found |= {
            f"default store, {what}": served,
            f"cookies alone, {what}": [*served, "--store", "none"],
        }
    row = "default store, no journal"
    found[row + TRACED] = found[row]
    return dict(
        sorted(found.items(), key=lambda row: (row[0] != "bare endpoint", row[0] not in TARGETS))
    )


def prepare_calls(calls: int, root: Path) -> dict[str, list[list[bytes]]]:
    """The callbacks by the name of the row. Those with cookies have been answered once: the cookies
    of a call name the release that it is on, and each revision has its own form of them.
    """
    plain = [callbacks(number) for number in range(calls)]
    prepared = {}
    with tempfile.TemporaryDirectory() as folder:
        port = find_free_port()
        for row, command in commands(folder, port).items():
            prepared[row] = plain
            if row.startswith("cookies alone"):
                process = serve(command, port, folder, root)
                try:
                    prepared[row] = [echo_cookies(port, bodies) for bodies in plain]
                finally:
                    stop(process)
    return prepared


def run(calls: int, rounds: int, against: str | None) -> dict[str, object]:
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    found: dict[str, list[tuple[float, float]]] = {}
    with revisions(against) as roots, run_collector() as collector:
        sent = {revision: prepare_calls(calls + 200, root) for revision, root in roots.items()}
        for turn in range(rounds):
            for name, revision in product(sent[""], sorted(roots, reverse=bool(turn % 2))):
                if revision and (name == "bare endpoint" or name.endswith(TRACED)):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    port = find_free_port()
                    row = f"{name} ({revision})" if revision else name
                    command = commands(folder, port)[name]
                    found.setdefault(row, []).append(
                        measure(
                            command, port, folder, roots[revision], sent[revision][name],
                            collector if name.endswith(TRACED) else "",
                        )
                    )  # fmt: skip
    bare = found["bare endpoint"]
    ratios = {
        name: statistics.median(a / b for (a, _), (b, _) in zip(row, bare, strict=True))
        for name, row in found.items()
    }
    return {
        "requests_per_second": {
            name: round(statistics.median(rate for rate, _ in row)) for name, row in found.items()
        },
        "ratio": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "cpu_microseconds": {
            name: round(min(cpu for _, cpu in row), 1) for name, row in found.items()
        },
        "step_microseconds": round(step_microseconds(compile_example()), 1),
        "targets": TARGETS,
    }


def slower(result: dict[str, Any], against: str | None) -> list[str]:
    """The rows that cost more than those of the other revision."""
    used = result["cpu_microseconds"]
    return [
        name
        for name in used
        if (other := used.get(f"{name} ({against})")) and used[name] > other * TOLERANCE
    ]


def show(result: dict[str, Any]) -> None:
    rates, ratios, used = (
        result[name] for name in ("requests_per_second", "ratio", "cpu_microseconds")
    )
    print(f"{'served by':<40}{'CPU of each':>13}{'requests/s':>12}{'of bare':>10}{'at least':>10}")
    for name, rate in rates.items():
        target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
        print(f"{name:<40}{used[name]:>10} µs{rate:>12,}{ratios[name]:>10.2f}{target:>10}")
    print(f"{'one step':<40}{result['step_microseconds']:>10} µs{'≤ 20 µs':>32}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", metavar="REVISION")
    options = parser.parse_args()
    outcome = run(options.calls, options.rounds, options.against)
    print(json.dumps(outcome)) if options.json else show(outcome)
    if worse := slower(outcome, options.against):
        print("costs more than before:", ", ".join(worse), file=sys.stderr)
        raise SystemExit(1)
