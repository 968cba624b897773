"""What the figures of a canary come to: whether it does better or worse than the current release."""

from math import sqrt
from typing import Literal, NamedTuple

from flowengine.journal import CanaryFigures

MIN_CALLS = 30  # of each side; of fewer, one call more or less says nothing
CERTAIN_DEVIATIONS = 2.6  # by chance alone in one of a hundred comparisons
VerdictKind = Literal["too early", "worse", "better", "alike"]


class CanaryVerdict(NamedTuple):
    """A verdict, and why in words."""

    kind: VerdictKind
    why: str


def judge_canary(current: CanaryFigures, candidate: CanaryFigures) -> CanaryVerdict:
    """Compare errors, then abandoned calls: shares differ where chance alone would hardly do it.

    >>> judge_canary(CanaryFigures(1000, 10, 100), CanaryFigures(100, 9, 11)).kind
    'worse'
    >>> judge_canary(CanaryFigures(1000, 10, 100), CanaryFigures(20, 2, 2)).kind
    'too early'
    """
    if min(current.calls, candidate.calls) < MIN_CALLS:
        return CanaryVerdict("too early", f"each side needs {MIN_CALLS} calls")
    for name, old, new in (
        ("errors", current.errors, candidate.errors),
        ("calls abandoned", current.abandoned, candidate.abandoned),
    ):
        deviation = measure_deviation(old, current.calls, new, candidate.calls)
        if abs(deviation) >= CERTAIN_DEVIATIONS:
            shares = f"{new / candidate.calls:.1%} instead of {old / current.calls:.1%} {name}"
            return CanaryVerdict("worse" if deviation > 0 else "better", shares)
    return CanaryVerdict("alike", "errors and abandoned calls differ no more than by chance")


def measure_deviation(old: int, old_calls: int, new: int, new_calls: int) -> float:
    """By how many standard deviations the new share is above the old one, were both the same."""
    share = (old + new) / (old_calls + new_calls)
    spread = sqrt(share * (1 - share) * (1 / old_calls + 1 / new_calls))
    return (new / new_calls - old / old_calls) / spread if spread else 0.0
