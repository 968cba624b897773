"""What the engine costs on top of the bare web server: requests per second of both, in turn, in one run.

    python benchmarks/served.py [ROUNDS]

The bare server is the same Starlette route on the same uvicorn, which reads the body and answers as many fixed bytes. Both get
signed incoming calls, each of another call, from a client on the other core.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from flowengine.sinch import sign

HERE = Path(__file__).resolve().parent
KEY, SECRET, TYPE = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA==", "application/json"
CONNECTIONS, CALLS = 32, 12_000
FLOW = """
flow: line
start: welcome
states:
  welcome:
    say: Welcome.
    menu: {prompt: Press 1 or 2., options: {1: bye, 2: bye}, otherwise: bye}
  bye: {say: Goodbye., hangup: }
"""
BARE = """
from starlette.applications import Starlette
from starlette.routing import Route

ANSWER = b"x" * 620
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"620")]


class Bare:
    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})


app = Starlette(routes=[Route("/sinch", Bare(), methods=["POST"])])
"""


def requests(tag: str) -> list[bytes]:
    stamp = datetime.now(UTC).isoformat()
    return [request(f"{tag}-{number}", stamp) for number in range(CALLS)]


def request(call: str, stamp: str) -> bytes:
    event = {"event": "ice", "callid": call, "timestamp": stamp, "version": 1, "cli": "46708168731", "domain": "pstn",
             "to": {"type": "did", "endpoint": "+12017777777"}, "applicationKey": KEY, "originationType": "PSTN"}  # fmt: skip
    body = json.dumps(event).encode()
    signed = sign(KEY, SECRET, "POST", "/sinch", TYPE, body, stamp)
    head = f"POST /sinch HTTP/1.1\r\nhost: x\r\ncontent-type: {TYPE}\r\nx-timestamp: {stamp}\r\nauthorization: {signed}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Caller(asyncio.Protocol):
    """One connection: the next request as soon as the last is answered."""

    def __init__(self, todo: list[bytes], done: "asyncio.Future[None]", times: list[float]) -> None:
        self.todo, self.done, self.times, self.buffer, self.sent = todo, done, times, b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.next()

    def next(self) -> None:
        if self.todo:
            self.sent = time.perf_counter()
            self.transport.write(self.todo.pop())
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.partition(b"content-length: ")[2].split(b"\r", 1)[0]):
            assert head.startswith(b"HTTP/1.1 200"), self.buffer
            self.times.append(time.perf_counter() - self.sent)
            self.buffer = b""
            self.next()


async def load(port: int, todo: list[bytes]) -> tuple[float, float]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    done = [loop.create_future() for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    await asyncio.gather(*(loop.create_connection(lambda f=future: Caller(todo, f, times), "127.0.0.1", port) for future in done))
    await asyncio.gather(*done)
    return CALLS / (time.perf_counter() - begun), sorted(times)[len(times) * 99 // 100]


def started(command: list[str], folder: str, port: int) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET, "PYTHONPATH": f"{HERE.parent}:{folder}"}
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)],
        cwd=folder,
        env=environment,
        stdout=(Path(folder) / "out.log").open("wb"),
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2.5)
    return process


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "line.yaml").write_text(FLOW)
        (Path(folder) / "bare.py").write_text(BARE)
        servers = {
            "bare": (8701, ["uvicorn", "bare:app", "--no-access-log", "--no-server-header"]),
            "served, sqlite": (8702, ["flowengine", "serve", "line.yaml"]),
            "served, cookies only": (8703, ["flowengine", "serve", "line.yaml", "--store", "none"]),
        }
        processes = [started(command, folder, port) for port, command in servers.values()]
        rates: dict[str, list[float]] = {name: [] for name in servers}
        try:
            for number in range(rounds):
                for name, (port, _) in servers.items():
                    rate, slowest = uvloop.run(load(port, requests(f"{name}-{number}")))
                    rates[name].append(rate)
                    print(f"{name:22} {rate:8.0f} req/s   p99 {slowest * 1000:5.2f} ms")
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    bare = statistics.median(rates["bare"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:22} median {rate:8.0f} req/s, {1e6 / rate:5.1f} us per callback, {bare / rate:4.2f} times bare")


main()
