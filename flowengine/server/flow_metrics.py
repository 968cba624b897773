"""Metrics by application, route and flow, and where calls end. Bounded: a project may have thousands of flows."""

from collections import Counter as Count
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from flowengine.journal.masking import REASON_MARK
from flowengine.limits import MAX_METRIC_SERIES
from flowengine.runtime.step_outcome import TraceEntry

OTHER = "other"
ENTRY_EVENT, EXIT_EVENT = "ice", "dice"


# what callbacks are counted by: event, outcome, application, flow; of calls that have ended also
# the last state and the result; the route. A plain tuple, as each callback makes one
CallbackLabels = tuple[str, str, str, str, str, str, str]


class FlowMetrics:
    """Rate, errors and time of callbacks by application, route and flow, exits, and the last states
    of calls. A route is named by the flow that it leads to: numbers have no place in metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        given: dict[str, Any] = {"registry": registry, "namespace": "flowengine"}
        self._callbacks = Counter(
            "flow_callbacks",
            "Callbacks answered, by application, flow and outcome",
            ["application", "flow", "outcome"],
            **given,
        )
        self._seconds = Counter(
            "flow_callback_seconds",
            "Time of all callbacks of a flow together, from the decoded callback to its answer",
            ["application", "flow"],
            **given,
        )
        self._route_callbacks = Counter(
            "route_callbacks",
            "Callbacks answered, by application, the flow that the route leads to, and outcome",
            ["application", "route", "outcome"],
            **given,
        )
        self._route_seconds = Counter(
            "route_callback_seconds",
            "Time of all callbacks of a route together, from the decoded callback to its answer",
            ["application", "route"],
            **given,
        )
        self._route_calls = Counter(
            "route_calls",
            "Calls that have come in, by application and the flow that the route leads to",
            ["application", "route"],
            **given,
        )
        self._exits = Counter(
            "exits",
            "Exits that calls have taken, by flow and state; `answers` where a call waits in a state",
            ["flow", "state", "exit"],
            **given,
        )
        self._ends = Counter(
            "call_ends",
            "Calls that have ended, by the flow and the state that they were in and the result",
            ["flow", "state", "result"],
            **given,
        )
        self._known: dict[str, set[tuple[str, ...]]] = {
            "flows": set(), "routes": set(), "ends": set(), "exits": set()
        }  # fmt: skip

    def count(self, labels: CallbackLabels, times: Sequence[float]) -> None:
        """Add callbacks with these labels, which took so long."""
        event, outcome, *of_flow, state, result, route = labels
        application, flow = self._limit("flows", *of_flow)
        self._callbacks.labels(application, flow, outcome).inc(len(times))
        self._seconds.labels(application, flow).inc(sum(times))
        application, route = self._limit("routes", of_flow[0], route)
        self._route_callbacks.labels(application, route, outcome).inc(len(times))
        self._route_seconds.labels(application, route).inc(sum(times))
        if event == ENTRY_EVENT:
            self._route_calls.labels(application, route).inc(len(times))
        if event == EXIT_EVENT:
            flow, state = self._limit("ends", of_flow[1], state)
            self._ends.labels(flow, state, result).inc(len(times))

    def count_exits(self, traces: Iterable[Sequence[TraceEntry]]) -> None:
        """Add the exits in these traces."""
        for entry, times in Count(chain.from_iterable(traces)).items():
            if entry.is_note:
                continue
            # behind the colon stands what went wrong, which may quote a caller
            name = entry.what.partition(REASON_MARK)[0]
            self._exits.labels(*self._limit("exits", entry.flow, entry.state, name)).inc(times)

    def _limit(self, kind: str, *labels: str) -> tuple[str, ...]:
        """These labels, or `other` where there are too many already."""
        known = self._known[kind]
        if labels not in known:
            if len(known) >= MAX_METRIC_SERIES:
                return (OTHER,) * len(labels)
            known.add(labels)
        return labels
