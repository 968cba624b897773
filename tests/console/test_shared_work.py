"""Slow work of pages: done once, and nothing else waits for it."""

import asyncio
import threading

import pytest
from anyio.to_thread import run_sync

from flowengine.console.shared_work import SharedWork
from tests.waiting import PATIENCE_SECONDS


async def test_many_requests_share_the_work_and_leave_all_threads_to_others() -> None:
    go_on, done = threading.Event(), []

    def work() -> str:
        assert go_on.wait(PATIENCE_SECONDS)
        done.append(1)
        return "made"

    shared = SharedWork[str]()
    asked = [asyncio.create_task(shared.load(1, work)) for _ in range(60)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert await asyncio.wait_for(run_sync(lambda: "quick"), PATIENCE_SECONDS / 2) == "quick"
    go_on.set()
    assert set(await asyncio.gather(*asked[1:])) == {"made"}
    assert len(done) == 1


async def test_work_that_failed_is_tried_again_and_other_keys_are_forgotten() -> None:
    made: list[int] = []

    def work() -> int:
        made.append(len(made))
        if len(made) == 1:
            raise OSError("once")
        return len(made)

    shared = SharedWork[int]()
    with pytest.raises(OSError, match="once"):
        await shared.load("a", work)
    results = [await shared.load(key, work) for key in ("a", "a", "b", "a")]
    assert results == [2, 2, 3, 4]
