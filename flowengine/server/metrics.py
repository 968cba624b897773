"""Metrics for Prometheus. Workers share them through files in a folder that the environment names."""

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Count
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from flowengine.journal.journal_protocol import JournalUsage
from flowengine.orchestration.placement_state import Placement
from flowengine.runtime.callback_record import NO_CALL, CallbackRecord
from flowengine.runtime.orchestrations import WaitEnd
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.exemplars import CollectedMetrics, Exemplars
from flowengine.server.fetch.breaker import CircuitState
from flowengine.server.flow_metrics import CallbackLabels, FlowMetrics
from flowengine.server.metric_file import keep_metrics_without_disk
from flowengine.sinch import Dice

PROMETHEUS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
COUNT_DELAY_SECONDS = 0.25
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0)
WAIT_BUCKETS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0)
OPENMETRICS_TYPE = b"application/openmetrics-text"
OPENMETRICS_CONTENT_TYPE = OPENMETRICS_TYPE + b"; version=1.0.0; charset=utf-8"
METRICS_CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
        keep_metrics_without_disk()
        self.registry = CollectorRegistry()
        given: dict[str, Any] = {"registry": self.registry, "namespace": "flowengine"}
        self._callbacks = Counter(
            "callbacks", "Callbacks answered, by event and outcome", ["event", "outcome"], **given
        )
        self._seconds = Histogram(
            "callback_seconds",
            "Time from a decoded callback to its answer",
            ["event"],
            buckets=BUCKETS,
            **given,
        )
        self._make_fetch_metrics(given)
        self._make_journal_metrics(given)
        self._make_queue_metrics(given)
        self._placements = Counter(
            "placements",
            "Calls that flows or commands have placed, by flow and outcome",
            ["flow", "outcome"],
            **given,
        )
        self._refused = Counter("refused", "Requests refused, by code", ["code"], **given)
        self._telemetry = Counter(
            "telemetry_items",
            "Spans, log records and data points for OpenTelemetry, by what became of them",
            ["signal", "outcome"],
            **given,
        )
        self._repeated = Counter("repeated_callbacks", "Callbacks delivered again", **given)
        self._release = Gauge(
            "release_info",
            "The release that new calls begin on",
            ["release"],
            multiprocess_mode="mostrecent",
            **given,
        )
        self._rejected = Gauge(
            "rejected_flow_sources",
            "Folders and branches whose present flows have errors, so that they are not live",
            multiprocess_mode="mostrecent",
            **given,
        )
        self._current_release = ""
        self._exemplars: Exemplars | None = None
        self._flows = FlowMetrics(self.registry)
        self._pending_times: defaultdict[CallbackLabels, list[float]] = defaultdict(list)
        self._pending_traces: list[Sequence[TraceEntry]] = []

    def _make_fetch_metrics(self, given: dict[str, Any]) -> None:
        self._fetches = Counter(
            "fetches", "Lookups, by service and outcome", ["service", "outcome"], **given
        )
        self._fetch_seconds = Histogram(
            "fetch_seconds",
            "Time of a lookup with its retries",
            ["service"],
            buckets=BUCKETS,
            **given,
        )
        self._circuits = Gauge(
            "fetch_circuit",
            "Circuit breakers, by service: 0 closed, 1 half-open, 2 open; the worst of all workers",
            ["service"],
            multiprocess_mode="livemax",
            **given,
        )
        self._opened_circuits = Counter(
            "fetch_circuit_openings", "How often circuits have opened", ["service"], **given
        )

    def _make_queue_metrics(self, given: dict[str, Any]) -> None:
        self._waiting = Gauge(
            "queue_waiting",
            "Callers who wait in a queue, by its group",
            ["group"],
            multiprocess_mode="mostrecent",
            **given,
        )
        self._overdue = Gauge(
            "overdue_seconds",
            "For how long the oldest timer or request of a ring or a placed call is overdue",
            multiprocess_mode="mostrecent",
            **given,
        )
        self._waits = Histogram(
            "queue_wait_seconds",
            "How long callers waited in a queue, by its group and how it ended: taken by a member, "
            "left by hanging up, chose a key, released after the longest wait",
            ["group", "outcome"],
            buckets=WAIT_BUCKETS,
            **given,
        )

    def _make_journal_metrics(self, given: dict[str, Any]) -> None:
        self._journalled = Counter(
            "journal_rows",
            "Callbacks for the call journal, by whether it has them",
            ["outcome"],
            **given,
        )
        self._journal_waiting = Gauge(
            "journal_waiting",
            "Callbacks that wait for the call journal, of the worker that has most",
            multiprocess_mode="livemax",
            **given,
        )
        self._journal_bytes = Gauge(
            "journal_bytes",
            "What the call journal takes of the disk",
            multiprocess_mode="mostrecent",
            **given,
        )
        self._journal_limit = Gauge(
            "journal_limit_bytes",
            "What the call journal may take of the disk",
            multiprocess_mode="mostrecent",
            **given,
        )

    def count_callback(self, record: CallbackRecord) -> None:
        """Note a callback. `count_pending` adds many to the metrics at once, while no caller waits.
        Until then only numbers and traces are kept: whole records would take memory and processor
        cache from the next callbacks.
        """
        if not self._pending_times:
            asyncio.get_running_loop().call_later(COUNT_DELAY_SECONDS, self.count_pending)
        self._pending_times[label_callback(record)].append(record.seconds)
        self._pending_traces.append(record.trace)
        if record.repeated:
            self._repeated.inc()

    def count_pending(self) -> None:
        """Add up the noted callbacks."""
        noted, self._pending_times = self._pending_times, defaultdict(list)
        traces, self._pending_traces = self._pending_traces, []
        self._flows.count_exits(traces)
        for labels, times in noted.items():
            event, outcome, *_ = labels
            self._callbacks.labels(event, outcome).inc(len(times))
            observe_values(self._seconds.labels(event), times)
            self._flows.count(labels, times)

    def count_placement(self, placement: Placement) -> None:
        """Count a placement that is over."""
        self._placements.labels(placement.plan.flow, placement.outcome).inc()

    def observe_lookup(self, service: str, outcome: str, seconds: float) -> None:
        self._fetches.labels(service, outcome).inc()
        self._fetch_seconds.labels(service).observe(seconds)

    def observe_circuit(self, service: str, state: CircuitState) -> None:
        self._circuits.labels(service).set(state)
        if state is CircuitState.OPEN:
            self._opened_circuits.labels(service).inc()

    def count_journal_rows(self, outcome: str, rows: int) -> None:
        """Count rows, in the thread of the journal."""
        self._journalled.labels(outcome).inc(rows)

    def observe_journal_usage(self, usage: JournalUsage) -> None:
        """Set the size of the journal, in the thread of the journal."""
        self._journal_bytes.set(usage.bytes)
        self._journal_limit.set(usage.limit)

    def observe_wait(self, ended: WaitEnd) -> None:
        """Note the end of a wait in a queue."""
        self._waits.labels(ended.group, ended.outcome).observe(ended.seconds)

    def observe_waiting(self, waiting: Mapping[str, int]) -> None:
        """Set how many callers wait in each queue."""
        for group, number in waiting.items():
            self._waiting.labels(group).set(number)

    def observe_due(self, seconds: float) -> None:
        """Set for how long the oldest timer or request of a ring or a placed call is overdue."""
        self._overdue.set(seconds)

    def observe_rejections(self, sources: int) -> None:
        """Set of how many sources of flows the present content has errors."""
        self._rejected.set(sources)

    def observe_journal_waiting(self, callbacks: int) -> None:
        """Set how many callbacks of this worker wait for the journal."""
        self._journal_waiting.set(callbacks)

    def count_telemetry(self, signal: str, outcome: str, items: int) -> None:
        """Count spans and the like, in a thread of OpenTelemetry."""
        self._telemetry.labels(signal, outcome).inc(items)

    def count_refusal(self, code: int) -> None:
        self._refused.labels(str(code)).inc()

    def mark_current_release(self, release: str) -> None:
        """Mark this release as the current one among all that were served."""
        if self._current_release:
            self._release.labels(self._current_release).set(0)
        self._release.labels(release).set(1)
        self._current_release = release

    def keep_exemplars(self) -> Exemplars:
        """Begin to keep exemplars, which the OpenMetrics format shows."""
        self._exemplars = Exemplars("flowengine_callback_seconds", BUCKETS)
        return self._exemplars

    def render_text(self) -> bytes:
        """The metrics of all workers."""
        return generate_latest(self._gather())

    def render_openmetrics(self) -> bytes | None:
        """The same with exemplars; None where this worker keeps none."""
        if self._exemplars is None:
            return None
        families = self._exemplars.attach(self._gather().collect())
        return generate_openmetrics(CollectedMetrics(families))  # type: ignore[no-any-return,no-untyped-call]

    def _gather(self) -> CollectorRegistry:
        self.count_pending()
        if PROMETHEUS_FOLDER_VARIABLE not in os.environ:
            return self.registry
        forget_dead_workers(Path(os.environ[PROMETHEUS_FOLDER_VARIABLE]))
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return gathered


def label_callback(record: CallbackRecord) -> CallbackLabels:
    """What a callback is counted by."""
    event, call = record.event, record.call or NO_CALL
    flow = call.flow
    route = call.stack[0].flow if call.stack else flow
    state = result = ""
    if type(event) is Dice:
        state, result = call.state, event.result
    return event.kind, record.outcome, event.application_key, flow, state, result, route


def observe_values(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe many values at once. Where workers share metrics in files, a single `observe` takes
    as long as verifying a signature.
    """
    bounds = histogram._upper_bounds  # noqa: SLF001  # the library has no way for many
    for bucket, number in Count(bisect_left(bounds, value) for value in values).items():
        histogram._buckets[bucket].inc(number)  # noqa: SLF001
    histogram._sum.inc(sum(values))  # noqa: SLF001


def forget_dead_workers(folder: Path) -> None:
    """Delete the gauges of killed workers, which would otherwise stay for ever."""
    for file in folder.glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            with suppress(OSError):  # another worker was first
                file.unlink()
        except OSError:  # the process lives, and belongs to another user
            pass
