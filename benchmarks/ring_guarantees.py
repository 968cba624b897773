"""Whether rings and queues keep their promises while the server is killed: no member is rung twice at once, no
caller has two members, and no caller waits for nothing.

`flowengine serve` with two workers rings members of a switch, in real time and all four orders,
and offers callers of a queue to members.
Members answer, take the call, press a wrong key, say nothing, are busy, decline, or do not answer;
some callers hang up while they wait. Answers to requests that place legs are lost. Meanwhile a worker
is killed every few seconds, and each third time a whole server, which then starts again. A callback
that finds no server ends its call by the rules of the platform, which is counted apart.

With --machines 2, two such servers share a PostgreSQL server of the benchmark's own, which crashes
and starts again after each third kill.

Exit status 1 says that a promise was broken.

    python benchmarks/ring_guarantees.py [--rings 200] [--rate 3] [--machines 2] [--refuse-ringing]
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from killed_machines import Balancer, Database, Killer, Machine, find_port
from ring_lines import BEHAVIOURS, MEMBERS, NUMBERS, Watch, write_ring_flows

from flowengine.switch.api.switch_server import run_switch
from flowengine.switch.config import parse_configuration
from flowengine.switch.switch_store import open_store

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
DRAIN_SECONDS = 240.0
KILL_SECONDS = (1.5, 4.0)


async def dial_all(given: argparse.Namespace, watch: Watch, url: str) -> None:
    chance = random.Random(given.seed)
    async with httpx.AsyncClient(trust_env=False) as client:
        for number in range(given.rings):
            wanted: dict[str, Any] = {
                "from": f"+4670{number:07}", "to": NUMBERS[number % len(NUMBERS)],
            }  # fmt: skip
            if chance.random() < 0.25:
                act = {"do": "hang up", "after": round(chance.uniform(0.2, 4), 2)}
                wanted["behaviour"] = {"acts": [act]}
            answer = await client.post(f"{url}/desk/calls", json=wanted)
            watch.callers.add(answer.raise_for_status().json()["callId"])
            await asyncio.sleep(chance.expovariate(given.rate))


def write_flows(folder: Path) -> None:
    (folder / "flows").mkdir()
    project = {"project": "rings", "routes": write_ring_flows(folder / "flows")}
    (folder / "flows" / "project.yaml").write_text(json.dumps(project))


async def run(given: argparse.Namespace, folder: Path) -> int:
    write_flows(folder)
    database = Database(folder / "database") if given.machines > 1 else None
    try:
        return await run_on_store(given, folder, database)
    finally:
        if database is not None:
            database.stop()


async def run_on_store(given: argparse.Namespace, folder: Path, database: Database | None) -> int:
    port, switch_port = find_port(), find_port()
    url = f"http://127.0.0.1:{switch_port}"
    store = database.url if database else f"sqlite:{folder / 'calls.db'}"
    secrets = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
    options = ["--store", store, "--api-url", url]
    machines = [
        Machine(folder / f"machine-{number}", folder / "flows", find_port(), options, secrets)
        for number in range(given.machines)
    ]
    killer = Killer(machines, database, given.seed + 1)
    made, problems = parse_configuration(
        json.dumps(configure_switch(given, port)).encode(), "switch.yaml", {}
    )
    assert made, problems
    watch = Watch()
    async with run_switch(
        made, open_store("memory"), virtual=False, seed=given.seed, url=url
    ) as api:
        api.context.exchange.subscribe(watch.note)
        web = uvicorn.Server(
            uvicorn.Config(api, port=switch_port, lifespan="off", log_config=None, access_log=False)
        )
        serving = asyncio.create_task(web.serve())
        balancer = await Balancer([machine.port for machine in machines]).serve(port)
        killing = None
        try:
            await asyncio.gather(*(machine.start() for machine in machines))
            killing = asyncio.create_task(killer.run(KILL_SECONDS))
            await dial_all(given, watch, url)
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing
            await drain(watch)
        finally:
            if killing is not None:
                killing.cancel()
            for machine in machines:
                machine.kill()
            balancer.close()
            web.should_exit = True
            await serving
    return report(watch, killer, api.context.callout_count)


def configure_switch(given: argparse.Namespace, port: int) -> dict[str, Any]:
    callbacks = f"http://127.0.0.1:{port}/sinch"
    lost = sorted(random.Random(given.seed + 2).sample(range(1, 3 * given.rings), given.rings // 4))
    return {
        "applications": [{"key": KEY, "secret": SECRET, "primary": callbacks, "fallback": callbacks}],
        "numbers": [{"number": number} for number in NUMBERS],
        "parties": {
            number: behaviour
            for numbers in MEMBERS.values()
            for number, behaviour in zip(numbers, BEHAVIOURS, strict=True)
        },
        "lost_callouts": lost,
        "settings": {"patch_ringing_callout": not given.refuse_ringing, "bypass_after": 1000},
    }  # fmt: skip


async def drain(watch: Watch) -> None:
    """Wait until all callers and legs have ended, as long as that may take."""
    limit = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < limit:
        if watch.callers <= watch.ended.keys() and not watch.open_legs:
            return
        await asyncio.sleep(0.2)


def report(watch: Watch, killer: Killer, callouts: int) -> int:
    ends = Counter(watch.describe_end(caller) for caller in watch.callers)
    print(f"{len(watch.callers)} callers, {callouts} callouts, {len(watch.legs)} phones rung")
    print(f"killed: {dict(killer.kills)}")
    for what, count in sorted(ends.items()):
        print(f"  {count:5} {what}")
    broken = {
        "members rung twice at once": watch.double_rings,
        "callers with two members": watch.double_members,
        "callers who wait for nothing": ends["lost"],
        "legs that never end": watch.open_legs,
    }
    for what, count in broken.items():
        print(f"  {count:5} {what}")
    return int(any(broken.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rings", type=int, default=200)
    parser.add_argument("--rate", type=float, default=3.0, help="callers per second")
    parser.add_argument("--machines", type=int, default=1, help="more than one share a PostgreSQL")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--refuse-ringing", action="store_true", help="the platform ends no call that still rings"
    )
    parser.add_argument("--keep", type=Path, help="a new folder for the logs")
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir()
        return asyncio.run(run(given, given.keep))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(given, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
