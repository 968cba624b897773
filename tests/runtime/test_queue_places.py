"""The places that callers hear, by stores that several workers share."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowengine.storage.sessions import SqliteStore, Store
from tests.runtime.ring_calls import RingLine
from tests.runtime.test_queues import GROUP, compile_queue, find_words

CALLERS = 12
RELEASES = {
    "any number may wait": compile_queue(group=GROUP.replace("most_waiting: 3\n", "")),
    "so many may wait": compile_queue(
        group=GROUP.replace("most_waiting: 3", f"most_waiting: {CALLERS}")
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Store]:
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "calls.db")
    address = request.getfixturevalue("postgresql")
    from flowengine.storage.sessions import postgresql_store

    monkeypatch.setattr(postgresql_store, "STATEMENT_TIMEOUT_SECONDS", 30.0)  # on a busy machine
    return lambda: postgresql_store.PostgresqlStore(address)


@asynccontextmanager
async def open_workers(
    limit: str, open_store: Callable[[], Store]
) -> AsyncIterator[tuple[RingLine, RingLine]]:
    """Two workers of one store, the second of which is behind by some milliseconds."""
    stores = open_store(), open_store()
    first, second = (RingLine(RELEASES[limit], store) for store in stores)
    second.now -= 0.004
    try:
        yield first, second
    finally:
        for store in stores:
            await store.close()


@pytest.mark.parametrize("limit", RELEASES)
async def test_callers_of_the_same_moment_hear_each_place_once(
    limit: str, open_store: Callable[[], Store]
) -> None:
    async with open_workers(limit, open_store) as workers:
        answers = await asyncio.gather(
            *(workers[one % 2].dial_queue(f"caller-{one}") for one in range(CALLERS))
        )
        heard = {find_words(answer) for answer in answers}
        assert heard == {f"You are number {place}." for place in range(1, CALLERS + 1)}


@pytest.mark.parametrize("limit", RELEASES)
async def test_announcement_says_the_place_that_the_caller_has_heard_before(
    limit: str, open_store: Callable[[], Store]
) -> None:
    async with open_workers(limit, open_store) as workers:
        first, second = workers
        for one in range(3):
            await workers[one % 2].dial_queue(f"caller-{one}")
        second.now += 0.5  # the turns begin later
        await second.run_tasks()
        await second.run_tasks(30)
        assert not first.platform.released
        announced = map(json.loads, second.platform.released)
        prompts = [menu["mainPrompt"] for answer in announced for menu in answer["action"]["menus"]]
        assert sorted({*prompts}) == [f"#tts[You are number {place}.]" for place in (1, 2, 3)]
        assert len(second.platform.released) == 3
