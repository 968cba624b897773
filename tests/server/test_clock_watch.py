"""A machine whose clock is wrong says so."""

import asyncio
import time

import pytest

from flowengine.server import clock_watch
from flowengine.storage.sessions import MemoryStore
from tests.waiting import PATIENCE_SECONDS

WRONG, RIGHT = "is off by 3600 seconds", "the clock of this machine is that of the database again"


async def test_wrong_clock_is_said_once_and_its_end_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clock_watch, "CLOCK_UPDATE_SECONDS", 0.001)
    caplog.set_level("INFO")
    ahead = 3600.0
    updates = 0

    class Database(MemoryStore):
        async def update_clock(self) -> None:
            nonlocal ahead, updates
            updates += 1
            ahead = 3600.0 if updates < 5 else 0.0

    watch = asyncio.create_task(
        clock_watch.watch_clock(Database(clock=lambda: time.time() - ahead))
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while RIGHT not in caplog.text:  # noqa: ASYNC110  # a log has no event
            await asyncio.sleep(0.001)
    watch.cancel()
    assert caplog.text.count(WRONG) == 1
