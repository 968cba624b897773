"""The time that machines share is that of their database, whatever their own clocks say."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.storage.sessions import Store, open_store
from flowengine.storage.sessions.database_clock import DatabaseClock
from tests.thoroughness import examples

STEP_SECONDS = 3600.0
DATABASE_AHEAD_SECONDS = 1_000_000.0


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
    assert before - STEP_SECONDS / 2 < await read_clock(store) < before + STEP_SECONDS / 2
    assert store.orchestrations is not None
    assert store.orchestrations.clock == store.clock


async def test_step_of_a_machines_clock_changes_no_shared_time(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgresql)
    right, before = time.time, store.clock()
    monkeypatch.setattr(time, "time", lambda: right() - STEP_SECONDS)
    assert before <= store.clock() < before + STEP_SECONDS / 2
    await store.update_clock()
    assert abs(right() - await read_clock(store)) < STEP_SECONDS / 2


@settings(max_examples=examples(50))
@given(
    st.lists(
        st.tuples(
            st.floats(0, 60), st.floats(0, 5), st.floats(0, 5)
        ),  # a pause, the way there, and the way back
        min_size=1,
    ),
)
def test_slow_answers_shift_no_time_that_a_quick_one_has_told(
    answers: list[tuple[float, float, float]],
) -> None:
    now = 100.0
    clock = DatabaseClock(lambda: now)
    quickest = float("inf")
    for pause, there, back in answers:
        now += pause
        asked = clock.begin()
        now += there + back
        clock.set(asked, DATABASE_AHEAD_SECONDS + now - back)
        quickest = min(quickest, there + back)
        assert abs(clock.read() - now - DATABASE_AHEAD_SECONDS) <= quickest + 1e-3


def test_step_of_the_databases_clock_is_followed_at_the_next_answer() -> None:
    clock = DatabaseClock(lambda: 100.0)
    for time_of_database in (2_000_000.0, 1_996_400.0, 2_003_600.0):
        clock.set(clock.begin(), time_of_database)
        assert clock.read() == time_of_database
