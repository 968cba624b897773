"""Exports the metrics of a worker as they are: the registry of Prometheus is read, nothing is
counted a second time.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.environment_variables import OTEL_METRIC_EXPORT_INTERVAL
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as PrometheusMetric

from flowengine.runtime.log_once import LogOnce
from flowengine.server.telemetry.exporters import CountItems, Delivery, read_number

log = logging.getLogger(__name__)
METRICS_UNREADABLE = "metrics cannot be read for OpenTelemetry: %s"
DEFAULT_INTERVAL_MILLIS = 60_000  # the default of the specification
UNITS = {"_seconds": "s", "_bytes": "By"}
CUMULATIVE = AggregationTemporality.CUMULATIVE
Labels = tuple[tuple[str, str], ...]


class RegistryExport:
    """Exports the metrics of this process from time to time, in a thread of its own."""

    def __init__(
        self,
        registry: CollectorRegistry,
        resource: Resource,
        scope: InstrumentationScope,
        count: CountItems,
    ) -> None:
        self._registry = registry
        self._resource = resource
        self._scope = scope
        self._exporter = OTLPMetricExporter()
        self._delivery = Delivery("metrics", count)
        self._began = time.time_ns()
        self._seconds = read_number(OTEL_METRIC_EXPORT_INTERVAL, DEFAULT_INTERVAL_MILLIS) / 1000
        self._log_once = LogOnce(log)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics export", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Export a last time."""
        self._is_over.set()
        self._thread.join()
        self._exporter.shutdown()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._is_over.wait(self._seconds)
            try:
                metrics = [*convert_families(self._registry.collect(), self._began, time.time_ns())]
            except Exception as error:  # noqa: BLE001  # whatever it is, the next ones may be right
                reason = type(error).__name__
                self._log_once.error(METRICS_UNREADABLE, reason)
                continue
            self._log_once.end(METRICS_UNREADABLE, "metrics are read for OpenTelemetry again")
            with suppress(Exception):  # the delivery has counted it, and said why
                self._export(metrics)

    def _export(self, metrics: Sequence[Metric]) -> None:
        scoped = ScopeMetrics(self._scope, metrics, "")
        data = MetricsData([ResourceMetrics(self._resource, [scoped], "")])
        points = sum(len(metric.data.data_points) for metric in metrics)
        self._delivery.deliver(lambda: self._exporter.export(data), points)


def convert_families(
    families: Iterable[PrometheusMetric], began: int, now: int
) -> Iterator[Metric]:
    """The metrics of Prometheus as those of OpenTelemetry, by the same names: what follows from the
    kind, such as `_total`, a collector that hands them to Prometheus adds again.
    """
    for family in families:
        if family.type == "histogram":
            data: Any = Histogram(convert_histogram(family, began, now), CUMULATIVE)
        else:
            samples = [one for one in family.samples if not one.name.endswith("_created")]
            points = [NumberDataPoint(dict(one.labels), began, now, one.value) for one in samples]
            is_counter = family.type == "counter"
            data = Sum(points, CUMULATIVE, is_monotonic=True) if is_counter else Gauge(points)
        if data.data_points:
            unit = next((unit for end, unit in UNITS.items() if family.name.endswith(end)), "1")
            yield Metric(family.name, family.documentation, unit, data)


def convert_histogram(family: PrometheusMetric, began: int, now: int) -> list[HistogramDataPoint]:
    """The data points of a histogram, whose buckets Prometheus adds up."""
    buckets: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
    sums: dict[Labels, float] = {}
    for one in family.samples:
        labels = {name: value for name, value in one.labels.items() if name != "le"}
        key = tuple(labels.items())
        if one.name.endswith("_bucket"):
            buckets[key].append((float(one.labels["le"]), one.value))
        elif one.name.endswith("_sum"):
            sums[key] = one.value
    points = []
    for key, found in buckets.items():
        totals = [0.0, *(total for _, total in found)]
        counts = [round(after - before) for before, after in pairwise(totals)]
        bounds = [bound for bound, _ in found[:-1]]
        points.append(
            HistogramDataPoint(
                dict(key), began, now, sum(counts), sums.get(key, 0.0), counts, bounds,
                None, None,  # type: ignore[arg-type]  # Prometheus knows no least and no greatest
            )
        )  # fmt: skip
    return points
