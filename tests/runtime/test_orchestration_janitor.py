"""The janitor ends what the platform does not know any more."""

import pytest

from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.platform_requests import RequestUnclear
from tests.runtime.ring_calls import ANNA, RingLine, compile_line, run

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
    assert line.engine.orchestrations is not None
    janitor = OrchestrationJanitor(
        line.store, line.engine.orchestrations, line.platform, lambda: line.now
    )
    await janitor.look_after_rings(looks)
    await line.run_tasks()


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
