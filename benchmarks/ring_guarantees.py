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
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from killed_machines import Balancer, Database, Killer, Machine

from flowengine.model.project_file import DEFAULT_APOLOGY
from flowengine.switch.api.switch_server import run_switch
from flowengine.switch.config import parse_configuration
from flowengine.switch.switch_events import CallEnded, Heard, Joined, Ringing, SwitchEvent
from flowengine.switch.switch_store import open_store

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
ORDERS = ("all at once", "in turn", "round robin", "longest idle")
LINES = (*ORDERS, "queue")
TAKES = {
    "does": "answer",
    "after": 0.4,
    "acts": [
        {"do": "press", "value": "1", "until": "asked", "after": 0.2},
        {"do": "hang up", "after": 1.5},
    ],
}
BEHAVIOURS: tuple[dict[str, Any], ...] = (
    {"does": "no answer"},
    TAKES,
    {"does": "busy", "after": 0.2},
    TAKES,
    {"does": "decline", "after": 0.3},
    {"does": "answer", "after": 0.4},
    TAKES,
    {"does": "answer", "after": 0.3, "acts": [{"do": "press", "value": "2", "until": "asked"}]},
    {"does": "answer", "after": 0.3, "acts": [{"do": "hang up", "after": 0.2}]},
    TAKES,
    {"does": "no answer"},
    TAKES,
)
# Each line has members of its own: a ring of all at once would leave nobody to the others.
MEMBERS = {
    order: [f"+14045009{place}{number:02}" for number in range(len(BEHAVIOURS))]
    for place, order in enumerate(LINES)
}
NUMBERS = [f"+140450010{number:02}" for number in range(len(LINES))]
FLOW = """
flow: FLOW
start: sales
states:
  sales:
    ring:
      who: WHO
      order: ORDER
      each: 1s
      accept: {prompt: Press 1., timeout: 1s, taken: Taken.}
      nobody: nobody
      after: survey
  nobody: {say: Nobody., hangup: }
  survey: {say: How was it?, hangup: }
"""
QUEUE_FLOW = """
flow: FLOW
start: sales
states:
  sales:
    queue:
      of: sales
      accept: {prompt: Press 1., timeout: 1s, taken: Taken.}
      limit: 1m
      nobody: nobody
      after: survey
  nobody: {say: Nobody., hangup: }
  survey: {say: How was it?, hangup: }
"""
DRAIN_SECONDS = 240.0
KILL_SECONDS = (1.5, 4.0)


class Watch:
    """What happens at the switch, and what must not."""

    def __init__(self, switch_url: str) -> None:
        self._url = switch_url
        self.callers: set[str] = set()
        self.ended: dict[str, tuple[float, str]] = {}
        self.legs: dict[str, str] = {}
        self.at_phone: Counter[str] = Counter()
        self.rooms: dict[str, str] = {}
        self.heard: dict[str, set[str]] = {}
        self.double_rings = 0
        self.double_members = 0
        self.late_ends: list[float] = []

    def note(self, event: SwitchEvent) -> None:
        if isinstance(event, Ringing):
            self.double_rings += self.at_phone[event.to] > 0
            self.at_phone[event.to] += 1
            self.legs[event.call] = event.to
        elif isinstance(event, Joined) and event.kind == "conference" and event.call in self.legs:
            self.double_members += event.to in self.rooms.values()
            self.rooms[event.call] = event.to
        elif isinstance(event, Heard):
            self.heard.setdefault(event.call, set()).add(event.sound.text)
        elif isinstance(event, CallEnded):
            self.ended[event.call] = time.monotonic(), event.reason
            self.rooms.pop(event.call, None)
            if event.call in self.legs:
                self.at_phone[self.legs[event.call]] -= 1

    def describe_end(self, caller: str) -> str:
        if caller not in self.ended:
            return "lost"
        heard, reason = self.heard.get(caller, set()), self.ended[caller][1]
        if "How was it?" in heard:
            return "talked, and went on"
        if "Nobody." in heard:
            return "went on without a member"
        if DEFAULT_APOLOGY in heard:
            return "heard the apology: no database"
        if reason == "CALLBACKERROR":
            return "ended by the platform: no server"
        return "hung up" if reason in ("CALLERHANGUP", "CANCEL") else f"ended: {reason}"

    @property
    def open_legs(self) -> int:
        return sum(call not in self.ended for call in self.legs)


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
    routes = []
    for number, order in zip(NUMBERS, LINES, strict=True):
        name = order.replace(" ", "-")
        flow = QUEUE_FLOW if order == "queue" else FLOW
        text = flow.replace("FLOW", name).replace("WHO", json.dumps(MEMBERS[order]))
        (folder / "flows" / f"{name}.yaml").write_text(text.replace("ORDER", order))
        routes.append({"to": number, "flow": name})
    group = {"members": MEMBERS["queue"], "order": "longest idle", "each": "1s", "pause": "1s"}
    (folder / "flows" / "groups").mkdir()
    (folder / "flows" / "groups" / "sales.yaml").write_text(json.dumps(group))
    project = {"project": "rings", "routes": routes}
    (folder / "flows" / "project.yaml").write_text(json.dumps(project))


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    watch = Watch(url)
    async with run_switch(
        made, open_store("memory"), virtual=False, seed=given.seed, url=url
    ) as api:
        api.desk.exchange.subscribe(watch.note)
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
    return report(watch, killer, api.desk.callout_count)


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
