"""Two workers share the tasks of a store, and one of them is killed."""

import asyncio
import select
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from flowengine.runtime.task_loop import TASK_LEASE_SECONDS
from flowengine.storage.sessions import (
    OrchestrationChange,
    SavedOrchestration,
    ScheduledTask,
    open_store,
)
from tests.waiting import wait_until_async

TASKS = 60
WORKER = """
import asyncio, os, sys
from flowengine.runtime.task_loop import TaskLoop
from flowengine.storage.sessions import open_store

async def handle(task):
    os.write(1, f"{task.key} {task.due}\\n".encode())
    await asyncio.sleep(0.05)

async def main(url):
    store = open_store(url)
    loop = TaskLoop(store.orchestrations, handle)
    os.write(1, b"ready\\n")
    await loop.run()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'calls.db'}"
    return str(request.getfixturevalue("postgresql"))


async def test_tasks_of_a_killed_worker_run_once_more_and_all_others_once(url: str) -> None:
    store = open_store(url)
    found = store.orchestrations
    assert found
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, url], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == b"ready\n"
    now = time.time()
    tasks = tuple(ScheduledTask("a", f"{n}", now + n * 0.02, b"") for n in range(TASKS))
    saved = SavedOrchestration("a", "ring", "r", 1, b"", 4e9)
    change = OrchestrationChange("a", saved, tasks)
    await found.take_turn("a", lambda _: (), lambda *_: (change, None))
    # One of them may do all tasks before the other one has looked.
    outputs = [worker.stdout for worker in workers if worker.stdout]
    working = (await asyncio.to_thread(select.select, outputs, [], []))[0][0]
    await asyncio.to_thread(working.readline)
    killed, left = workers if working is workers[0].stdout else reversed(workers)
    killed.kill()
    dues: list[float | None] = [now]

    async def look() -> None:
        while dues[-1] is not None:
            dues.append(await found.find_next_due())
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    await wait_until_async(looking.done)
    left.kill()
    runs: defaultdict[str, list[float]] = defaultdict(list)
    for worker in workers:
        for line in worker.communicate()[0].decode().splitlines():
            key, moment = line.split()
            runs[key].append(float(moment))
    await store.close()
    # The first line of the killed worker was read to see that it works.
    assert len(runs) >= TASKS - 1
    for leases in runs.values():
        assert max(leases) - min(leases) >= (len(leases) - 1) * TASK_LEASE_SECONDS
