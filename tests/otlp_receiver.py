"""A receiver of OTLP over HTTP: the spans, metrics and log records that a server exports, as plain
values.
"""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as the collector has it."""

    trace: str
    span: str
    parent: str
    name: str
    kind: int
    begun: int
    ended: int
    status: int
    attributes: Mapping[str, Any]
    links: tuple[str, ...]
    resource: Mapping[str, Any]


@dataclass
class OtlpReceiver:
    """What has come so far. With `answers` of False it takes connections, and answers nobody."""

    port: int = 0
    requests: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def find_spans(self) -> list[ReceivedSpan]:
        return [
            to_span(span, resource)
            for request in [*self.requests]
            if isinstance(request, ExportTraceServiceRequest)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def find_metrics(self) -> dict[str, Any]:
        """The latest of each metric."""
        return {
            metric.name: metric
            for request in [*self.requests]
            if isinstance(request, ExportMetricsServiceRequest)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def find_logs(self) -> list[Any]:
        return [
            record
            for request in [*self.requests]
            if isinstance(request, ExportLogsServiceRequest)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


def to_span(span: Any, resource: Any) -> ReceivedSpan:
    return ReceivedSpan(
        span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
        span.start_time_unix_nano, span.end_time_unix_nano, span.status.code,
        to_attributes(span.attributes), tuple(link.trace_id.hex() for link in span.links),
        to_attributes(resource.resource.attributes),
    )  # fmt: skip


def to_attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: to_value(pair.value) for pair in pairs}


def to_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [to_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def receive_otlp() -> Iterator[OtlpReceiver]:
    """A receiver on a port of this machine."""
    receiver = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if receiver.silent.is_set():
                receiver.released.wait(60)
            receiver.bodies.append(body)
            receiver.requests.append(REQUESTS[self.path].FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
