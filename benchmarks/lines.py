"""What orchestrations cost: durable turns per second and the CPU time of each, and how late timers
are while callbacks are answered.

A turn reads an orchestration and one of its agents, and writes both with a new timer, as one more
phone that rings. Sixteen orchestrations take turns at a time, as one worker would. CPU time is that
of this process; what PostgreSQL uses is shown apart. Timers run in the task loop of a process that
answers callbacks at a steady rate, on the same store; each timer is scheduled by a turn.

A queue has so many callers, of whom each hears an announcement every 30 seconds: its CPU time is that of
one announcement for each, with the tasks, the answers, the callbacks and the requests to a platform
that costs nothing, as a share of 30 seconds of one core.

With --dbos PYTHON, the interpreter of an environment with `dbos` and `psycopg[binary]`, the same
number of steps runs in workflows of DBOS, on the same kinds of database.

On a machine that others use at the same time, `chrt -f 10` in front lets timers tell of this alone.

    python benchmarks/lines.py [--json] [--turns 4000] [--timers 400] [--rounds 3] [--callers 1000]
        [--dbos PYTHON]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvloop
from callback import SECRET, callbacks, compile_example, cpu_seconds

from flowengine.compile import compile_project
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.runtime.orchestration_tasks import OrchestrationTasks
from flowengine.runtime.platform_requests import CallOwner, RequestDone
from flowengine.runtime.task_loop import TaskLoop
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult, OwnEvent
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
    open_store,
)

SIDE_BY_SIDE = 16
STATE = bytes(range(256)) * 2  # of a ring of five members
LATER = 4e9
CALLBACKS_PER_SECOND = 500
TIMERS_PER_SECOND = 50
TIMER_SECONDS = 2.0  # from the turn that sets a timer until it is due

ANNOUNCE_SECONDS = 30
QUEUE_FILES = {
    "line.yaml": b"""
flow: line
locale: en-US
start: support
states:
  support:
    queue:
      of: support
      wait: {say: "You are number ${queue.position}.", every: 30s}
      nobody: bye
  bye: {hangup: }
""",
    "groups/support.yaml": b"members: ['+14045009001']",
}

DBOS_PROGRAM = """
import asyncio, json, resource, sys, time
from dbos import DBOS, DBOSConfig

url, steps, lanes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
DBOS(config=DBOSConfig(name="lines", system_database_url=url, log_level="ERROR", run_admin_server=False))

@DBOS.step()
async def turn(number):
    return number

@DBOS.workflow()
async def ring(count):
    for number in range(count):
        await turn(number)

