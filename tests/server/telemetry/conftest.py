"""A receiver of OTLP that this process exports to."""

import threading
from collections.abc import Iterator

import pytest

from tests.otlp_receiver import OtlpReceiver, receive_otlp
from tests.waiting import wait_until

EXPORTER_THREADS = ("Otel", "metrics export", "telemetry flush")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with receive_otlp() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        yield found
        found.released.set()
        # the next test must not see a connection of this one that nobody has closed
        wait_until(
            lambda: not list_exporter_threads(), otherwise=lambda: str(list_exporter_threads())
        )


def list_exporter_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(EXPORTER_THREADS)]
