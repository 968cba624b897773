"""Whether memory grows: the served example under load, while its flows change.

`flowengine serve` with two workers answers `flowengine load` at 50 calls a second, and a flow file
is changed every ten seconds. Resident memory of all processes of the server is sampled each second.
In the last half it may grow by at most 2 MB, as the mean of its last quarter over that of its first;
exit status 1 says that it grew more. Their proportional and own memory (pss, uss) are shown and not
judged: workers stop sharing pages with the fork server as they write to them, which ends with what
they share, and other programs of the machine load and unload the same libraries.

    python benchmarks/soak.py [--minutes 20] [--rate 50]
"""

import argparse
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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx

ROOT = Path(__file__).parents[1]
CREDENTIALS = {
    "SINCH_APPLICATION_KEY": "669E367E-6BBA-48AB-AF15-266871C28135",
    "SINCH_APPLICATION_SECRET": "BeIukql3pTKJ8RGL5zo0DA==",
}
RELOAD_SECONDS = 10.0
MAX_GROWTH = 2.0  # MB
CHANGED = "departments.yaml"
JUDGED = ("rss",)


class Memory(NamedTuple):
    """Of all processes of the server together, in MB: resident, shared in proportion, own."""

    rss: float
    pss: float
    uss: float


def processes_of(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # that thread has just ended
            for child in children.read_text().split():
                found += processes_of(int(child))
    return found


def sample(pid: int) -> Memory:
    sums = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty"), 0)
    for process in processes_of(pid):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            if name in sums:
                sums[name] += int(value.split()[0])
    uss = sums["Private_Clean"] + sums["Private_Dirty"]
    return Memory(sums["Rss"] / 1024, sums["Pss"] / 1024, uss / 1024)


@contextmanager
def running(command: list[str], folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **CREDENTIALS, "PYTHONPATH": str(ROOT)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(port: int, folder: Path) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError((folder / "server.log").read_text())


def change(flows: Path, number: int) -> None:
    """A real change: other words in one flow."""
    text = (ROOT / "flows" / CHANGED).read_text()
    draft = flows / "draft"
    draft.write_text(text.replace("press", f"press, {number},", 1) + f"\n# {number}\n")
    draft.rename(flows / CHANGED)


def soak(minutes: float, rate: float, folder: Path) -> list[Memory]:
    flows, port, url = folder / "flows", free_port(), ""
    shutil.copytree(ROOT / "flows", flows)
    url = f"http://127.0.0.1:{port}/sinch"
    flowengine = [sys.executable, "-m", "flowengine"]
    serve = [*flowengine, "serve", str(flows), "--port", str(port), "--workers", "2"]
    calls = ["--calls", str(round(minutes * 60 * rate * 2)), "--rate", str(rate)]
    samples = []
    with running(serve, folder, "server") as server:
        wait_until_ready(port, folder)
        with running([*flowengine, "load", url, *calls], folder, "load") as load:
            begun = reloaded = time.monotonic()
            while time.monotonic() < begun + minutes * 60:
                time.sleep(1)
                if time.monotonic() >= reloaded + RELOAD_SECONDS:
                    reloaded += RELOAD_SECONDS
                    change(flows, len(samples))
                samples.append(sample(server.pid))
                if load.poll() is not None:
                    raise RuntimeError((folder / "load.log").read_text())
    log = (folder / "server.log").read_text()
    live = log.count("is live")
    if live < minutes * 60 / RELOAD_SECONDS / 2:
        raise RuntimeError(f"the flows went live {live} times only: {log[-2000:]}")
    return samples


def growth(values: list[float]) -> float:
    """How much the last half grows, from its first quarter to its last."""
    half = values[len(values) // 2 :]
    quarter = max(1, len(half) // 4)
    return statistics.mean(half[-quarter:]) - statistics.mean(half[:quarter])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(options.minutes, options.rate, Path(folder))
    print(f"{'':<8}{'begin':>10}{'half':>10}{'end':>10}{'growth of the last half':>26}")
    worst = 0.0
    for name in Memory._fields:
        values = [getattr(each, name) for each in samples]
        grown = growth(values)
        if name in JUDGED:
            worst = max(worst, grown)
        row = (values[0], values[len(values) // 2], values[-1])
        print(f"{name:<8}" + "".join(f"{value:>7.1f} MB" for value in row) + f"{grown:>23.2f} MB")
    if worst > MAX_GROWTH:
        print(f"memory grows by more than {MAX_GROWTH} MB", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
