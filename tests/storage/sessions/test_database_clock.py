"""The time that machines share is that of their database, whatever their own clocks say."""

import time

import pytest

from flowengine.storage.sessions import Store, open_store

STEP_SECONDS = 3600.0


async def read_clock(store: Store) -> float:
    found = store.clock()
    await store.close()
    return found


async def test_machine_with_a_wrong_clock_has_the_time_of_the_database(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + STEP_SECONDS)
    store = open_store(postgresql)
    before = right()
    assert before - 60 < await read_clock(store) < before + 60
    assert store.orchestrations is not None
    assert store.orchestrations.clock == store.clock


async def test_step_of_a_machines_clock_changes_no_shared_time(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgresql)
    right, before = time.time, store.clock()
    monkeypatch.setattr(time, "time", lambda: right() - STEP_SECONDS)
    assert before <= store.clock() < before + 60
    await store.update_clock()
    assert abs(right() - await read_clock(store)) < 60
