"""PostgreSQL is stopped under calls and comes back: the cookie carries them, and nobody has to be
told.
"""

import asyncio
import json
import os
import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.many_callers import Crowd, project, write
from tests.e2e.test_several_machines import Machine, id_of
from tests.waiting import PATIENCE_SECONDS, wait_until

LANES, SLOW, AWAY = 20, 0.4, 10.0
pgserver = pytest.importorskip("pgserver")


class Database:
    """A PostgreSQL server of our own, to be stopped."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.address = str(server.get_uri())

    def stop(self) -> None:
        pgserver.pg_ctl(
            ["-m", "immediate", "-w", "stop"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )

    def start(self) -> None:
        self._server.ensure_postgres_running()


@pytest.fixture
def database() -> Iterator[Database]:
    with (
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(prefix="flowengine-pg-", ignore_cleanup_errors=True) as folder,
    ):
        warnings.simplefilter("ignore")  # of its own libraries, about this machine
        server = pgserver.get_server(folder)
        yield Database(server)
        server.cleanup()


@pytest.fixture
def machine(tmp_path: Path, database: Database) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine", database.address, project(), workers=2)
    made.start()
    yield made
    made.kill(signal.SIGTERM)


def ready(machine: Machine) -> int:
    return httpx.get(
        f"http://127.0.0.1:{machine.port}/readyz", timeout=PATIENCE_SECONDS
    ).status_code


def workers(machine: Machine) -> set[int]:
    return {machine.status()["worker"]["pid"] for _ in range(20)}


def outcomes(machine: Machine) -> Counter[str]:
    lines = (machine.folder / "server.log").read_text().splitlines()
    return Counter(json.loads(line).get("outcome", "") for line in lines if line.startswith("{"))


async def test_calls_go_on_while_the_database_is_away_and_everything_by_itself_once_it_is_back(
    machine: Machine, database: Database
) -> None:
    crowd, seen = Crowd(machine.port, SLOW), Counter[int]()

    async def story() -> None:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(database.stop)
        os.kill(
            killed, signal.SIGKILL
        )  # a worker that comes up now finds no releases, and is tried again
        over = time.monotonic() + AWAY
        while time.monotonic() < over:
            seen[await asyncio.to_thread(ready, machine)] += 1
            await asyncio.sleep(0.2)
        write(machine.folder / "flows", project(line=2))
        await asyncio.to_thread(database.start)
        await asyncio.to_thread(wait_until, lambda: ready(machine) == 200)
        await asyncio.to_thread(wait_until, lambda: machine.serves() == id_of(project(line=2)))
        await asyncio.sleep(1.0)

    async def calling() -> None:
        told = asyncio.ensure_future(story())
        report = await crowd.call(LANES, LANES, told.done)
        await told
        assert (report.lost, set(report.endings)) == (0, {"ANSWERED CALLERHANGUP"})

    killed = machine.status()["worker"]["pid"]
    await calling()
    assert set(seen) == {503}, "while it is away, /readyz says so"
    found = outcomes(machine)
    assert set(found) <= {"answered", "unsaved"}, found
    assert found["unsaved"] > LANES
    unsaved = outcomes(machine)["unsaved"]
    await Crowd(machine.port, 0.0).call(LANES, LANES, lambda: True)
    assert outcomes(machine)["unsaved"] == unsaved, "all is saved again"
    wait_until(lambda: len(workers(machine)) == 2)
    assert killed not in workers(machine)
