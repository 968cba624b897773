"""Workers that take turns and tasks beside each other, and workers that are killed in the middle."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowengine.storage.sessions import SavedOrchestration, Store, open_store
from tests.waiting import PATIENCE_SECONDS

PRELUDE = """
import asyncio, os, sys, time
from flowengine.storage.sessions import *

LATER = 4e9

async def main(url, name):
    store = open_store(url)
    found = store.orchestrations
"""
# Each turn moves a number of the orchestration, of its agent and of its task.
TAKES_TURNS = """
    def decide(saved, agents):
        version = saved.version + 1 if saved else 1
        agent = SavedAgent("anna", saved.id if saved else "0", float(version), 0.0)
        task = ScheduledTask(id, "timer", float(version), b"%d" % version)
        saved = SavedOrchestration(id, "ring", "r", version, b"%d" % version, LATER)
        return OrchestrationChange(id, saved, (task,), (), (agent._replace(address=id),)), version

    while True:
        for id in "abcd":
            version = await found.take_turn(id, lambda _: [id], decide)
            os.write(1, f"{id} {version}\\n".encode())
"""
TAKES_TASKS = """
    os.write(1, b"ready\\n")
    os.read(0, 1)
    while True:
        task = await found.claim_task(time.time(), 30.0)
        if task is None:
            due = await found.find_next_due()
            if due is None or due > time.time():
                break
            continue
        os.write(1, f"{task.key}\\n".encode())
        await found.settle_task(task, None)
    await store.close()
"""
HOLDS_A_TASK = """
    await found.claim_task(time.time(), 0.5)
    os.write(1, b"claimed\\n")
    time.sleep(600)
"""
RUN = "\n\nasyncio.run(main(*sys.argv[1:]))\n"


def start(body: str, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + body + RUN, url, "name"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'calls.db'}"
    return str(request.getfixturevalue("postgresql"))


async def schedule(store: Store, count: int) -> None:
    from flowengine.storage.sessions import OrchestrationChange, ScheduledTask

    saved = SavedOrchestration("a", "ring", "r", 1, b"", 4e9)
    tasks = tuple(ScheduledTask("a", f"{n}", 1.0, b"") for n in range(count))
    change = OrchestrationChange("a", saved, tasks)
    assert store.orchestrations
    await store.orchestrations.take_turn("a", lambda _: (), lambda *_: (change, None))


def test_worker_killed_in_the_middle_of_turns_leaves_each_whole(url: str) -> None:
    with start(TAKES_TURNS, url) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(400)]
        process.kill()
        lines += [line for line in process.stdout if line.endswith(b"\n")]
    told = dict(line.decode().split() for line in lines)

    async def compare() -> None:
        store = open_store(url)
        found = store.orchestrations
        assert found
        stored = {saved.id: saved for saved in await found.list_orchestrations()}
        assert stored.keys() == set("abcd")
        agents = await found.load_agents(stored)
        tasks = {}
        while task := await found.claim_task(1e9, 1e9):
            tasks[task.orchestration] = task
        for name, saved in stored.items():
            assert saved.version >= int(told[name]), "a turn was told and is lost"
            assert saved.state == tasks[name].payload == b"%d" % saved.version
            assert agents[name].idle_since == float(saved.version)
        await store.close()

    asyncio.run(compare())


def test_task_runs_once_within_its_lease(url: str) -> None:
    async def prepare() -> None:
        store = open_store(url)
        await schedule(store, 200)
        await store.close()

    asyncio.run(prepare())
    workers = [start(TAKES_TASKS, url) for _ in range(2)]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.close()
        worker.stdin = None
    keys = [
        line for one in workers for line in one.communicate(timeout=PATIENCE_SECONDS)[0].split()
    ]
    assert sorted(keys, key=int) == [b"%d" % n for n in range(200)]


async def test_task_of_a_killed_worker_is_taken_when_its_lease_runs_out(url: str) -> None:
    store = open_store(url)
    found = store.orchestrations
    assert found
    await schedule(store, 1)
    with start(HOLDS_A_TASK, url) as process:
        assert process.stdout
        assert process.stdout.readline() == b"claimed\n"
        process.kill()
    limit = time.monotonic() + PATIENCE_SECONDS
    while (task := await found.claim_task(time.time(), 0.5)) is None:
        assert time.monotonic() < limit
        await asyncio.sleep(0.05)
    assert task.tries == 2
    await store.close()
