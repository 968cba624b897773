"""Whether two machines with PostgreSQL keep their promises through twelve hours of failures: nothing
is lost, nothing happens twice, and memory and files stay level.

Two servers with two workers each share flows and a PostgreSQL server of the benchmark's own. The
switch of flowengine stands in for the platform, in real time: it sends signed callbacks, and each that
fails once more. Callers ask a service, ring members and wait in a queue; each call that ends is
reported. A failure comes every five minutes of the twelve hours, in turn: a worker killed, flows
changed, a machine killed, a slow service, the database crashed, a service that refuses, the database
restarted, a clock that steps by 30 s (for the processes of one machine, where a C compiler is there), a full disk
of a machine, and of the database (both only where the user may mount).

The hours are compressed: callers talk for seconds only, and between two failures stand as many calls as
--rate and --pause say. With the defaults twelve hours are 144 failures and 28,800 calls in 48 minutes.

Exit status 1 says that a promise was broken.

    python benchmarks/cluster_soak.py [--hours 12] [--pause 20] [--rate 10] [--keep FOLDER]
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from cluster_failures import Cluster, ClusterFailures, SmallDisk, SteppedClock
from cluster_flows import SUPPORT_NUMBER, write_cluster_flows
from cluster_judge import (
    ClusterWatch,
    Sample,
    count_unreported,
    judge,
    print_hour,
    print_kinds,
    take_sample,
)
from cluster_services import Services
from killed_machines import Balancer, Database, Machine, find_port
from ring_guarantees import KEY, SECRET, drain
from ring_lines import BEHAVIOURS, MEMBERS, NUMBERS

from flowengine.switch.api.switch_server import run_switch
from flowengine.switch.config import parse_configuration
from flowengine.switch.switch_store import open_store

FAILURES_PER_HOUR = 12
RING_SHARE = 0.15
MACHINE_DISK, DATABASE_DISK = "192m", "768m"
REPORT_LOOKS = 150  # seconds: reports that failed wait for less at the end
PRESSES = [
    {"do": "press", "value": "1", "until": "asked", "after": 0.2},
    {"do": "press", "value": "1234", "until": "asked", "after": 0.2},
]


async def dial_all(given: argparse.Namespace, watch: ClusterWatch, url: str) -> None:
    """Let callers call until this is cancelled."""
    chance = random.Random(given.seed)
    number = 0
    begun = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            number += 1
            wanted: dict[str, Any] = {"from": f"+4670{number:07}", "to": SUPPORT_NUMBER}
            acts = list(PRESSES)
            if chance.random() < RING_SHARE:
                wanted["to"], acts = chance.choice(NUMBERS), []
            if chance.random() < 0.1:
                acts.append({"do": "hang up", "after": round(chance.uniform(0.2, 3), 2)})
            wanted["behaviour"] = {"acts": acts}
            answer = await client.post(f"{url}/desk/calls", json=wanted)
            watch.callers.add(answer.raise_for_status().json()["callId"])
            await asyncio.sleep(begun + number / given.rate - time.monotonic())


def configure_switch(port: int) -> dict[str, Any]:
    callbacks = f"http://127.0.0.1:{port}/sinch"
    return {
        "applications": [{"key": KEY, "secret": SECRET, "primary": callbacks, "fallback": callbacks}],
        "numbers": [{"number": number} for number in (*NUMBERS, SUPPORT_NUMBER)],
        "parties": {
            number: behaviour
            for numbers in MEMBERS.values()
            for number, behaviour in zip(numbers, BEHAVIOURS, strict=True)
        },
        "settings": {"bypass_after": 1_000_000},
    }  # fmt: skip


async def serve_app(app: Any, port: int, stack: AsyncExitStack) -> None:
    """Serve an ASGI application until the stack is left."""
    config = uvicorn.Config(app, port=port, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.should_exit = True
        await serving

    stack.push_async_callback(stop)


async def soak(given: argparse.Namespace, folder: Path) -> int:
    watch, service_port, switch_port, port = ClusterWatch(), find_port(), find_port(), find_port()
    url, flows, clock = f"http://127.0.0.1:{switch_port}", folder / "flows", SteppedClock(folder)
    write_cluster_flows(flows, service_port)
    disks = SmallDisk(folder / "machine-1", MACHINE_DISK), SmallDisk(folder / "pg", DATABASE_DISK)
    async with AsyncExitStack() as stack:
        for disk in disks:
            stack.callback(disk.unmount)
        database = Database(disks[1].folder / "data")
        stack.callback(database.stop)
        database.limit_log("128MB")
        options = ["--store", database.url, "--api-url", url, "--no-console"]
        secrets = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
        machines = [
            Machine(
                folder / f"machine-{number}", flows, find_port(), options, {**secrets, **others}
            )
            for number, others in ((1, {}), (2, clock.environment))
        ]
        cluster = Cluster(machines, database, Services())
        for machine in machines:
            stack.callback(machine.kill)
        await serve_app(cluster.services, service_port, stack)
        await serve_switch(given, watch, switch_port, port, stack)
        balancer = await Balancer([machine.port for machine in machines]).serve(port)
        stack.callback(balancer.close)
        for machine in machines:
            await machine.start()
        failures = ClusterFailures(cluster, flows, clock, disks, given.seed)
        watch.name_failure = lambda: failures.latest
        begun = time.monotonic()
        samples = await run_hours(given, watch, failures, url)
        await drain(watch)
        await wait_for_reports(watch, cluster.services)
        samples.append(take_sample(cluster, failures.spared))
        print_hour("end", watch, failures, samples[-1])
        print_kinds(watch, failures)
        return judge(watch, failures, samples, watch.answered / (time.monotonic() - begun))


async def serve_switch(
    given: argparse.Namespace, watch: ClusterWatch, own: int, backend: int, stack: AsyncExitStack
) -> None:
    """Serve the platform on its own port, until the stack is left."""
    configured = json.dumps(configure_switch(backend)).encode()
    made, problems = parse_configuration(configured, "switch.yaml", {})
    assert made, problems
    url, store = f"http://127.0.0.1:{own}", open_store("memory")
    running = run_switch(made, store, virtual=False, seed=given.seed, url=url)
    api = await stack.enter_async_context(running)
    api.context.exchange.subscribe(watch.note)
    await serve_app(api, own, stack)


async def run_hours(
    given: argparse.Namespace, watch: ClusterWatch, failures: ClusterFailures, url: str
) -> list[Sample]:
    """One failure after the other while callers call; a sample and a line of the table each hour."""
    samples = [take_sample(failures.cluster, failures.spared)]
    print_hour("begin", watch, failures, samples[0])
    dialling = asyncio.create_task(dial_all(given, watch, url))
    try:
        for number in range(1, round(given.hours * FAILURES_PER_HOUR) + 1):
            begun = time.monotonic()
            await asyncio.sleep(given.pause / 4)
            await failures.fail_next()
            await asyncio.sleep(max(0.0, begun + given.pause - time.monotonic()))
            if dialling.done():
                dialling.result()
            if number % FAILURES_PER_HOUR == 0:
                samples.append(take_sample(failures.cluster, failures.spared))
                print_hour(str(number // FAILURES_PER_HOUR), watch, failures, samples[-1])
    finally:
        dialling.cancel()
        with suppress(asyncio.CancelledError):
            await dialling
    return samples


async def wait_for_reports(watch: ClusterWatch, services: Services) -> None:
    for _ in range(REPORT_LOOKS):
        if not count_unreported(watch, services):
            return
        await asyncio.sleep(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--hours", type=float, default=12)
    parser.add_argument("--pause", type=float, default=20, help="seconds from failure to failure")
    parser.add_argument("--rate", type=float, default=10, help="callers per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder for the logs")
    given = parser.parse_args()
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # so that all is stopped and unmounted
    if given.keep:
        given.keep.mkdir()
        return asyncio.run(soak(given, given.keep.resolve()))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return asyncio.run(soak(given, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
