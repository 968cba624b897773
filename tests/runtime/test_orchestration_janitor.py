"""The janitor ends what the platform does not know any more."""

import asyncio

import pytest

from flowengine.runtime import orchestration_janitor
from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.platform_requests import RequestUnclear
from flowengine.storage.sessions import StoreError
from tests.runtime.ring_calls import ANNA, RingLine, compile_line, run
from tests.waiting import wait_until_async

RELEASE = compile_line()


async def ring_until(phase: str) -> RingLine:
    line = RingLine(RELEASE)
    await line.dial_in()
    await line.run_tasks()
    await line.ask(0)
    await line.call("leg-0", "ace")
    if phase == "joined":
        await line.press("leg-0", "1")
    return line


async def look(line: RingLine, seconds: float, looks: int = 0) -> None:
    """Let time pass, let the janitor look that has looked so often, and run what follows."""
    line.now += seconds
    await build_janitor(line).look_after_rings(looks)
    await line.run_tasks()


def build_janitor(line: RingLine) -> OrchestrationJanitor:
    assert line.engine.orchestrations is not None
    return OrchestrationJanitor(
        line.store, line.engine.orchestrations, line.platform, lambda: line.now
    )


async def fail(*_: object) -> None:
    raise StoreError("no database")


@pytest.mark.parametrize("phase", ["asked", "joined"])
def test_caller_whose_end_was_not_told_leaves_the_ring(phase: str) -> None:
    async def ring() -> None:
        line = await ring_until(phase)
        line.platform.ongoing["caller"] = False
        await look(line, 3)
        assert line.platform.hung_up == []
        await look(line, 5)
        assert line.platform.hung_up == ["leg-0"]
        assert line.rung == [ANNA]

    run(ring())


def test_member_whose_end_was_not_told_lets_the_caller_go_on() -> None:
    async def ring() -> None:
        line = await ring_until("joined")
        await look(line, 10)
        assert line.platform.released == []
        line.platform.ongoing["leg-0"] = False
        await look(line, 61, looks=2)
        assert line.platform.released == []  # people who talk are looked for less often
        await look(line, 61, looks=10)
        assert len(line.platform.released) == 1

    run(ring())


def test_janitors_of_other_workers_leave_it_to_the_first() -> None:
    async def ring() -> None:
        line = await ring_until("joined")
        await look(line, 10)
        line.platform.ongoing["caller"] = False
        await look(line, 4)
        assert line.platform.hung_up == []
        await look(line, 1)
        assert line.platform.hung_up == ["leg-0"]

    run(ring())


def test_calls_that_the_platform_says_nothing_of_stay() -> None:
    async def ring() -> None:
        line = await ring_until("joined")
        line.platform.ongoing |= {"caller": None, "leg-0": None}
        await look(line, 61)
        await look(line, 3600, looks=10)
        assert (line.platform.hung_up, line.platform.released) == ([], [])

    run(ring())


def test_end_that_was_told_while_the_caller_was_to_leave_is_no_surprise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        line = await ring_until("joined")
        line.platform.outcomes = [RequestUnclear("it failed")]
        await line.call("leg-0", "dice", result="ANSWERED")
        await line.run_tasks()
        await line.call("caller", "dice", result="ANSWERED", reason="CALLERHANGUP")
        line.platform.ongoing["caller"] = False
        await look(line, 100)
        assert "has not said so" not in caplog.text

    run(ring())


@pytest.mark.parametrize("ended", ["leg-0", "caller"])
def test_end_that_the_store_missed_is_found_soon_by_a_janitor_that_has_looked(
    ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestration_janitor, "FIRST_CHECK_SECONDS", 0.01)

    async def ring() -> None:
        line = await ring_until("joined")
        line.now += 10
        looking = asyncio.create_task(build_janitor(line).run())
        # the first look is over, and the next one is a minute away
        await wait_until_async(lambda: line.platform.asked_about == ["caller", "leg-0"])
        with monkeypatch.context() as broken:
            broken.setattr(line.store, "save", fail)
            broken.setattr(line.store.orchestrations, "take_turn", fail)
            await line.call(ended, "dice", result="ANSWERED")
        line.platform.ongoing[ended] = False
        line.now += 5
        await wait_until_async(lambda: len(line.platform.asked_about) > 2)
        looking.cancel()
        await line.run_tasks()
        assert (line.platform.hung_up, len(line.platform.released)) == (
            (["leg-0"], 0) if ended == "caller" else ([], 1)
        )

    run(ring())


def test_end_that_the_store_missed_is_looked_for_again_where_another_worker_looks() -> None:
    async def ring() -> None:
        line = await ring_until("joined")
        line.now += 10
        assert await build_janitor(line).look_after_rings(0, has_missed=True)
        assert not await build_janitor(line).look_after_rings(0, has_missed=True)

    run(ring())
