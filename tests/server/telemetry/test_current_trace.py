"""Each callback has its own trace, whichever way it is run."""

import asyncio
from typing import Any

import pytest

from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.telemetry.current_trace import (
    CURRENT_TRACE,
    CurrentTrace,
    TimedEntries,
    create_timed_trace,
    enter_trace,
    run_in_context,
)
from flowengine.states import LookupRequest, LookupResult
from tests.otlp_receiver import OtlpReceiver
from tests.runtime.engine_calls import Crm
from tests.server.telemetry.traced_line import TracedLine


def drive(coroutine: Any) -> Any:
    """Run a coroutine until it waits, as the direct protocol does: without a task."""
    try:
        return coroutine.send(None)
    except StopIteration as end:
        return end.value


async def test_coroutines_without_tasks_keep_their_own_traces() -> None:
    loop = asyncio.get_running_loop()
    seen = []

    async def work(name: str, wait: asyncio.Future[None]) -> str:
        before = CURRENT_TRACE.get()
        await wait
        seen.append(CURRENT_TRACE.get() is before)
        return name

    waits = [loop.create_future(), loop.create_future()]
    runs: list[Any] = [
        run_in_context(work(name, wait), enter_trace(CurrentTrace(name)))
        for name, wait in zip("ab", waits, strict=True)
    ]
    assert [drive(one) for one in runs] == waits
    assert CURRENT_TRACE.get() is None
    for wait in waits:
        wait.set_result(None)
    assert [drive(one) for one in runs] == ["a", "b"]
    assert seen == [True, True]


async def test_errors_and_cancellation_pass_through() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await run_in_context(fail(), enter_trace(CurrentTrace("a")))
    cleaned = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cleaned.set()

    async def run() -> None:
        await run_in_context(wait(), enter_trace(CurrentTrace("a")))

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_lookups_of_calls_at_once_have_the_traces_of_their_calls(
    receiver: OtlpReceiver,
) -> None:
    both = asyncio.Event()

    class SlowCrm(Crm):
        async def __call__(self, request: LookupRequest, left: float) -> LookupResult:
            self.asked.append((request, left))
            if len(self.asked) == 2:
                both.set()
            await both.wait()
            return LookupResult(200, {"name": "Ann"})

    line = TracedLine(SlowCrm())
    for call in ("call-1", "call-2"):
        await line.ring(call)
    await asyncio.gather(line.enter("1111", "call-1"), line.enter("2222", "call-2"))
    await line.close()
    spans = receiver.find_spans()
    parents = {span.span: span for span in spans}
    lookups = [span for span in spans if span.name == "GET crm"]
    assert len({span.trace for span in lookups}) == 2
    assert all(parents[span.parent].trace == span.trace for span in lookups)


def test_timed_entries_are_a_list_with_a_time_for_each_line() -> None:
    context = enter_trace(CurrentTrace("a"))
    entries = context.run(create_timed_trace)
    assert isinstance(entries, TimedEntries)
    entries.append(TraceEntry("f", "s", "next"))
    entries += [TraceEntry("f", "s", "a note", is_note=True)]
    assert [entry.what for entry in entries] == ["next", "a note"]
    assert [entries.begun, *entries.times] == sorted([entries.begun, *entries.times])
    assert len(entries.times) == 2
    assert create_timed_trace() == []
