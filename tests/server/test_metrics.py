"""The numbers for Prometheus."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

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
