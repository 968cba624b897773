"""Tasks beside callbacks: what ends one must be seen, and must not end the work."""

import asyncio
import logging
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from flowengine.server import background_tasks
from flowengine.server.app import close_parts
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


@pytest.mark.parametrize("failing", ["orchestrations", "client", "store", "journal", "hooks"])
async def test_part_whose_end_fails_leaves_no_other_open(failing: str) -> None:
    closed: list[str] = []

    def close(name: str) -> None:
        closed.append(name)
        if name == failing:
            raise OSError(name)

    async def close_later(name: str) -> None:
        close(name)

    def part(name: str) -> Any:
        return SimpleNamespace(close=partial(close, name), flush=partial(close, name))

    def later_part(name: str) -> Any:
        return SimpleNamespace(close=partial(close_later, name), stop=partial(close_later, name))

    names = ("orchestrations", "client", "outbox", "store", "hooks")
    parts: Any = SimpleNamespace(
        **{name: later_part(name) for name in names},
        **{name: part(name) for name in ("lines", "journal", "live")},
    )
    with pytest.raises(OSError, match=failing):
        await close_parts(parts)
    assert sorted(closed) == sorted([*names, "lines", "journal", "live"])
    assert closed.index("outbox") < closed.index("store") < closed.index("journal")
    assert closed[-1] == "live", "it has nothing to lose"
