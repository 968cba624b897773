"""Positions on a line, as near to where they should be as order and distances allow."""

from collections.abc import Sequence


def fit_positions(
    wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]
) -> list[float]:
    """The positions with the least sum of weighted squares of distances to the wanted ones, each at
    least as far from the one before as `distances` says (one fewer than positions): isotonic
    regression by pooling neighbours that are in each other's way.
    """
    if not wanted:
        return []
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    pools: list[list[float]] = []  # mean, weight, how many
    for place, weight, offset in zip(wanted, weights, offsets, strict=True):
        pools.append([place - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, mass, many = pools.pop()
            before = pools[-1]
            both = before[1] + mass
            before[0] = (before[0] * before[1] + mean * mass) / both
            before[1], before[2] = both, before[2] + many
    means = (pool[0] for pool in pools for _ in range(int(pool[2])))
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
