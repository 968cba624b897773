"""What becomes of spans and log records when the collector takes them, is slow, or is away."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from flowengine.server.health import MetricsEndpoint
from flowengine.server.telemetry import telemetry
from flowengine.server.telemetry.exporters import Delivery
from flowengine.server.telemetry.registry_export import RegistryExport
from tests.otlp_receiver import OtlpReceiver
from tests.server.telemetry.traced_line import TracedLine
from tests.waiting import find_free_port, wait_until


async def test_exported_spans_are_counted(receiver: OtlpReceiver) -> None:
    line = TracedLine()
    await line.ring()
    await line.close()
    assert line.read_telemetry_items() == {("spans", "exported"): len(receiver.find_spans())}


async def test_answers_do_not_wait_for_a_collector_that_hangs(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The queue is full, and callbacks go on; the end of the worker waits up to the limit."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setattr(telemetry, "TELEMETRY_FLUSH_SECONDS", 0.05)
    receiver.silent.set()
    line = TracedLine()
    for number in range(30):
        answer = await line.ring(f"call-{number}")
        assert answer["action"]["name"] == "runMenu"
        await asyncio.sleep(0)
    assert receiver.requests == []
    await line.close()
    receiver.released.set()
    lost = line.read_telemetry_items()["spans", "lost"]
    assert lost >= 30 * 3 - 16 - 8, "three spans for each call"
    assert "the collector does not keep up" in caplog.text
    assert "what was not exported within 0.05 seconds is lost" in caplog.text


async def test_spans_for_a_collector_that_is_away_are_counted_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://127.0.0.1:{find_free_port()}/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.01")
    line = TracedLine()
    await line.ring()
    await line.close()
    wait_until(lambda: line.read_telemetry_items().get(("spans", "lost")) == 3)
    reports = [record for record in caplog.records if "OpenTelemetry" in record.message]
    assert [record.name for record in reports] == ["flowengine.server.telemetry.exporters"]
    assert "look at the collector" in caplog.text


def test_delivery_counts_exactly_with_several_threads() -> None:
    counted: list[tuple[str, int]] = []
    delivery = Delivery(
        "spans", lambda _signal, outcome, items: counted.append((outcome, items)), 50
    )
    accepted: list[bool] = []

    def accept() -> None:
        accepted.extend(delivery.accept_item() for _ in range(100))

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (accepted.count(True), counted.count(("lost", 1))) == (50, 350)
    delivery.release_room(50)
    assert delivery.accept_item()


async def test_lines_of_the_log_have_the_ids_of_their_spans(
    receiver: OtlpReceiver, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    line = TracedLine()
    await line.ring()
    await line.close()
    out = capfdbinary.readouterr().out.decode()
    callback = next(span for span in receiver.find_spans() if span.name == "ice line")
    assert f'"trace_id":"{callback.trace}","span_id":"{callback.span}"' in out


async def test_logs_are_exported_masked_and_with_their_traces(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    caplog.set_level("INFO")
    line = TracedLine()
    await line.ring()
    telemetry.log.error("the number +46708168731 is %s", "busy")
    await line.close()
    report, of_callback = receiver.find_logs()
    callback = next(span for span in receiver.find_spans() if span.name == "ice line")
    assert of_callback.trace_id.hex() == callback.trace
    assert of_callback.span_id.hex() == callback.span
    assert '"call":"call-1","event":"ice"' in of_callback.body.string_value
    assert (report.body.string_value, report.severity_text) == ("the number **** is busy", "ERROR")
    assert b"46708168731" not in b"".join(receiver.bodies)


async def test_metrics_have_the_names_and_values_of_prometheus(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    began = time.time_ns()
    line = TracedLine()
    assert line.hooks.has_metrics
    await line.ring()
    await line.end()
    line.metrics.count_pending()
    await line.close()
    found = receiver.find_metrics()
    callbacks = found["flowengine_callbacks"].sum
    assert (callbacks.is_monotonic, callbacks.aggregation_temporality) == (True, 2)
    labels = [
        {one.key: one.value.string_value for one in p.attributes} for p in callbacks.data_points
    ]
    assert labels == [
        {"event": "ice", "outcome": "answered"},
        {"event": "dice", "outcome": "answered"},
    ]
    assert [point.as_double for point in callbacks.data_points] == [1, 1]
    assert callbacks.data_points[0].start_time_unix_nano >= began
    seconds = found["flowengine_callback_seconds"]
    point = seconds.histogram.data_points[0]
    assert (seconds.unit, point.count, sum(point.bucket_counts)) == ("s", 1, 1)
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert point.sum > 0
    assert not point.HasField("max")


def test_metrics_that_cannot_be_read_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenCollector(Collector):
        def collect(self) -> Iterator[Metric]:
            raise ValueError("call +46708168731")

    registry = CollectorRegistry(auto_describe=False)
    registry.register(BrokenCollector())
    scope, counted = InstrumentationScope("flowengine"), list[tuple[str, str, int]]()
    export = RegistryExport(registry, Resource({}), scope, lambda *items: counted.append(items))
    export.close()
    assert [record.message for record in caplog.records] == [
        "metrics cannot be read for OpenTelemetry: ValueError"
    ]
    assert counted == []


async def test_metrics_page_has_exemplars_for_who_takes_openmetrics(
    receiver: OtlpReceiver,
) -> None:
    line = TracedLine()
    await line.ring()
    await line.close()
    callback = next(span for span in receiver.find_spans() if span.name == "ice line")
    kinds = {}
    for accepted in (b"application/openmetrics-text;version=1.0.0,text/plain;q=0.5", b"*/*"):
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        scope = {"type": "http", "headers": [(b"accept", accepted)]}
        await MetricsEndpoint(line.metrics, look_at_nothing)(scope, receive_nothing, send)
        kinds[dict(sent[0]["headers"])[b"content-type"].partition(b";")[0]] = sent[1][
            "body"
        ].decode()
    openmetrics, text = kinds[b"application/openmetrics-text"], kinds[b"text/plain"]
    families = {family.name: family for family in text_string_to_metric_families(openmetrics)}
    found = [s.exemplar for s in families["flowengine_callback_seconds"].samples if s.exemplar]
    assert [one.labels for one in found] == [{"trace_id": callback.trace, "span_id": callback.span}]
    assert "flowengine_callbacks" in families
    assert callback.trace not in text


async def look_at_nothing() -> None:
    pass


async def receive_nothing() -> Any:
    raise AssertionError("there is no body")
