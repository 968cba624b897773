"""Chooses at start whether a worker has OpenTelemetry. It is imported only where it is on."""

import logging
import os
from importlib import import_module
from importlib.util import find_spec

from flowengine.server.metrics import Metrics
from flowengine.server.telemetry.telemetry_settings import read_telemetry_settings
from flowengine.server.telemetry_hooks import TelemetryHooks

log = logging.getLogger(__name__)
NEEDED_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
INSTALL_CURE = (
    "OpenTelemetry is not installed, and the server goes on without it: pip install "
    "'flowengine[otel]'"
)


def is_installed() -> bool:
    """Whether the extra is there."""
    try:
        return all(find_spec(name) is not None for name in NEEDED_MODULES)
    except ModuleNotFoundError:  # of a package above
        return False


def preload_telemetry() -> None:
    """Import OpenTelemetry in the process that forks the workers, and say what of the environment
    cannot be followed. It starts no thread: those do not survive a fork.
    """
    settings = read_telemetry_settings(os.environ)
    for fault in settings.faults:
        log.warning("OpenTelemetry: %s", fault)
    if settings.is_on and is_installed():
        import_module("flowengine.server.telemetry.telemetry")
    elif settings.is_on:
        log.warning("%s", INSTALL_CURE)


def load_hooks(metrics: Metrics, route: str, store: str) -> TelemetryHooks:
    """The hooks of a worker. `route` is the path of callbacks, `store` the address of the session
    store. Whatever is wrong with the variables, the worker answers calls.
    """
    settings = read_telemetry_settings(os.environ)
    if not settings.is_on or not is_installed():
        return TelemetryHooks()
    from flowengine.server.telemetry.telemetry import Telemetry  # noqa: PLC0415

    try:
        return Telemetry(settings, metrics, route, store).create_hooks()
    except Exception as error:  # noqa: BLE001  # the SDK raises many kinds for what it cannot use
        log.error(  # noqa: TRY400  # its text says it all
            "OpenTelemetry cannot use its variables, and the worker goes on without it: %s: %s",
            type(error).__name__,
            error,
        )
        return TelemetryHooks()
