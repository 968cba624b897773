"""A receiver of OTLP that this process exports to."""

from collections.abc import Iterator

import pytest

from tests.otlp_receiver import OtlpReceiver, receive_otlp


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with receive_otlp() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        yield found
