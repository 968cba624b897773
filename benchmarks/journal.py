"""What the call journal costs the served example: CPU time for each callback, bytes for each call,
and the time to read it.

The server answers the calls of benchmarks/callback.py, state in cookies alone, with the journal and
without it: the difference of its CPU time is the price of a row. Then the commands that read are
run on what it wrote, less the CPU time of one that reads nothing. Of several rounds the least
counts, as other programs only ever add to it.

With --against the same is measured with another revision, in turns with this one, by the same
dependencies. Exit status 1 says that a goal is missed: no more CPU time than that revision, at most
35 % of its bytes, and reading no slower.

With --postgresql the same calls are written to a PostgreSQL server, too: what a row costs the
servers then, and how many bytes it takes there. The tables of the journal there are dropped first.

    python benchmarks/journal.py [--json] [--calls 2000] [--rounds 3] [--against REVISION] [--postgresql ADDRESS]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from callback import (
    KEY,
    SECRET,
    TOLERANCE,
    commands,
    measure,
    prepare_calls,
)
from revisions import ROOT, revisions

WITH, WITHOUT = "cookies alone, journal", "cookies alone, no journal"
WARM_CALLS = 200  # that callback.py has the server answer first
BYTES_GOAL = 0.35  # of the other revision
READING_TOLERANCE = 1.15  # a command takes a second, most of it to start
ON_SERVER = "cookies alone, journal on PostgreSQL"
SERVER_ROWS = ("CPU of a row on PostgreSQL, µs", "bytes of a call there")
ROWS = ("CPU of a row, µs", "bytes of a call", "list all calls, ms", "replay all calls, ms")


def read_cpu(command: list[str], folder: str, root: Path) -> float:
    """The CPU time of a command, in milliseconds."""
    environment = os.environ | {
        "PYTHONPATH": str(root),
        "SINCH_APPLICATION_KEY": KEY,
        "SINCH_APPLICATION_SECRET": SECRET,
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "flowengine", *command],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def measure_round(sent: dict[str, list[list[bytes]]], root: Path, port: int) -> dict[str, float]:
    """One round with this code: what it used, by what was done."""
    used: dict[str, float] = {}
    for row in (WITHOUT, WITH):
        with tempfile.TemporaryDirectory() as folder:
            command = commands(folder, port)[row]
            used[row] = measure(command, port, folder, root, sent[row])[1]
            if row == WITHOUT:
                continue
            journal = Path(folder) / ".flowengine" / "journal.db"
            used["bytes"] = journal.stat().st_size / len(sent[row])
            store = ["--store", f"sqlite:{journal.with_name('calls.db')}"]
            for calls in ("1", "1000000"):
                listing = ["calls", *store, "--limit", calls]
                used[f"list {calls}"] = read_cpu(listing, folder, root)
            for since in ("0m", "1d"):
                replay = [
                    "replay",
                    str(journal),
                    "--on",
                    str(Path(folder) / "shown"),
                    "--since",
                    since,
                ]
                used[f"replay {since}"] = read_cpu(replay, folder, root)
    return used


def measure_on_server(
    sent: dict[str, list[list[bytes]]], address: str, port: int
) -> dict[str, float]:
    """One round with this code, the journal on a PostgreSQL server."""
    import psycopg  # noqa: PLC0415  # the other rows need no driver

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS flowengine CASCADE")
        with tempfile.TemporaryDirectory() as folder:
            command = commands(folder, port)[WITH]
            command += ["--journal", address]
            used = measure(command, port, folder, ROOT, sent[WITH])[1]
        ((size,),) = connection.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent::regclass::text LIKE 'flowengine.journal%'"
        )
    return {ON_SERVER: used, f"{ON_SERVER}, bytes": float(size or 0) / len(sent[WITH])}


def build_rows(rounds: list[dict[str, float]]) -> dict[str, float]:
    """What to show of several rounds."""
    used = {what: min(one[what] for one in rounds) for what in rounds[0]}
    values: tuple[float, ...] = (
        used[WITH] - used[WITHOUT],
        used["bytes"],
        used["list 1000000"] - used["list 1"],
        used["replay 1d"] - used["replay 0m"],
    )
    rows: tuple[str, ...] = ROWS
    if ON_SERVER in used:
        rows += SERVER_ROWS
        values += (used[ON_SERVER] - used[WITHOUT], used[f"{ON_SERVER}, bytes"])
    return {row: round(value, 1) for row, value in zip(rows, values, strict=True)}


def run(
    calls: int, rounds: int, against: str | None, address: str | None
) -> dict[str, dict[str, float]]:
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    found: dict[str, list[dict[str, float]]] = {}
    port = 18700
    with revisions(against) as roots:
        sent = {
            revision: prepare_calls(calls + WARM_CALLS, root) for revision, root in roots.items()
        }
        for _ in range(rounds):
            for revision, root in roots.items():
                port += 2
                used = measure_round(sent[revision], root, port)
                if address and not revision:
                    used |= measure_on_server(sent[revision], address, port + 1)
                found.setdefault(revision, []).append(used)
    return {revision: build_rows(measured) for revision, measured in found.items()}


def list_missed_goals(found: dict[str, dict[str, float]], against: str) -> list[str]:
    goals = dict(
        zip(ROWS, (TOLERANCE, BYTES_GOAL, READING_TOLERANCE, READING_TOLERANCE), strict=True)
    )
    return [row for row in ROWS if found[""][row] > found[against][row] * goals[row]]


def show(found: dict[str, dict[str, float]]) -> None:
    print(f"{'':<32}" + "".join(f"{revision or 'here':>12}" for revision in found))
    for row in found[""]:
        cells = (f"{values[row]:>12,}" if row in values else "" for values in found.values())
        print(f"{row:<32}" + "".join(cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--postgresql", metavar="ADDRESS")
    options = parser.parse_args()
    outcome = run(options.calls, options.rounds, options.against, options.postgresql)
    print(json.dumps(outcome)) if options.json else show(outcome)
    if options.against and (missed := list_missed_goals(outcome, options.against)):
        print("goals missed:", ", ".join(missed), file=sys.stderr)
        raise SystemExit(1)
