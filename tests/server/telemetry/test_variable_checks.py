"""Values of OpenTelemetry's variables that an SDK would not take."""

from pathlib import Path

from flowengine.server.telemetry.telemetry_settings import read_telemetry_settings

ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def find_faults(**variables: str) -> tuple[str, ...]:
    return read_telemetry_settings({**ON, **variables}).faults


def test_values_that_an_sdk_takes_are_no_faults(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    rows = [
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"OTEL_TRACES_SAMPLER": "TraceIdRatio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "2.5", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b,y = c=d ,"},
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://[::1]:4318/v1/logs"},
        {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": str(key), "OTEL_EXPORTER_OTLP_INSECURE": "?"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "600", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ""},
        {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_SOMETHING_ELSE": "?"},
    ]
    assert [find_faults(**row) for row in rows] == [()] * len(rows)


def test_value_that_cannot_be_used_has_a_cure() -> None:
    rows = {
        ("OTEL_TRACES_SAMPLER", "often"): "write one of always_on, always_off",
        ("OTEL_TRACES_SAMPLER", "traceidration"): 'did you mean "traceidratio"?',
        (
            "OTEL_TRACES_SAMPLER",
            "traceidratio",
        ): "OTEL_TRACES_SAMPLER_ARG is not set: write the share",
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"): "write one such as http://",
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector:99999"): "is no address",
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"): "is 10s: write seconds above 0",
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd"): "write one of gzip, deflate, none",
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"): "where there is no file",
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret token"): "write name=value",
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"): "write a whole number above 0",
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "-1"): "write a whole number above 0",
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"): "write a whole number above 0",
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"): "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 512, and only 100",
    }
    for (name, value), expected in rows.items():
        (fault,) = find_faults(**{name: value})
        assert expected in fault, fault
        assert fault.startswith("OTEL_"), fault
        assert "secret" not in fault, "it may be a key"
    for share in ("ten", "1.1", "-0.1", "nan"):
        (fault,) = find_faults(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG=share)
        assert fault.startswith(f"OTEL_TRACES_SAMPLER_ARG is {share}: ")


def test_variables_of_what_is_off_are_no_faults() -> None:
    assert read_telemetry_settings({"OTEL_TRACES_SAMPLER": "?"}).faults == ()
    assert find_faults(OTEL_SDK_DISABLED="true", OTEL_BSP_MAX_QUEUE_SIZE="?") == ()
