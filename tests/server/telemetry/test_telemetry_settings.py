"""What the environment asks for."""

import subprocess
import sys

import pytest

from flowengine.server.metrics import Metrics
from flowengine.server.telemetry.load_telemetry import load_hooks
from flowengine.server.telemetry.telemetry_settings import read_telemetry_settings
from flowengine.server.telemetry_hooks import TelemetryHooks

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
URL = "http://collector:4318"


def test_settings_follow_the_variables_of_the_sdk() -> None:
    rows: list[tuple[dict[str, str], str]] = [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "line"}, ""),
        ({ENDPOINT: ""}, ""),
        ({ENDPOINT: URL}, "traces metrics"),
        ({ENDPOINT: URL, "OTEL_SDK_DISABLED": "True"}, ""),
        ({ENDPOINT: URL, "OTEL_SDK_DISABLED": "false"}, "traces metrics"),
        ({ENDPOINT: URL, "OTEL_METRICS_EXPORTER": "none"}, "traces"),
        ({ENDPOINT: URL, "OTEL_LOGS_EXPORTER": "otlp"}, "traces metrics logs"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URL}, "traces"),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": URL}, "logs"),
    ]
    for environment, expected in rows:
        found = read_telemetry_settings(environment)
        assert (" ".join(found.list_signals()), found.faults) == (expected, ()), environment


def test_exporter_and_protocol_that_the_server_lacks_are_faults() -> None:
    found = read_telemetry_settings({ENDPOINT: URL, "OTEL_TRACES_EXPORTER": "zipkin"})
    assert (found.traces, found.metrics) == (False, True)
    assert found.faults == ("OTEL_TRACES_EXPORTER is zipkin: this server exports by otlp, or none",)
    found = read_telemetry_settings({ENDPOINT: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert not found.is_on
    assert all("port 4318" in fault for fault in found.faults)


def test_worker_without_the_variables_has_what_it_has_anyway() -> None:
    assert load_hooks(Metrics(), "/sinch", "none") == TelemetryHooks()


def test_worker_goes_on_where_the_sdk_refuses_its_variables(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", URL)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")  # less than a batch
    assert load_hooks(Metrics(), "/sinch", "none") == TelemetryHooks()
    assert "cannot use its variables, and the worker goes on without it: ValueError" in caplog.text


def test_server_without_the_variables_imports_nothing_of_opentelemetry() -> None:
    code = (
        "import sys; import flowengine.server.worker, flowengine.server.fork_server\n"
        "from flowengine.server.telemetry.load_telemetry import load_hooks, preload_telemetry\n"
        "from flowengine.server.metrics import Metrics\n"
        "preload_telemetry(); load_hooks(Metrics(), '/sinch', 'none')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
