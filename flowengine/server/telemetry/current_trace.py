"""What happens while a callback is answered, with its times: plain values, of which spans are made
when the answer is on its way.
"""

import time
from collections.abc import Coroutine, Generator, Iterable
from contextvars import Context, ContextVar, copy_context
from types import coroutine
from typing import Any, NamedTuple, Self, TypeVar

from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.telemetry.trace_ids import TraceIds, compute_trace_ids, create_span_id

ResultT = TypeVar("ResultT")


class TimedEntries(list[TraceEntry]):
    """The trace of a step that knows when it began, and when each line was written."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.perf_counter_ns()
        self.times: list[int] = []

    def append(self, entry: TraceEntry) -> None:
        super().append(entry)
        self.times.append(time.perf_counter_ns())

    def __iadd__(self, entries: Iterable[TraceEntry]) -> Self:  # type: ignore[override,misc]
        for entry in entries:
            self.append(entry)
        return self


class ClientCall(NamedTuple):
    """A request to another system, or to the store, with its times and its own span id."""

    span: int
    name: str
    begun: int
    ended: int
    attributes: dict[str, str | int]
    error: str = ""


class CurrentTrace:
    """The trace of a callback, or of a task, while it is under way. Times are in nanoseconds of
    `perf_counter_ns`; `to_epoch` makes them those of the wall clock.
    """

    __slots__ = ("_to_epoch", "begun", "client_calls", "entries", "ids", "span")

    def __init__(self, call_id: str = "") -> None:
        self.begun = time.perf_counter_ns()
        self._to_epoch = time.time_ns() - self.begun
        self.span = create_span_id()
        self.ids: TraceIds | None = None
        if call_id:
            self.name_call(call_id)
        self.client_calls: list[ClientCall] = []
        self.entries: TimedEntries | None = None

    def name_call(self, call_id: str) -> None:
        """Say which call this is about."""
        self.ids = compute_trace_ids(call_id)

    def to_epoch(self, moment: int) -> int:
        """Nanoseconds since 1970."""
        return moment + self._to_epoch

    def add_client_call(
        self,
        span: int,
        name: str,
        begun: int,
        attributes: dict[str, str | int],
        error: str = "",
    ) -> None:
        """Add a request that ends now."""
        call = ClientCall(span, name, begun, time.perf_counter_ns(), attributes, error)
        self.client_calls.append(call)


CURRENT_TRACE: ContextVar[CurrentTrace | None] = ContextVar("flowengine_trace", default=None)


def create_timed_trace() -> list[TraceEntry]:
    """The list for the trace of a step. A step that is repeated begins a new one."""
    current = CURRENT_TRACE.get()
    if current is None:
        return []
    current.entries = entries = TimedEntries()
    return entries


def enter_trace(trace: CurrentTrace) -> Context:
    """A context in which this trace is the current one."""
    context = copy_context()
    context.run(CURRENT_TRACE.set, trace)
    return context


@coroutine
def run_in_context(
    work: Coroutine[Any, Any, ResultT], context: Context
) -> Generator[Any, Any, ResultT]:
    """Run a coroutine in a context of its own, without a task. Where the server answers callbacks
    without tasks, all of a connection share one context.
    """
    send: Any = work.send
    value: Any = None
    while True:
        try:
            waited = context.run(send, value)
        except StopIteration as end:
            result: ResultT = end.value
            return result
        try:
            value, send = (yield waited), work.send
        except BaseException as error:  # noqa: BLE001  # it is the coroutine's to handle
            value, send = error, work.throw
