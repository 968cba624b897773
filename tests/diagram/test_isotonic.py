"""Positions on a line that keep their distances."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.diagram.isotonic import fit_positions

PLACES = st.floats(-100, 100)
ITEMS = st.lists(st.tuples(PLACES, st.floats(0.1, 8), st.floats(0, 50), PLACES), max_size=8)


@pytest.mark.parametrize(
    ("wanted", "distances", "found"),
    [
        ([], [], []),
        ([3], [], [3]),
        ([0, 10], [5], [0, 10]),
        ([0, 0], [10], [-5, 5]),
        ([10, 0], [0], [5, 5]),
        ([0, 0, 30], [10, 10], [-5, 5, 30]),
    ],
)
def test_positions_are_where_they_should_be_or_share_what_is_missing(
    wanted: list[float], distances: list[float], found: list[float]
) -> None:
    assert fit_positions(wanted, [1.0] * len(wanted), distances) == pytest.approx(found)


def test_heavier_position_moves_less() -> None:
    assert fit_positions([0, 0], [3, 1], [8]) == pytest.approx([-2, 6])


@given(ITEMS)
def test_positions_keep_their_distances_and_no_others_are_nearer(
    items: list[tuple[float, float, float, float]],
) -> None:
    wanted = [item[0] for item in items]
    weights = [item[1] for item in items]
    distances = [item[2] for item in items[1:]]
    found = fit_positions(wanted, weights, distances)
    for (left, right), distance in zip(pairwise(found), distances, strict=True):
        assert right - left >= distance - 1e-6
    other: list[float] = []
    for item in items:
        other.append(max(item[3], other[-1] + item[2]) if other else item[3])

    def count_cost(places: list[float]) -> float:
        return sum(w * (p - q) ** 2 for p, q, w in zip(places, wanted, weights, strict=True))

    assert count_cost(found) <= count_cost(other) + 1e-6
