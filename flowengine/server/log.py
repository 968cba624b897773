"""One JSON line per callback on standard output. Numbers and names of callers never appear in
clear.

Of what they press only the exits appear that an author named after single keys (`key 5`).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar, final

import msgspec

from flowengine.journal.masking import mask_reason
from flowengine.runtime.callback_record import NO_CALL, CallbackRecord
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import Ice
from flowengine.sinch.address_mask import mask_address

ATOMIC_WRITE_BYTES = (
    4096  # a pipe writes this much at once, so that the lines of several workers never mix
)
LOG_DELAY_SECONDS = 0.005  # a write costs as much as the step that answers a callback
_encode_lines = msgspec.json.Encoder().encode_lines
log = logging.getLogger(__name__)
NotedT = TypeVar("NotedT")
"""What is noted of a callback, of which its line is made later"""


class CallbackLogLine(msgspec.Struct, omit_defaults=True, rename={"from_": "from"}):
    at: float
    call: str
    event: str
    outcome: str
    release: str
    flow: str
    state: str
    step: int
    ms: float
    trace: list[str]
    fetch_ms: float = 0.0
    repeated: bool = False
    from_: str = ""
    to: str = ""
    leg: int = 0
    caller: str = ""


@final
class RefusedLogLine(msgspec.Struct):
    at: float
    refused: int
    reason: str
    client: str


BuildLine = Callable[[NotedT, float], CallbackLogLine]


class CallbackLog(Protocol):
    """The log of a worker. Nothing of it is written while a caller waits."""

    def log_callback(self, record: CallbackRecord) -> None:
        """Log a callback that is answered."""
        ...

    def log_refusal(self, code: int, reason: str, client: str) -> None:
        """Log a request that was refused with this status."""
        ...

    def flush(self) -> None:
        """Write what waits."""
        ...


class LineWriter(Generic[NotedT]):
    """Collects lines, and writes those of some milliseconds at once. `build` makes the line of what
    was noted of a callback; `file` is a descriptor.
    """

    def __init__(self, build: BuildLine[NotedT], file: int) -> None:
        self._file = file
        self._build = build
        self._waiting: list[NotedT | RefusedLogLine] = []
        self._refused_at = 0.0

    def log_refusal(self, code: int, reason: str, client: str) -> None:
        """Log at most one refusal a second: an attacker must not fill the disk."""
        now = time.time()
        if now - self._refused_at >= 1:
            self._refused_at = now
            self.add_line(RefusedLogLine(round(now, 3), code, reason, client))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        lines = format_lines(waiting, round(time.time(), 3), self._build)
        for piece in (lines,) if len(lines) <= ATOMIC_WRITE_BYTES else split_lines(lines):
            try:
                os.write(self._file, piece)
            except OSError:  # the reader of the log has ended; calls continue
                return

    def add_line(self, noted: NotedT | RefusedLogLine) -> None:
        """Have a line written of this."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(LOG_DELAY_SECONDS, self.flush)
        self._waiting.append(noted)


def format_lines(
    noted: Sequence[NotedT | RefusedLogLine], at: float, build: BuildLine[NotedT]
) -> bytes:
    """Format many lines at once, after their callbacks were answered."""
    try:
        return _encode_lines(
            [item if type(item) is RefusedLogLine else build(item, at) for item in noted]
        )
    except Exception:
        if len(noted) > 1:  # a line that cannot be formatted must not cost the others
            return b"".join(format_lines([item], at, build) for item in noted)
        log.exception("a callback was answered, but not logged")
        return b""


def format_trace_entry(entry: TraceEntry) -> str:
    what = entry.what
    return f"{entry.flow}/{entry.state}: {mask_reason(what) if ':' in what else what}"


def build_line(record: CallbackRecord, at: float) -> CallbackLogLine:
    event, call = record.event, record.call or NO_CALL
    trace = list(map(format_trace_entry, record.trace))
    made = CallbackLogLine(
        at, event.call_id, event.kind, record.outcome, record.release, call.flow, call.state,
        call.steps, to_millis(record.seconds), trace,
    )  # fmt: skip
    if record.fetch_seconds:
        made.fetch_ms = to_millis(record.fetch_seconds)
    if record.repeated:
        made.repeated = True
    if type(event) is Ice:
        made.from_, made.to = mask_address(event.cli), mask_address(event.to.endpoint)
    if record.leg is not None:
        made.leg, made.caller = record.leg.attempt, record.leg.orchestration
    return made


class LogWriter(LineWriter[CallbackRecord]):
    """The log of a worker without OpenTelemetry; `file` is a descriptor, standard output."""

    def __init__(self, file: int = 1) -> None:
        super().__init__(build_line, file)

    log_callback = LineWriter.add_line  # the record is all that its line is made of


def to_millis(seconds: float) -> float:
    """Seconds as milliseconds with three decimals. `round` would take three times as long, and
    `int` twice.
    """
    return (seconds * 1e6 + 0.5) // 1 / 1000


def split_lines(lines: bytes) -> Iterable[bytes]:
    """The text in pieces of whole lines, each as long as one write allows."""
    start = 0
    while len(lines) - start > ATOMIC_WRITE_BYTES:
        end = (
            lines.rfind(b"\n", start, start + ATOMIC_WRITE_BYTES) + 1
            or lines.index(b"\n", start) + 1
        )
        yield lines[start:end]
        start = end
    if start < len(lines):
        yield lines[start:]
