"""Several workers, and workers that die: real processes on a real file."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from flowengine.storage.sessions import SavedCall, SqliteStore
from tests.waiting import PATIENCE_SECONDS

PRELUDE = """
import asyncio, json, os, signal, sys
from pathlib import Path
from flowengine.storage.sessions import SavedCall, SqliteStore

def step(counter, name):
    return SavedCall(counter, b"state", name.encode(), b"answer of " + name.encode() * 50, 1.0)

async def main(path, name):
    store = SqliteStore(Path(path))
"""
START_TOGETHER = """
    os.write(1, b"ready\\n")
    os.read(0, 1)
"""
RUN = "\n\nasyncio.run(main(*sys.argv[1:]))\n"

DIES_AFTER_SAVING = """
    await asyncio.gather(*(store.save(f"call {n}", step(1, name), 2e9) for n in range(100)))
    os.kill(os.getpid(), signal.SIGKILL)
"""
TELLS_WHAT_IT_SAVED = """
    async def line(n):
        for counter in range(1_000_000):
            await store.save(f"{n}", step(counter, name), 2e9)
            os.write(1, f"{n} {counter}\\n".encode())
    await asyncio.gather(*(line(n) for n in range(16)))
"""
SAVES_THOUSANDS = """
    async def line(start):
        stored = {}
        for call in range(start, 3000, 30):
            for counter in (1, 2):
                kept = await store.save(f"{call}", step(counter, name), 2e9)
            stored[call] = kept.deliveries.decode()
        return stored
    found = {}
    for stored in await asyncio.gather(*(line(start) for start in range(30))):
        found |= stored
    await store.close()
    print(json.dumps(found))
"""
CLAIMS = """
    claimed = await asyncio.gather(*(store.claim(f"call {n}", b"digest", 2e12) for n in range(500)))
    await store.close()
    print(json.dumps(claimed))
"""


def worker(body: str, path: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + body + RUN, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def results(body: str, path: Path, names: str) -> list[Any]:
    workers = [worker(START_TOGETHER + body, path, name) for name in names]
    for process in workers:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    for process in workers:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
    return [json.loads(process.communicate(timeout=PATIENCE_SECONDS)[0]) for process in workers]


def reading(path: Path, ids: list[str]) -> list[SavedCall | None]:
    async def main() -> list[SavedCall | None]:
        store = SqliteStore(path)
        found = [await store.load(call_id) for call_id in ids]
        await store.close()
        return found

    return run(main())


def run(main: Coroutine[Any, Any, list[SavedCall | None]]) -> list[SavedCall | None]:
    return asyncio.run(main)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


def test_worker_killed_right_after_saving_has_lost_nothing(path: Path) -> None:
    process = worker(DIES_AFTER_SAVING, path, "w")
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGKILL
    assert all(reading(path, [f"call {n}" for n in range(100)]))


def test_worker_killed_at_any_moment_has_lost_nothing_that_it_answered(path: Path) -> None:
    for name in "abc":
        file = path.with_name(name)
        with worker(TELLS_WHAT_IT_SAVED, file, name) as process:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(5000)]
            process.kill()
            lines += process.stdout.readlines()
        last = dict(line.decode().split() for line in lines)
        assert len(last) == 16
        for counter, saved in zip(last.values(), reading(file, list(last)), strict=True):
            assert saved is not None
            assert saved.counter >= int(counter)


def test_workers_that_save_the_same_thousands_of_calls_agree_on_each(path: Path) -> None:
    first, second, third = results(SAVES_THOUSANDS, path, "abc")
    assert len(first) == 3000
    assert first == second == third
    assert [saved.deliveries.decode() for saved in reading(path, list(first)) if saved] == list(
        first.values()
    )


def test_delivery_is_claimed_by_one_worker(path: Path) -> None:
    claims = results(CLAIMS, path, "abc")
    assert [sum(claimed) for claimed in zip(*claims, strict=True)] == [1] * 500


def test_worker_goes_on_beside_one_that_is_killed(path: Path) -> None:
    async def main() -> list[SavedCall | None]:
        store = SqliteStore(path)
        for n in range(5):
            process = worker(DIES_AFTER_SAVING, path, "other")
            while process.poll() is None:
                await store.save("mine", SavedCall(n, b"", b"", b""), 2e9)
                await asyncio.sleep(0)
            process.communicate()
        found = [await store.load("mine"), await store.load("call 99")]
        await store.close()
        return found

    assert all(run(main()))
