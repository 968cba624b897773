"""What thousands of flows cost: memory and time of a server and of `check`, and what a server keeps.

    python benchmarks/scale.py [--json] [--flows 4900] [--edited 1000] [--calls 20000]
                               [--only ROW ...] [--against REVISION]

What a change of one flow costs, `benchmarks/reload.py` measures.

- `serve`: a project of many flows with two workers: proportional memory of all processes, CPU time
  and seconds until both answer; and the latter two of a second start with the same flows.
- `edits`: what ten edits of `defaults:`, which compile every flow anew, add to the memory of a
  server without calls.
- `check`: a project from nothing (CPU time, peak memory), again without a change, again with one
  flow changed; and the seconds of a `check` of one small flow.
- `callbacks`: CPU time of a callback, the first of a call, by the number of flows and of the states
  of the flow that answers; the least of some rounds, in turns.
- `calls`: memory that a call leaves behind, in bytes, by what the workers have in memory of their own
  after a quarter of the calls and after all.

With --against the same is measured with another revision, in turns with this one, by the same
dependencies, and the last column is the share of it.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import uvloop
from callback import cpu_seconds, settled_cpu_seconds
from reload import Client, flow, project
from revisions import compute_patience, revisions
from soak import CREDENTIALS, Memory, sample

EDITS = 10
WORKERS = 2
# releases that no call is on are let go a moment later, and then the workers are replaced
SETTLE_SECONDS = 60.0
STATUS_TOKEN = "a token of the benchmark"
SMALL = "hello.yaml"
LARGE_STATES = 990  # with those of the flow a thousand
CALLBACK_ROUNDS = 5
CALLBACK_SECONDS = 3.0
TARGETS = {
    "serve: memory (MB)": 0.20,
    "serve: CPU until ready (s)": 0.20,
    "serve again: CPU until ready (s)": 0.20,
    "serve again: seconds until ready": 0.10,
    "edits: growth (MB)": 0.05,
    "check: CPU (s)": 0.50,
    "check: peak memory (MB)": 0.45,
    "check: again (CPU s)": 0.05,
    "check: one flow changed (CPU s)": 0.10,
    "check: one small flow (s)": 0.45,
}


class Served(NamedTuple):
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    ready_seconds: float

    def memory(self) -> Memory:
        return sample(self.process.pid)


def write_project(folder: Path, flows: int) -> None:
    folder.mkdir()
    for name, text in project(flows).items():
        (folder / name).write_text(text)


def environment_of(root: Path, folder: Path) -> dict[str, str]:
    given = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **given,
        **CREDENTIALS,
        "PYTHONPATH": str(root),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "FLOWENGINE_STATUS_TOKEN": STATUS_TOKEN,
    }


def find_patience(folder: Path) -> float:
    return compute_patience(len(list((folder / "flows").iterdir())))


@contextmanager
def serving(root: Path, folder: Path) -> Iterator[Served]:
    """Serve the flows of a folder until the block ends."""
    patience = find_patience(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "flowengine", "serve", "flows", "--port", str(port)]
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--workers", str(WORKERS)],
            cwd=folder,
            env=environment_of(root, folder),
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    try:
        while log.read_text().count("startup complete") < WORKERS:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < begun + patience
            time.sleep(0.05)
        yield Served(process, port, folder, time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def measure_serve(root: Path, folder: Path, flows: int) -> dict[str, float]:
    write_project(folder / "flows", flows)
    with serving(root, folder) as served:
        found = {
            "serve: memory (MB)": served.memory().pss,
            "serve: CPU until ready (s)": cpu_seconds(served.process.pid),
            "serve: seconds until ready": served.ready_seconds,
        }
    with serving(root, folder) as served:
        return {
            **found,
            "serve again: CPU until ready (s)": cpu_seconds(served.process.pid),
            "serve again: seconds until ready": served.ready_seconds,
        }


def measure_edits(root: Path, folder: Path, flows: int) -> dict[str, float]:
    write_project(folder / "flows", flows)
    shared = folder / "flows" / "project.yaml"
    text = shared.read_text()
    with serving(root, folder) as served:
        before = served.memory().pss
        current = wait_until_served_by_all(served, "")
        for edit in range(1, EDITS + 1):
            shared.write_text(f"{text}defaults: {{timeout: {edit}s}}\n")
            current = wait_until_served_by_all(served, current)
        time.sleep(SETTLE_SECONDS)
        return {"edits: growth (MB)": served.memory().pss - before}


def wait_until_served_by_all(served: Served, before: str) -> str:
    """Wait until as many workers as there are serve another release than `before`; its id. They
    may be replaced meanwhile.
    """
    seen: dict[int, str] = {}
    current = before
    patience = find_patience(served.folder)
    until = time.monotonic() + patience
    while current == before or list(seen.values()).count(current) < WORKERS:
        assert time.monotonic() < until
        answer = httpx.get(
            f"http://127.0.0.1:{served.port}/status",
            headers={"authorization": f"Bearer {STATUS_TOKEN}"},
            timeout=patience,
            trust_env=False,
        ).json()
        current = answer["current"]
        seen[answer["worker"]["pid"]] = answer["worker"]["current"]
        time.sleep(0.05)
    return current


def run_check(root: Path, folder: Path, path: str) -> tuple[float, float, float]:
    """CPU seconds, seconds and peak memory in MB of a check."""
    command = [sys.executable, "-m", "flowengine", "check", path]
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment_of(root, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    assert process.stdout is not None
    text = process.stdout.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, text
    return usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024


def measure_check(root: Path, folder: Path, flows: int) -> dict[str, float]:
    write_project(folder / "flows", flows)
    (folder / SMALL).write_text("flow: hello\nstart: hi\nstates: {hi: {say: Hello., hangup: }}\n")
    run_check(root, folder, SMALL)  # compiles the modules
    cold, _, peak = run_check(root, folder, "flows")
    again = min(run_check(root, folder, "flows")[0] for _ in range(3))
    changed = []
    for edition in range(1, 4):
        (folder / "flows" / "line-7.yaml").write_text(flow(7, edition))
        changed.append(run_check(root, folder, "flows")[0])
    small = min(run_check(root, folder, SMALL)[1] for _ in range(5))
    return {
        "check: CPU (s)": cold,
        "check: peak memory (MB)": peak,
        "check: again (CPU s)": again,
        "check: one flow changed (CPU s)": min(changed),
        "check: one small flow (s)": small,
    }


def add_states(flow: str, states: int) -> str:
    """A flow with so many more states, on the way from its opening hours back to its menu."""
    words = "{menu: {prompt: Press 1 for day %d., options: {1: %s}, otherwise: agents}}"
    steps = [f"step_{number}" for number in range(states)]
    following = [*steps[1:], "main"]
    added = [f"  {name}: {words % (at, following[at])}\n" for at, name in enumerate(steps)]
    return flow.replace("next: main\n  agents", f"next: {steps[0]}\n  agents") + "".join(added)


def measure_callbacks(root: Path, folder: Path, flows: int) -> dict[str, float]:
    """Microseconds of CPU time of a callback, of the server whose flows are few, many or large."""
    sizes = {"1 flow": (1, 0), f"{flows} flows": (flows, 0), "1,000 states": (1, LARGE_STATES)}
    with ExitStack() as stack:
        servers: dict[str, Served] = {}
        for name, (count, more) in sizes.items():
            place = folder / str(len(servers))
            place.mkdir()
            write_project(place / "flows", count)
            if more:
                (place / "flows" / "line-0.yaml").write_text(add_states(flow(0), more))
            servers[name] = stack.enter_context(serving(root, place))
        used = dict.fromkeys(servers, float("inf"))
        for _ in range(CALLBACK_ROUNDS):
            for name, served in servers.items():
                used[name] = min(used[name], run_callbacks(served))
    first = used["1 flow"]
    return {
        "callbacks: CPU, 1 flow (us)": first,
        f"callbacks: CPU, {flows} flows (share)": used[f"{flows} flows"] / first,
        "callbacks: CPU, 1,000 states (share)": used["1,000 states"] / first,
    }


def run_callbacks(served: Served) -> float:
    """Microseconds of CPU time of a callback while the server has nothing else to do."""
    before = settled_cpu_seconds(served.process.pid)
    answered = uvloop.run(answer_for_seconds(served))
    return (settled_cpu_seconds(served.process.pid) - before) / answered * 1e6


async def answer_for_seconds(served: Served) -> int:
    client = Client(served.port, find_patience(served.folder))
    await client.saturate()
    await asyncio.sleep(CALLBACK_SECONDS)
    return client.answered


def measure_calls(root: Path, folder: Path, calls: int) -> dict[str, float]:
    write_project(folder / "flows", 1)
    with serving(root, folder) as served:
        place_calls(root, served, calls // 4)
        before = served.memory().uss
        place_calls(root, served, calls - calls // 4)
        grown = (served.memory().uss - before) * 2**20
    return {"calls: bytes a call": grown / (calls - calls // 4)}


def place_calls(root: Path, served: Served, calls: int) -> None:
    command = [sys.executable, "-m", "flowengine", "load", f"http://127.0.0.1:{served.port}/sinch"]
    subprocess.run(
        [*command, "--calls", str(calls)],
        cwd=served.folder,
        env=environment_of(root, served.folder),
        check=True,
        stdout=subprocess.DEVNULL,
    )


Measure = Callable[[Path, Path], dict[str, float]]


def run(measures: dict[str, Measure], against: str | None) -> dict[str, dict[str, float]]:
    """The figures by revision; "" is what is here."""
    found: dict[str, dict[str, float]] = {}
    with revisions(against) as roots:
        for measure in measures.values():
            for name, root in roots.items():
                with tempfile.TemporaryDirectory() as folder:
                    found.setdefault(name, {}).update(measure(root, Path(folder)))
    return found


def show(found: dict[str, dict[str, float]], against: str | None) -> None:
    print(f"{'':<36}{'here':>10}{against or '':>12}{'share':>8}{'goal':>8}")
    for row, value in found[""].items():
        other = found[against][row] if against else None
        columns = "" if other is None else f"{other:>12.2f}{value / other if other else 0:>8.2f}"
        goal = f"{TARGETS[row]:.2f}" if row in TARGETS and other is not None else ""
        print(f"{row:<36}{value:>10.2f}{columns}{goal:>8}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--flows", type=int, default=4900)
    parser.add_argument("--edited", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument(
        "--only", nargs="+", choices=("serve", "edits", "check", "callbacks", "calls")
    )
    parser.add_argument("--against", metavar="REVISION")
    options = parser.parse_args()
    every: dict[str, Measure] = {
        "serve": lambda root, folder: measure_serve(root, folder, options.flows),
        "edits": lambda root, folder: measure_edits(root, folder, options.edited),
        "check": lambda root, folder: measure_check(root, folder, options.edited),
        "callbacks": lambda root, folder: measure_callbacks(root, folder, options.flows),
        "calls": lambda root, folder: measure_calls(root, folder, options.calls),
    }
    chosen = {name: every[name] for name in options.only or every}
    figures = run(chosen, options.against)
    print(json.dumps(figures)) if options.json else show(figures, options.against)
