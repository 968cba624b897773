"""The numbers for Prometheus."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from flowengine.limits import MAX_METRIC_SERIES
from flowengine.runtime.call_state import Call, Frame
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.flow_metrics import FlowMetrics
from flowengine.server.metrics import BUCKETS, label_callback, observe_values
from flowengine.sinch import Ice

times = st.lists(st.sampled_from([*BUCKETS, 0.0, 0.0011, 6.0]) | st.floats(0, 10))


@given(st.lists(times, max_size=4))
def test_values_observed_at_once_count_as_those_observed_one_by_one(
    batches: list[list[float]],
) -> None:
    singly, together = CollectorRegistry(), CollectorRegistry()
    one, all_of_them = (
        Histogram("seconds", "Seconds", buckets=BUCKETS, registry=registry)
        for registry in (singly, together)
    )
    for batch in batches:
        for value in batch:
            one.observe(value)
        observe_values(all_of_them, batch)

    def counts(registry: CollectorRegistry) -> list[bytes]:
        return [
            line
            for line in generate_latest(registry).splitlines()
            if b"_created" not in line and b"_sum" not in line
        ]

    assert counts(singly) == counts(together)
    assert abs(one._sum.get() - all_of_them._sum.get()) < 1e-9 * (1 + one._sum.get())


def test_flows_and_last_states_are_counted_within_a_bound() -> None:
    registry = CollectorRegistry()
    metrics = FlowMetrics(registry)
    for number in range(MAX_METRIC_SERIES + 2):
        labels = ("ice", "answered", "key", f"flow {number}", "", "", "line")
        metrics.count(labels, [0.5, 0.25])
    ended = ("dice", "answered", "key", "flow 1", "menu", "answered", "line")
    metrics.count(ended, [0.0])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"flowengine_{name}_total", labels)

    of_one = {"application": "key", "flow": "flow 1"}
    assert value("flow_callbacks", outcome="answered", **of_one) == 3
    assert value("flow_callback_seconds", **of_one) == 0.75
    assert value("flow_callbacks", application="other", flow="other", outcome="answered") == 4
    assert value("flow_callbacks", application="key", flow="flow 1001", outcome="answered") is None
    of_line = {"application": "key", "route": "line"}
    assert value("route_callbacks", outcome="answered", **of_line) == 2 * MAX_METRIC_SERIES + 5
    assert value("route_calls", **of_line) == 2 * MAX_METRIC_SERIES + 4
    assert value("call_ends", flow="flow 1", state="menu", result="answered") == 1


def test_callback_in_a_subflow_counts_for_the_route_of_its_call() -> None:
    stack = (Frame("line", "ask", {}, ()),)
    call = Call("r1", "billing", "menu", "", stack=stack)
    record = CallbackRecord(Ice(call_id="c1"), "r1", call, (), 0.1, 0.0, False, "answered")
    assert label_callback(record) == ("ice", "answered", "", "billing", "", "", "line")


def test_exits_of_states_are_counted_without_what_callers_said() -> None:
    registry = CollectorRegistry()
    metrics = FlowMetrics(registry)
    trace = (
        TraceEntry("line", "main", "key 1"),
        TraceEntry("line", "main", "a note", is_note=True),
        TraceEntry("line", "date", "failed: 3112 is no date"),
        TraceEntry("line", "sorry", "answers"),
    )
    metrics.count_exits([trace, trace])
    (family,) = [one for one in registry.collect() if one.name == "flowengine_exits"]
    found = {tuple(one.labels.values()): one.value for one in family.samples if one.value == 2}
    assert set(found) == {
        ("line", "main", "key 1"),
        ("line", "date", "failed"),
        ("line", "sorry", "answers"),
    }
