"""What a change of flows costs: from the saved file to the words that a new call hears, in memory,
and for callers meanwhile.

`flowengine serve` follows a folder, with one worker on one core; a client on another core saves one
flow after the other, with new words in it, and keeps calling.

- `paced`: with 400 callbacks a second. Latencies are those of callbacks that begin between a saved
  file and its new words, against those of the same run while nothing is saved. CPU time is that of
  the server for a change, beyond what it takes for as many callbacks while nothing is saved.
- `saturated`: the core of the server has no rest, as each answer is followed by the next call.
- `memory`: what the server has grown by after many changes.

    python benchmarks/reload.py [--json] [--flows 1 100 1000] [--rounds 20] [--releases 100]
                                [--only ROW ...] [--against REVISION]

With --against the same is measured with another revision, in turns with this one.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from callback import KEY, cpu_seconds, request, serve
from revisions import ROOT, compute_patience, evaluate_in, revisions

from flowengine.compile import ProjectCompiler

PORT = 18500
RATE = 400.0  # callbacks in a second, about a twentieth of what a core answers
IDLE_SECONDS = 5.0
REST_SECONDS = 0.25  # between two changes
SATURATING_CONNECTIONS = 32
ROWS = ["paced", "saturated", "memory"]
TARGETS = {"milliseconds": 400.0, "p99_ratio": 1.5, "saturated": 1000.0}
FLOW = """
flow: line-{number}
start: welcome
vars:
  account: {{type: digits, max: 8}}
  tries: {{type: integer}}
states:
  welcome:
    say: Welcome to line {number}. This is edition {edition}.
    next: main
  main:
    menu:
      prompt: For your account press 1, for our opening hours 2, for an agent 3.
      options: {{1: ask, 2: hours, 3: agents}}
      otherwise: agents
  ask:
    collect: {{prompt: Please enter your account number., into: account, digits: 8, otherwise: agents}}
    next: count
  count:
    set: {{tries: "${{vars.tries + 1}}"}}
    next: check
  check:
    choose:
      - {{when: luhn(vars.account), next: known}}
      - {{when: vars.tries > 2, next: agents}}
      - {{next: again}}
  again:
    say: ${{spell(vars.account)}} is none of our accounts.
    next: ask
  known:
    say: Thank you. Your account is ${{spell(vars.account)}}.
    next: agents
  hours:
    say: We are open from nine to five on weekdays.
    next: main
  agents:
    connect: {{phone: "+14045009000", answered: whisper}}
  whisper:
    say: A call of ${{spell(vars.account)}}.
    continue:
"""


def flow(number: int, edition: int = 0) -> str:
    return FLOW.format(number=number, edition=edition)


def project(flows: int) -> dict[str, str]:
    """The flow in the middle answers, and is the one that changes."""
    files = {f"line-{number}.yaml": flow(number) for number in range(flows)}
    return {
        **files,
        "project.yaml": f"project: bench\nlocale: en-US\nroutes: [{{flow: line-{flows // 2}}}]\n",
    }


class Connection(asyncio.Protocol):
    """One callback after the other; `answer` gets the whole answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def ask(self, sent: bytes, answer: Callable[[bytes], None]) -> None:
        self.answer = answer
        self.transport.write(sent)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if found and len(body) >= int(
            head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        ):
            assert head.startswith(b"HTTP/1.1 200"), self.buffer
            self.buffer = b""
            self.answer(body)


class Client:
    """Calls again and again, and knows when the words of an edition were heard first."""

    def __init__(self, port: int, patience: float) -> None:
        self.port, self.patience = port, patience
        self.idle: list[Connection] = []
        self.numbers = itertools.count()
        self.latencies: list[tuple[float, float]] = []
        self.heard = asyncio.Event()
        self.wanted = b"\0"
        self.answered = 0

    async def saturate(self) -> None:
        """Keep the server busy: each connection calls again as soon as it has its answer."""
        loop = asyncio.get_running_loop()
        for _ in range(SATURATING_CONNECTIONS):
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
            self.call_again_and_again(connection)

    def call_again_and_again(self, connection: Connection) -> None:
        def call_again(body: bytes) -> None:
            self.answered += 1
            if self.wanted in body:
                self.heard.set()
            self.call_again_and_again(connection)

        connection.ask(request(json.dumps(ring(next(self.numbers))).encode()), call_again)

    async def call(self) -> None:
        """A new call begins. Its time counts from when it was due: a client that is late is no
        excuse.
        """
        made = request(json.dumps(ring(next(self.numbers))).encode())
        self.idle = [
            connection for connection in self.idle if not connection.transport.is_closing()
        ]  # nobody needed it for seconds
        if not self.idle:
            _, fresh = await asyncio.get_running_loop().create_connection(
                Connection, "127.0.0.1", self.port
            )
            self.idle.append(fresh)
        connection, begun = self.idle.pop(), time.perf_counter()

        def answered(body: bytes) -> None:
            self.latencies.append((begun, time.perf_counter() - begun))
            self.idle.append(connection)
            if self.wanted in body:
                self.heard.set()

        connection.ask(made, answered)

    async def keep_calling(self, rate: float = RATE) -> None:
        begun = time.perf_counter()
        for number in itertools.count():
            await asyncio.sleep(begun + number / rate - time.perf_counter())
            await self.call()

    async def hears(self, edition: int) -> float:
        self.heard.clear()
        self.wanted = b"edition %d." % edition
        async with asyncio.timeout(self.patience):
            await self.heard.wait()
        return time.perf_counter()


