"""Exemplars: for each bucket of the time of callbacks the latest call in it, by its trace, so
that a person comes from a peak in a graph to a call.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

BUCKET_SUFFIX = "_bucket"


class Exemplars:
    """The exemplars of one worker, for the metric with this name. Workers do not share them: each
    scrape shows those of the worker that answers it.
    """

    def __init__(self, metric: str, bounds: Sequence[float]) -> None:
        self._metric = metric
        self._bounds = bounds
        named = (*bounds, float("inf"))
        self._names = [floatToGoString(bound) for bound in named]  # type: ignore[no-untyped-call]
        self._latest: dict[tuple[str, str], Exemplar] = {}

    def note(self, event: str, seconds: float, trace: str, span: str) -> None:
        """Note a callback that took so long."""
        bucket = self._names[bisect_left(self._bounds, seconds)]
        ids = {"trace_id": trace, "span_id": span}
        self._latest[event, bucket] = Exemplar(ids, seconds, time.time())

    def attach(self, families: Iterable[Metric]) -> Iterable[Metric]:
        """These metrics with exemplars."""
        for family in families:
            if family.name == self._metric:
                family.samples = [
                    sample._replace(exemplar=self._find(sample.labels))
                    if sample.name.endswith(BUCKET_SUFFIX)
                    else sample
                    for sample in family.samples
                ]
            yield family

    def _find(self, labels: dict[str, str]) -> Exemplar | None:
        return self._latest.get((labels["event"], labels["le"]))


class CollectedMetrics:
    """Metrics that were collected already, as the formatter asks for them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
