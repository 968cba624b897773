"""What the environment asks of OpenTelemetry by the variables of its SDKs. Imports none of it."""

from collections.abc import Mapping
from typing import NamedTuple

from flowengine.server.telemetry.variable_checks import find_variable_faults

TELEMETRY_PREFIX = "OTEL_"
SDK_DISABLED = "OTEL_SDK_DISABLED"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
HTTP_PROTOCOL = "http/protobuf"
EXPORTER = "otlp"


class TelemetrySettings(NamedTuple):
    """Which signals are exported, and what of the environment cannot be followed."""

    traces: bool = False
    metrics: bool = False
    logs: bool = False
    faults: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        return self.traces or self.metrics or self.logs

    def list_signals(self) -> list[str]:
        """The names of the signals that are exported."""
        signals = {"traces": self.traces, "metrics": self.metrics, "logs": self.logs}
        return [name for name, is_on in signals.items() if is_on]


def read_telemetry_settings(environment: Mapping[str, str]) -> TelemetrySettings:
    """Traces and metrics are on where there is an endpoint, logs where they have an exporter or an
    endpoint of their own.

    >>> read_telemetry_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    TelemetrySettings(traces=True, metrics=True, logs=False, faults=())
    """
    if environment.get(SDK_DISABLED, "").strip().lower() == "true":
        return TelemetrySettings()
    faults: list[str] = []
    has_endpoint = bool(environment.get(ENDPOINT))
    traces, metrics, logs = (
        is_exported(environment, signal, faults, by_default=by_default)
        for signal, by_default in (
            ("TRACES", has_endpoint),
            ("METRICS", has_endpoint),
            ("LOGS", False),
        )
    )
    if traces or metrics or logs:
        faults += find_variable_faults(environment)
    return TelemetrySettings(traces, metrics, logs, tuple(faults))


def is_exported(
    environment: Mapping[str, str], signal: str, faults: list[str], *, by_default: bool
) -> bool:
    """Whether a signal is exported. Adds to `faults` what keeps it from that."""
    variable = f"OTEL_{signal}_EXPORTER"
    exporter = environment.get(variable, "").strip().lower()
    own_endpoint = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    if exporter == "none" or not (exporter or own_endpoint or by_default):
        return False
    if exporter and exporter != EXPORTER:
        faults.append(f"{variable} is {exporter}: this server exports by {EXPORTER}, or none")
        return False
    own_protocol = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
    asked = own_protocol if environment.get(own_protocol) else PROTOCOL
    protocol = environment.get(asked, "") or HTTP_PROTOCOL
    if protocol != HTTP_PROTOCOL:
        faults.append(
            f"{asked} is {protocol}: this server exports by {HTTP_PROTOCOL}, which collectors take "
            "on port 4318"
        )
        return False
    return True
