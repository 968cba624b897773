"""The exporters of the SDK, each behind a bounded queue and a thread of the SDK's own: what cannot
be delivered is counted, and said once.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from flowengine.cooperative import short_switch_interval
from flowengine.runtime.log_once import LogOnce

log = logging.getLogger(__name__)
DEFAULT_QUEUE_SIZE = 2048  # the default of the specification
# what they say of each failed request, the server says itself, once a minute; a header that cannot
# be read is shown whole, and may be a key
SDK_LOGGERS = (
    "opentelemetry.exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.util",
    "urllib3",
)
CountItems = Callable[[str, str, int], None]
"""Count items of a signal by their outcome, `exported` or `lost`"""


class Delivery:
    """What becomes of the items of a signal between this worker and the collector. An item is lost
    where `capacity` others wait already.
    """

    def __init__(self, signal: str, count: CountItems, capacity: int = 0) -> None:
        self._signal = signal
        self._count = count
        self._capacity = capacity
        self._lock = threading.Lock()
        self._waiting = 0
        self._log_once = LogOnce(log)
        self._loss = (
            f"{signal} of OpenTelemetry are lost, and calls go on; look at the collector and "
            "at OTEL_EXPORTER_OTLP_ENDPOINT: %s"
        )

    def accept_item(self) -> bool:
        """Whether there is room for one more."""
        with self._lock:
            has_room = self._waiting < self._capacity
            self._waiting += has_room
        if not has_room:
            self._note_lost(1, "the collector does not keep up")
        return has_room

    def release_room(self, items: int) -> None:
        """Note that items are on their way, and make room for others."""
        with self._lock:
            self._waiting -= items

    def deliver(self, export: Callable[[], Any], items: int) -> Any:
        """Export items in the thread of the SDK, and count them."""
        try:
            # to encode a batch takes milliseconds, in which callbacks must not wait for their turn
            with short_switch_interval:
                result = export()
        except Exception as error:
            self._note_lost(items, type(error).__name__)
            raise
        if result.name == "SUCCESS":
            self._count(self._signal, "exported", items)
            self._log_once.end_all(
                (self._loss,), f"{self._signal} of OpenTelemetry are exported again"
            )
        else:
            self._note_lost(items, "the collector does not take them")
        return result

    def _note_lost(self, items: int, why: str) -> None:
        self._count(self._signal, "lost", items)
        self._log_once.error(self._loss, why)


class CountedSpanExporter(SpanExporter):
    """Exports spans, and counts them."""

    def __init__(self, exporter: SpanExporter, delivery: Delivery) -> None:
        self._exporter = exporter
        self._delivery = delivery

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        self._delivery.release_room(len(spans))
        return self._delivery.deliver(lambda: self._exporter.export(spans), len(spans))

    def shutdown(self) -> None:
        self._exporter.shutdown()


class CountedLogExporter(LogRecordExporter):
    """Exports log records, and counts them."""

    def __init__(self, exporter: OTLPLogExporter, delivery: Delivery) -> None:
        self._exporter = exporter
        self._delivery = delivery

    def export(self, batch: Sequence[Any]) -> Any:
        self._delivery.release_room(len(batch))
        return self._delivery.deliver(lambda: self._exporter.export(batch), len(batch))

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)


class SpanQueue:
    """The way of spans to the collector."""

    def __init__(self, count: CountItems) -> None:
        self._delivery = Delivery(
            "spans", count, read_number("OTEL_BSP_MAX_QUEUE_SIZE", DEFAULT_QUEUE_SIZE)
        )
        self._processor = BatchSpanProcessor(
            CountedSpanExporter(OTLPSpanExporter(), self._delivery)
        )

    def add_span(self, span: ReadableSpan) -> None:
        """Have a span exported; never waits."""
        if self._delivery.accept_item():
            self._processor.on_end(span)

    def close(self) -> None:
        """Export what waits."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def create_log_processor(
    count: CountItems,
) -> tuple[BatchLogRecordProcessor, Delivery]:
    """The way of log records to the collector."""
    capacity = read_number("OTEL_BLRP_MAX_QUEUE_SIZE", DEFAULT_QUEUE_SIZE)
    delivery = Delivery("logs", count, capacity)
    return BatchLogRecordProcessor(CountedLogExporter(OTLPLogExporter(), delivery)), delivery


def read_number(variable: str, default: int) -> int:
    """The positive whole number that a variable has, as the SDK reads it; else the default."""
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) > 0 else default


def quieten_sdk() -> None:
    """Keep the SDK from writing a report for each request that fails, and from showing keys."""
    for name in SDK_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
