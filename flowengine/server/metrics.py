"""Numbers for Prometheus. Several workers share them through files in a folder that the environment
names.
"""

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Count
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from flowengine.journal.size_limit import JournalUsage
from flowengine.runtime.engine import Record
from flowengine.server.fetch.breaker import CircuitState

SHARED = "PROMETHEUS_MULTIPROC_DIR"
GATHERING_SECONDS = 0.25
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0)
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
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
        self._refused = Counter("refused", "Requests refused, by code", ["code"], **given)
        self._repeated = Counter("repeated_callbacks", "Callbacks delivered again", **given)
        self._release = Gauge(
            "release_info",
            "The release that new calls begin on",
            ["release"],
            multiprocess_mode="mostrecent",
            **given,
        )
        self._serving = ""
        self._noted: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

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

    def _make_journal_metrics(self, given: dict[str, Any]) -> None:
        self._journalled = Counter(
            "journal_rows",
            "Callbacks for the call journal, by whether it has them",
            ["outcome"],
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

    def callback(self, record: Record) -> None:
        """Note a callback; it is counted a moment later, as adding up many at once costs a caller
        nothing.

        Only its time is kept until then: records that live on would keep the memory that the next
        callbacks could use, and have it near.
        """
        if not self._noted:
            asyncio.get_running_loop().call_later(GATHERING_SECONDS, self.count)
        self._noted[record.event.kind, record.outcome].append(record.seconds)
        if record.repeated:
            self._repeated.inc()

    def count(self) -> None:
        """Add up what was noted."""
        noted, self._noted = self._noted, defaultdict(list)
        for (event, outcome), times in noted.items():
            self._callbacks.labels(event, outcome).inc(len(times))
            observe_all(self._seconds.labels(event), times)

    def fetched(self, service: str, outcome: str, seconds: float) -> None:
        self._fetches.labels(service, outcome).inc()
        self._fetch_seconds.labels(service).observe(seconds)

    def circuit(self, service: str, state: CircuitState) -> None:
        self._circuits.labels(service).set(state)
        if state is CircuitState.OPEN:
            self._opened_circuits.labels(service).inc()

    def journalled(self, outcome: str, rows: int) -> None:
        """Told by the journal's own thread."""
        self._journalled.labels(outcome).inc(rows)

    def journal_usage(self, usage: JournalUsage) -> None:
        """Told by the journal's own thread."""
        self._journal_bytes.set(usage.bytes)
        self._journal_limit.set(usage.limit)

    def refused(self, code: int) -> None:
        self._refused.labels(str(code)).inc()

    def serving(self, release: str) -> None:
        """Of all releases ever served, mark this one as the current."""
        if self._serving:
            self._release.labels(self._serving).set(0)
        self._release.labels(release).set(1)
        self._serving = release

    def text(self) -> bytes:
        self.count()
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        forget_dead_workers(Path(os.environ[SHARED]))
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return generate_latest(gathered)


def observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """What `observe` does for each, at once: where workers share their numbers in files, one value
    costs as much as the verification of a signature.
    """
    bounds = histogram._upper_bounds  # noqa: SLF001  # the library has no way for many
    for bucket, number in Count(bisect_left(bounds, value) for value in values).items():
        histogram._buckets[bucket].inc(number)  # noqa: SLF001
    histogram._sum.inc(sum(values))  # noqa: SLF001


def forget_dead_workers(folder: Path) -> None:
    """The state of a worker that was killed must not stand for ever."""
    for file in folder.glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            with suppress(OSError):  # another worker was first
                file.unlink()
        except OSError:  # it lives, and is another user's
            pass
