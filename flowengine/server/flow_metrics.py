"""Metrics by application and flow, and where calls end. Bounded: a project may have thousands of flows."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from flowengine.limits import MAX_METRIC_SERIES
from flowengine.runtime.callback_record import CallbackRecord

OTHER = "other"
EXIT_EVENT = "dice"


# what callbacks are counted by: event, outcome, application, flow; of calls that have ended also the
# last state and the result. A plain tuple, as each callback makes one
CallbackLabels = tuple[str, str, str, str, str, str]


def label_callback(record: CallbackRecord) -> CallbackLabels:
    """What a callback is counted by."""
    event, call = record.event, record.call
    kind = event.kind
    if kind == EXIT_EVENT:
        flow, state = (call.flow, call.state) if call is not None else ("", "")
        result = getattr(event, "result", "")
        return kind, record.outcome, event.application_key, flow, state, result
    flow = call.flow if call is not None else ""
    return kind, record.outcome, event.application_key, flow, "", ""


class FlowMetrics:
    """Rate, errors and time of callbacks by application and flow, and the last states of calls."""

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
        self._ends = Counter(
            "call_ends",
            "Calls that have ended, by the flow and the state that they were in and the result",
            ["flow", "state", "result"],
            **given,
        )
        self._known: dict[str, set[tuple[str, ...]]] = {"flows": set(), "ends": set()}

    def count(self, labels: CallbackLabels, times: Sequence[float]) -> None:
        """Add callbacks with these labels, which took so long."""
        event, outcome, *of_flow, state, result = labels
        application, flow = self._limit("flows", *of_flow)
        self._callbacks.labels(application, flow, outcome).inc(len(times))
        self._seconds.labels(application, flow).inc(sum(times))
        if event == EXIT_EVENT:
            flow, state = self._limit("ends", of_flow[1], state)
            self._ends.labels(flow, state, result).inc(len(times))

    def _limit(self, kind: str, *labels: str) -> tuple[str, ...]:
        """These labels, or `other` where there are too many already."""
        known = self._known[kind]
        if labels not in known:
            if len(known) >= MAX_METRIC_SERIES:
                return (OTHER,) * len(labels)
            known.add(labels)
        return labels