async def main():
    DBOS.launch()
    await ring(1)
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(ring(steps // lanes) for _ in range(lanes)))
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(json.dumps([steps / seconds, cpu / steps * 1e6]))
    DBOS.destroy()

asyncio.run(main())
"""


async def refuse_lookup(_request: LookupRequest, _left: float) -> LookupResult:
    raise AssertionError("the benchmarked flow asks nobody")


async def take_turn(found: OrchestrationStore, name: str, due: float) -> None:
    """One turn as the conductor takes them."""

    def decide(saved: SavedOrchestration | None, _: object) -> tuple[OrchestrationChange, None]:
        version = saved.version + 1 if saved else 1
        ring = SavedOrchestration(name, "ring", "release", version, STATE, LATER)
        timer = ScheduledTask(name, f"timer:leg:{version}", due, b"")
        agent = SavedAgent(f"agent of {name}", name, time.time(), 0.0)
        done = (f"timer:leg:{version - 1}",)
        return OrchestrationChange(name, ring, (timer,), done, (agent,)), None

    await found.take_turn(name, lambda _: (f"agent of {name}",), decide)


async def measure_turns(url: str, turns: int) -> tuple[float, float]:
    """Turns per second, and microseconds of CPU time for each."""
    store = open_store(url)
    found = store.orchestrations
    assert found is not None

    async def take_turns(lane: int, count: int) -> None:
        for _ in range(count):
            await take_turn(found, f"call-{lane}", LATER)

    async def take_all(count: int) -> None:
        await asyncio.gather(
            *(take_turns(lane, count // SIDE_BY_SIDE) for lane in range(SIDE_BY_SIDE))
        )

    await take_all(SIDE_BY_SIDE * 10)  # warm
    begun, used = time.perf_counter(), time.process_time()
    await take_all(turns)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    await store.close()
    return turns / seconds, cpu / turns * 1e6


async def measure_timers(url: str, timers: int) -> list[float]:
    """How late each timer was, in milliseconds."""
    store = open_store(url)
    found = store.orchestrations
    assert found is not None
    codec = Codec([derive_key(SECRET)])
    engine = Engine(Registry(compile_example()), store, codec, refuse_lookup)
    late: list[float] = []
    dues: dict[str, float] = {}
    all_ran = asyncio.Event()
    calls: set[asyncio.Task[None]] = set()

    async def handle(task: ScheduledTask) -> None:
        late.append((time.time() - dues[task.orchestration]) * 1000)
        if len(late) == timers:
            all_ran.set()

    async def answer_call(number: int) -> None:
        for body in callbacks(number):
            await engine.answer(decode(body), body)

    async def answer_calls() -> None:
        """Calls come at a steady rate, however slowly they are answered."""
        begun, number = time.perf_counter(), 0
        while True:
            number += 1
            calls.add(call := asyncio.create_task(answer_call(number)))
            call.add_done_callback(calls.discard)
            due = begun + number * 4 / CALLBACKS_PER_SECOND
            await asyncio.sleep(due - time.perf_counter())

    async def set_timer(number: int) -> None:
        await asyncio.sleep(number / TIMERS_PER_SECOND)
        due = time.time() + TIMER_SECONDS
        dues[f"call-{number}"] = due
        await take_turn(found, f"call-{number}", due)

    for number in range(timers):
        await take_turn(found, f"call-{number}", LATER)
    loop = TaskLoop(found, handle)
    tasks = [asyncio.create_task(loop.run()), asyncio.create_task(answer_calls())]
    await asyncio.gather(*(set_timer(number) for number in range(timers)))
    await all_ran.wait()
    for task in (*tasks, *calls):
        task.cancel()
    await loop.stop()
    await store.close()
    return late


class SilentPlatform:
    """Takes every request at once, and notes who was brought out of the room."""

    def __init__(self) -> None:
        self.out: list[tuple[str, bytes]] = []

    async def place_leg(self, *_: object) -> RequestDone:
        return RequestDone()

    async def hang_up_call(self, *_: object) -> RequestDone:
        return RequestDone()

    async def release_caller(self, _owner: CallOwner, call_id: str, svaml: bytes) -> RequestDone:
        self.out.append((call_id, svaml))
        return RequestDone()

    async def change_call(self, *_: object) -> RequestDone:
        return RequestDone()

    async def is_call_ongoing(self, *_: object) -> bool:
        return True


async def measure_queue(url: str, callers: int) -> float:
    """The percent of a core that so many callers take who wait in a queue."""
    now, store, platform = time.time(), open_store(url), SilentPlatform()
    found, codec = store.orchestrations, Codec([derive_key(SECRET)])
    assert found is not None
    release = compile_project(QUEUE_FILES).release
    assert release is not None
    engine = Engine(Registry(release), store, codec, refuse_lookup, lambda: now)
    assert engine.orchestrations is not None

    async def call(call_id: str, event: str, **fields: object) -> None:
        body = json.dumps({"event": event, "callid": call_id, "version": 1, **fields}).encode()
        await engine.answer(decode(body), body)

    async def answer_result(event: OwnEvent, body: bytes) -> bytes | None:
        reply = await engine.answer_result(event, body)
        return reply.body if reply else None

    tasks = OrchestrationTasks(engine.orchestrations, codec, platform, answer_result, lambda: now)

    async def run_lane() -> None:
        while task := await found.claim_task(now, 60.0):
            await found.settle_task(task, await tasks.handle(task))

    async def run_tasks() -> None:
        await asyncio.gather(*(run_lane() for _ in range(SIDE_BY_SIDE)))

    for number in range(callers):
        await call(f"waiting-{number}", "ice", to={"type": "did", "endpoint": "1"})
    await run_tasks()
    now += ANNOUNCE_SECONDS
    used = time.process_time()
    await run_tasks()
    for call_id, svaml in platform.out:
        menu = json.loads(svaml)["action"]["mainMenu"]
        await call(call_id, "pie", menuResult={"menuId": menu, "type": "timeout"})
    cpu = time.process_time() - used
    assert len(platform.out) == callers
    await store.close()
    return cpu / ANNOUNCE_SECONDS * 100


def measure_dbos(python: str, url: str, turns: int) -> tuple[float, float]:
    """The same of steps of DBOS."""
    command = [python, "-c", DBOS_PROGRAM, url, str(turns), str(SIDE_BY_SIDE)]
    ran = subprocess.run(command, capture_output=True, check=True)
    rate, cpu = json.loads(ran.stdout.splitlines()[-1])
    return rate, cpu


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """The addresses of new stores, by their kind."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = {"SQLite": f"sqlite:{folder}/calls.db"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own libraries, about this machine
            try:
                import pgserver  # noqa: PLC0415  # is not on every machine
            except ImportError:
                yield found
                return
            server = pgserver.get_server(f"{folder}/postgresql")
        yield found | {"PostgreSQL": server.get_uri()}
        server.cleanup()


def run(
    turns: int, timers: int, rounds: int, callers: int, dbos: str | None
) -> dict[str, dict[str, float]]:
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        with databases() as urls:
            for kind, url in urls.items():
                count = turns if kind == "SQLite" else turns // 4
                postmaster = read_postmaster(url)
                before = read_server_cpu(postmaster)
                rate, cpu = uvloop.run(measure_turns(url, count))
                row = {"turns_per_second": rate, "cpu_microseconds": cpu}
                if postmaster:
                    row["server_cpu_microseconds"] = (
                        (read_server_cpu(postmaster) - before) / count * 1e6
                    )
                late = statistics.quantiles(uvloop.run(measure_timers(url, timers)), n=100)
                row |= {"late_p50_ms": late[49], "late_p99_ms": late[98]}
                row["queue_percent_of_core"] = uvloop.run(measure_queue(url, callers))
                found.setdefault(kind, []).append(row)
                if dbos:
                    rate, cpu = measure_dbos(dbos, build_dbos_url(url), count // 8)
                    found.setdefault(f"DBOS on {kind}", []).append(
                        {"turns_per_second": rate, "cpu_microseconds": cpu}
                    )
    return {kind: choose_best(rows) for kind, rows in found.items()}


def choose_best(rows: list[dict[str, float]]) -> dict[str, float]:
    """The best of the rounds: what else the machine does only adds to a time."""
    return {
        name: (max if name == "turns_per_second" else min)(row[name] for row in rows)
        for name in rows[0]
    }


def read_postmaster(url: str) -> int:
    """The process of a PostgreSQL server on this machine; 0 where the store is a file."""
    folder = url.partition("host=")[2]
    return int((Path(folder) / "postmaster.pid").read_text().split()[0]) if folder else 0


def read_server_cpu(postmaster: int) -> float:
    """CPU time of the server and of its processes, of which one may end meanwhile."""
    while postmaster:
        with suppress(FileNotFoundError):
            return cpu_seconds(postmaster)
    return 0.0


def build_dbos_url(url: str) -> str:
    """The address of a database of DBOS beside this store."""
    if url.startswith("sqlite:"):
        return f"sqlite:///{url.removeprefix('sqlite:')}.dbos"
    return url.replace("/postgres?", "/lines_dbos?")


def show(result: dict[str, dict[str, float]]) -> None:
    print(
        f"{'store':<22}{'turns/s':>10}{'CPU of each':>14}{'of the server':>16}{'late p50':>11}{'p99':>9}{'queue':>9}"
    )
    for kind, row in result.items():
        print(
            f"{kind:<22}{row['turns_per_second']:>10,.0f}{row['cpu_microseconds']:>11.0f} µs",
            end="",
        )
        if "server_cpu_microseconds" in row:
            print(f"{row['server_cpu_microseconds']:>13.0f} µs", end="")
        else:
            print(" " * 16, end="")
        if "late_p99_ms" in row:
            print(f"{row['late_p50_ms']:>8.1f} ms{row['late_p99_ms']:>6.1f} ms", end="")
            print(f"{row['queue_percent_of_core']:>8.1f}%", end="")
        print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=4000)
    parser.add_argument("--timers", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, default=1000, help="who wait in a queue")
    parser.add_argument("--dbos", metavar="PYTHON")
    options = parser.parse_args()
    outcome = run(options.turns, options.timers, options.rounds, options.callers, options.dbos)
    print(json.dumps(outcome)) if options.json else show(outcome)
    sys.exit(0)