def ring(number: int) -> dict[str, object]:
    to = {"type": "did", "endpoint": "+14045550100"}
    return {
        "event": "ice", "callid": f"{os.getpid()}-{number}", "version": 1, "applicationKey": KEY, "cli": "12015555555", "to": to,
        "domain": "pstn", "originationType": "PSTN",
    }  # fmt: skip


@contextmanager
def served(flows: int, port: int, root: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A server that follows so many flows, and its folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "flows"
        place.mkdir()
        for name, text in project(flows).items():
            (place / name).write_text(text)
        process = serve(
            [sys.executable, "-m", "flowengine", "serve", str(place), "--port", str(port)],
            port,
            folder,
            root,
            compute_patience(flows),
        )
        try:
            yield process, place
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


async def changed(client: Client, place: Path, flows: int, edition: int) -> tuple[float, float]:
    """When a change was saved, and when it was heard."""
    path = place / f"line-{flows // 2}.yaml"
    path.write_text(flow(flows // 2, edition))
    return time.perf_counter(), await client.hears(edition)


async def reloading(
    process: int, port: int, place: Path, flows: int, rounds: int
) -> dict[str, object]:
    client = Client(port, compute_patience(flows))
    calling = asyncio.create_task(client.keep_calling())
    await asyncio.sleep(1.0)
    for edition in (1, 2):
        await changed(client, place, flows, edition)  # warm
    await asyncio.sleep(1.0)
    used = cpu_seconds(process)
    quiet = (
        time.perf_counter(),
        await asyncio.sleep(IDLE_SECONDS, time.perf_counter() + IDLE_SECONDS),
    )
    idle_share = (cpu_seconds(process) - used) / IDLE_SECONDS
    windows = []
    used, begun = cpu_seconds(process), time.perf_counter()
    for edition in range(3, 3 + rounds):
        windows.append(await changed(client, place, flows, edition))
        await asyncio.sleep(REST_SECONDS)
    used = cpu_seconds(process) - used - idle_share * (time.perf_counter() - begun)
    calling.cancel()
    idle, busy = latencies(client, [quiet]), latencies(client, windows)
    return {
        "milliseconds": summarize(windows),
        "cpu_milliseconds": round(used / rounds * 1000, 1),
        "idle": idle,
        "reloading": busy,
        "p99_ratio": round(busy["p99"] / idle["p99"], 2),
    }


async def saturated(port: int, place: Path, flows: int, rounds: int) -> dict[str, float]:
    """Milliseconds from a saved file to its words while the core of the server has no rest."""
    client = Client(port, compute_patience(flows))
    await client.saturate()
    for edition in (1, 2):
        await changed(client, place, flows, edition)  # warm
    answered, begun = client.answered, time.perf_counter()
    windows = []
    for edition in range(3, 3 + rounds):
        windows.append(await changed(client, place, flows, edition))
        await asyncio.sleep(REST_SECONDS)
    rate = (client.answered - answered) / (time.perf_counter() - begun)
    return {**summarize(windows), "callbacks_per_second": round(rate)}


def summarize(windows: list[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds from saved to heard."""
    took = sorted((heard - saved) * 1000 for saved, heard in windows)
    return {"median": round(median(took), 1), "longest": round(took[-1], 1)}


def latencies(client: Client, windows: list[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds of the callbacks that began within these times."""
    found = sorted(
        took * 1000
        for begun, took in client.latencies
        if any(first <= begun <= last for first, last in windows)
    )
    ranks = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    return {
        "callbacks": len(found),
        **{name: round(found[ceil(len(found) * share) - 1], 2) for name, share in ranks.items()},
    }


async def growing(
    process: subprocess.Popen[bytes], port: int, place: Path, flows: int, releases: int
) -> dict[str, float]:
    """Resident memory of the server before and after many releases, of which it keeps all."""
    client = Client(port, compute_patience(flows))
    calling = asyncio.create_task(client.keep_calling(RATE / 10))  # calls take memory, too
    for edition in range(1, 6):
        await changed(client, place, flows, edition)  # warm
    before = resident(process.pid)
    for edition in range(6, 6 + releases):
        await changed(client, place, flows, edition)
    calling.cancel()
    after = resident(process.pid)
    return {
        "megabytes": round(after / 1024, 1),
        "kilobytes_per_release": round((after - before) / releases, 1),
    }


def resident(process: int) -> int:
    """Kilobytes of the largest process of a server: a worker, or the fork server before it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    status = Path(f"/proc/{process}/status").read_text()
    own = int(status.partition("VmRSS:")[2].split()[0])
    return max([own, *(resident(int(child)) for child in children)])


def traced(flows: int, releases: int = 10) -> float:
    """Kilobytes of Python objects that each further release takes."""
    files = {name: text.encode() for name, text in project(flows).items()}
    compiler, kept = ProjectCompiler(), []
    kept.append(compiler.compile(files, {}).release)
    tracemalloc.start()
    for edition in range(1, releases + 2):
        kept.append(
            compiler.compile(
                {**files, f"line-{flows // 2}.yaml": flow(flows // 2, edition).encode()}, {}
            ).release
        )
        gc.collect()
        if edition == 1:
            first = tracemalloc.get_traced_memory()[0]
    taken = tracemalloc.get_traced_memory()[0] - first
    tracemalloc.stop()
    return round(taken / releases / 1024, 1)


def run(
    sizes: list[int], rounds: int, releases: int, only: list[str], against: str | None
) -> dict[str, object]:
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    found: dict[str, object] = {}
    port = PORT
    with revisions(against) as roots:
        for flows, (name, root) in itertools.product(sizes, roots.items()):
            row = f"{flows} ({name})" if name else str(flows)
            measures = {
                "paced": partial(measure_paced, flows, rounds, port, root),
                "saturated": partial(measure_saturated, flows, rounds, port + 1, root),
                "memory": partial(measure_memory, flows, releases, port + 2, root),
            }
            found[row] = {name: measures[name]() for name in only}
            port += 3
    return {"flows": found, "targets": TARGETS}


def measure_paced(flows: int, rounds: int, port: int, root: Path) -> dict[str, object]:
    with served(flows, port, root) as (process, place):
        return uvloop.run(reloading(process.pid, port, place, flows, rounds))


def measure_saturated(flows: int, rounds: int, port: int, root: Path) -> dict[str, float]:
    with served(flows, port, root) as (_, place):
        return uvloop.run(saturated(port, place, flows, rounds))


def measure_memory(flows: int, releases: int, port: int, root: Path) -> dict[str, float]:
    with served(flows, port, root) as (process, place):
        memory = uvloop.run(growing(process, port, place, flows, releases))
    objects = traced(flows) if root == ROOT else evaluate_in(root, "reload", f"traced({flows})")
    return {**memory, "traced_kilobytes_per_release": objects}


def show(result: dict[str, object]) -> None:
    found = result["flows"]
    assert isinstance(found, dict)
    for name, write in (
        ("paced", show_paced),
        ("saturated", show_saturated),
        ("memory", show_memory),
    ):
        rows = {flows: item[name] for flows, item in found.items() if name in item}
        if rows:
            write(rows)
            print()
    print(
        "times in milliseconds; wanted: saved to heard under 400, 99th percentile while reloading "
        "at most 1.5 times that of idle, saturated under 1000"
    )


def show_paced(rows: dict[str, dict[str, Any]]) -> None:
    print(
        f"{'paced':>16}  {'saved to heard':^17}  {'CPU':>6}  {'idle':^23}  {'while reloading':^23}  {'p99':>6}"
    )
    ways = f"{'median':>7}{'longest':>10}", *[f"{'p50':>7}{'p99':>7}{'longest':>9}"] * 2
    print(f"{'flows':>16}  {ways[0]}  {'':>6}  {ways[1]}  {ways[2]}  {'ratio':>6}")
    for flows, item in rows.items():
        took = item["milliseconds"]
        times = "  ".join(
            f"{at['p50']:>7.2f}{at['p99']:>7.2f}{at['longest']:>9.2f}"
            for at in (item["idle"], item["reloading"])
        )
        print(
            f"{flows:>16}  {took['median']:>7.0f}{took['longest']:>10.0f}  "
            f"{item['cpu_milliseconds']:>6.0f}  {times}  {item['p99_ratio']:>6.2f}"
        )


def show_saturated(rows: dict[str, dict[str, float]]) -> None:
    print(f"{'saturated':>16}  {'saved to heard':^17}  {'callbacks':>9}")
    print(f"{'flows':>16}  {'median':>7}{'longest':>10}  {'/s':>9}")
    for flows, item in rows.items():
        print(
            f"{flows:>16}  {item['median']:>7.0f}{item['longest']:>10.0f}  "
            f"{item['callbacks_per_second']:>9.0f}"
        )


def show_memory(rows: dict[str, dict[str, float]]) -> None:
    print(f"{'memory':>16}  {'of a release':^21}  {'server':>7}")
    print(f"{'flows':>16}  {'RSS':>9}{'objects':>12}  {'RSS':>7}")
    for flows, item in rows.items():
        grown, objects = item["kilobytes_per_release"], item["traced_kilobytes_per_release"]
        print(f"{flows:>16}  {grown:>6.0f} kB{objects:>9.0f} kB  {item['megabytes']:>4.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--flows", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--releases", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--against", metavar="REVISION")
    options = parser.parse_args()
    outcome = run(options.flows, options.rounds, options.releases, options.only, options.against)
    print(json.dumps(outcome)) if options.json else show(outcome)
