"""Tasks beside callbacks: what ends one must be seen, and must not end the work."""

import asyncio
import logging

import pytest

from flowengine.server import background_tasks
from flowengine.server.background_tasks import start_background_task

pytestmark = pytest.mark.anyio


async def test_background_task_that_fails_is_logged_and_starts_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background_tasks, "RESTART_SECONDS", 0)
    runs: list[int] = []

    async def work() -> None:
        runs.append(len(runs))
        async with asyncio.TaskGroup() as group:
            if len(runs) < 3:
                group.create_task(fail())

    async def fail() -> None:
        raise LookupError("the cause")

    await start_background_task("the work", work)
    assert runs == [0, 1, 2]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ["the work" in record.getMessage() for record in errors] == [True, True]
    assert all(record.exc_info for record in errors)


async def test_background_task_that_is_cancelled_ends() -> None:
    task = start_background_task("the work", lambda: asyncio.sleep(1000))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
