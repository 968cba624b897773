"""Long work gives way to callbacks."""

import time
from collections.abc import Iterator

import pytest

from flowengine import cooperative


@pytest.fixture
def callbacks() -> Iterator[list[str]]:
    """Those under way."""
    watched: list[str] = []
    cooperative.watch_in_flight(watched)
    yield watched
    cooperative.watch_in_flight(())


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How often work has rested; the clock goes on by 50 microseconds from item to item."""
    taken: list[float] = []
    ticks = iter(range(10_000))
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) * 0.00005)
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.mark.usefixtures("callbacks")
def test_work_beside_callbacks_rests_now_and_then(rests: list[float]) -> None:
    with cooperative.yielding_to_callbacks():
        assert list(cooperative.iterate_with_pauses(range(100))) == list(range(100))
    assert 10 < len(rests) < 40
    assert set(rests) == {cooperative.SLEEP_SECONDS}


def test_while_a_callback_is_under_way_it_rests_at_once(
    callbacks: list[str], rests: list[float]
) -> None:
    callbacks.append("c1")
    with cooperative.yielding_to_callbacks():
        list(cooperative.iterate_with_pauses(range(100)))
    assert len(rests) == 100


def test_callbacks_that_wait_for_other_systems_hurry_nobody(
    callbacks: list[str], rests: list[float]
) -> None:
    callbacks.extend(["c1", "c2"])
    with cooperative.yielding_to_callbacks():
        with cooperative.waiting_on_io(), cooperative.waiting_on_io():
            list(cooperative.iterate_with_pauses(range(100)))
        assert 10 < len(rests) < 40
        rests.clear()
        with cooperative.waiting_on_io():
            list(cooperative.iterate_with_pauses(range(100)))
        assert len(rests) == 100, "the other one is answered here"


def test_work_of_its_own_never_rests(callbacks: list[str], rests: list[float]) -> None:
    callbacks.append("c1")
    list(cooperative.iterate_with_pauses(range(100)))
    assert rests == []
