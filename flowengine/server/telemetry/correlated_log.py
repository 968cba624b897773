"""Lines of the log with the ids of their traces, and log records for the collector."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import astuple
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from flowengine.runtime.engine import CallbackRecord
from flowengine.server.log import CallbackLogLine, LineWriter, build_line
from flowengine.server.logging_setup import RedactingFormatter, describe_exception
from flowengine.server.telemetry.current_trace import CURRENT_TRACE, CurrentTrace
from flowengine.server.telemetry.exporters import CountItems, create_log_processor
from flowengine.server.telemetry.span_builder import find_trace_ids, is_first_callback
from flowengine.server.telemetry.trace_ids import SAMPLED_FLAG, format_span_id, format_trace_id

SEVERITIES = {
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
SDK_NAME = "opentelemetry"
log = logging.getLogger(__name__)


class CorrelatedLogLine(CallbackLogLine, kw_only=True):
    """A line of the log, with the trace of its call and the span of its callback."""

    trace_id: str
    span_id: str


class TracedRecord(NamedTuple):
    """What was noted of a callback, and when its answer was made."""

    record: CallbackRecord
    current: CurrentTrace
    ended: int


EmitCallback = Callable[[CurrentTrace, CallbackRecord, int], None]


class CorrelatedLogWriter(LineWriter[TracedRecord]):
    """Writes the log, and makes spans and log records once the answers are on their way."""

    def __init__(self, emit: EmitCallback | None, logs: "LogExport | None", file: int = 1) -> None:
        super().__init__(build_correlated_line, file)
        self._emit = emit
        self._logs = logs

    def log_callback(self, record: CallbackRecord) -> None:
        current = CURRENT_TRACE.get() or CurrentTrace(record.event.call_id)
        self.add_line(TracedRecord(record, current, time.perf_counter_ns()))

    def flush(self) -> None:
        waiting = self._waiting
        super().flush()
        for noted in waiting:
            if type(noted) is TracedRecord:
                self._export(noted)

    def _export(self, noted: TracedRecord) -> None:
        try:
            if self._emit is not None:
                self._emit(noted.current, noted.record, noted.ended)
            if self._logs is not None:
                self._logs.add_callback(noted)
        except Exception:  # one callback must not cost the spans of the others
            log.exception("a callback was answered, but its spans cannot be made")


def build_correlated_line(noted: TracedRecord, at: float) -> CorrelatedLogLine:
    """The line of a callback."""
    fields = astuple(build_line(noted.record, at))
    trace, span = find_span(noted)
    return CorrelatedLogLine(*fields, trace_id=format_trace_id(trace), span_id=format_span_id(span))


def find_span(noted: TracedRecord) -> tuple[int, int]:
    """The trace and the span of a callback."""
    ids = find_trace_ids(noted.record, noted.current)
    return ids.trace, ids.root if is_first_callback(noted.record) else noted.current.span


class LogExport:
    """Exports the lines of callbacks, and the reports of this process, with their traces."""

    def __init__(self, resource: Resource, count: CountItems) -> None:
        processor, self._delivery = create_log_processor(count)
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(processor)
        self._logger = self._provider.get_logger("flowengine")
        self.handler = ReportHandler(self)

    def add_callback(self, noted: TracedRecord) -> None:
        """Have the line of a callback exported, as JSON."""
        line = build_correlated_line(noted, round(time.time(), 3))
        body = msgspec.json.encode(line).decode()
        at = noted.current.to_epoch(noted.ended)
        self.emit(at, body, SeverityNumber.INFO, find_span(noted), "flowengine.callback", {})

    def emit(
        self,
        at: int,
        body: str,
        severity: SeverityNumber,
        span: tuple[int, int] | None,
        event: str | None,
        attributes: dict[str, str],
    ) -> None:
        """Have a log record exported; never waits."""
        if not self._delivery.accept_item():
            return
        context = None
        if span is not None:
            found = SpanContext(*span, is_remote=False, trace_flags=TraceFlags(SAMPLED_FLAG))
            context = set_span_in_context(NonRecordingSpan(found))
        self._logger.emit(
            LogRecord(
                timestamp=at,
                context=context,
                severity_number=severity,
                severity_text=severity.name,
                body=body,
                attributes=attributes,
                event_name=event,
            )
        )

    def close(self) -> None:
        """Export what waits."""
        self._provider.shutdown()


class ReportHandler(logging.Handler):
    """Exports reports as standard error shows them: numbers masked, exceptions without text."""

    def __init__(self, export: LogExport) -> None:
        super().__init__()
        self._export = export
        self._formatter = RedactingFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(SDK_NAME):
            return
        try:
            self._emit_record(record)
        except Exception:  # noqa: BLE001  # standard error has the report all the same
            self.handleError(record)

    def _emit_record(self, record: logging.LogRecord) -> None:
        current = CURRENT_TRACE.get()
        span = None
        if current is not None and current.ids is not None:
            span = current.ids.trace, current.span
        attributes = {"logger": record.name}
        found = record.exc_info
        if found and found[1] is not None:
            attributes["exception.type"] = type(found[1]).__qualname__
            attributes["exception.stacktrace"] = "\n".join(describe_exception(found[1]))
        severity = SEVERITIES.get(record.levelno, SeverityNumber.INFO)
        body = self._formatter.format_message(record)
        self._export.emit(round(record.created * 1e9), body, severity, span, None, attributes)
