"""Metrics by application and flow, and where calls end. Bounded: a project may have thousands of flows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter

from flowengine.limits import MAX_METRIC_SERIES
from flowengine.runtime.callback_record import CallbackRecord

OTHER = "other"
EXIT_EVENT = "dice"


class CallbackLabels(NamedTuple):
    """What callbacks are counted by. `state` and `result` are of calls that have ended."""

    event: str
    outcome: str
    application: str
    flow: str
    state: str
    result: str

    @classmethod
    def from_record(cls, record: CallbackRecord) -> "CallbackLabels":
        event, call = record.event, record.call
        is_exit = event.kind == EXIT_EVENT
        return cls(
            event.kind,
            record.outcome,
            event.application_key,
            call.flow if call else "",
            call.state if call and is_exit else "",
            getattr(event, "result", "") if is_exit else "",
        )


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
        application, flow = self._limit("flows", labels.application, labels.flow)
        self._callbacks.labels(application, flow, labels.outcome).inc(len(times))
        self._seconds.labels(application, flow).inc(sum(times))
        if labels.event == EXIT_EVENT:
            flow, state = self._limit("ends", labels.flow, labels.state)
            self._ends.labels(flow, state, labels.result).inc(len(times))

    def _limit(self, kind: str, *labels: str) -> tuple[str, ...]:
        """These labels, or `other` where there are too many already."""
        known = self._known[kind]
        if labels not in known:
            if len(known) >= MAX_METRIC_SERIES:
                return (OTHER,) * len(labels)
            known.add(labels)
        return labels
