"""The numbers for Prometheus."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from flowengine.limits import MAX_METRIC_SERIES
from flowengine.server.flow_metrics import FlowMetrics
from flowengine.server.metrics import BUCKETS, observe_values

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
        labels = ("ice", "answered", "key", f"flow {number}", "", "")
        metrics.count(labels, [0.5, 0.25])
    ended = ("dice", "answered", "key", "flow 1", "menu", "answered")
    metrics.count(ended, [0.0])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"flowengine_{name}_total", labels)

    of_one = {"application": "key", "flow": "flow 1"}
    assert value("flow_callbacks", outcome="answered", **of_one) == 3
    assert value("flow_callback_seconds", **of_one) == 0.75
    assert value("flow_callbacks", application="other", flow="other", outcome="answered") == 4
    assert value("flow_callbacks", application="key", flow="flow 1001", outcome="answered") is None
    assert value("call_ends", flow="flow 1", state="menu", result="answered") == 1
