"""How the server does at this moment: what it has answered in the last minute, and how fast."""

from collections import deque
from typing import NamedTuple

RATE_SECONDS = 60.0
FAILED_OUTCOMES = frozenset({"apology", "error"})
PERCENTILE = 0.95


class AnswerFigures(NamedTuple):
    """Of the last minute: callbacks answered, those that failed, and within how many milliseconds 95
    of a hundred were answered; None where there was none.
    """

    answered: int
    failed: int
    p95: float | None


class AnswerRates:
    """Remembers the callbacks of the last minute."""

    def __init__(self) -> None:
        self._answers: deque[tuple[float, int, bool]] = deque()

    def add(self, at: float, micros: int, *, is_failed: bool) -> None:
        """Take note of a callback, in whatever order they come."""
        self._answers.append((at, micros, is_failed))

    def measure(self, now: float) -> AnswerFigures:
        since = now - RATE_SECONDS
        while self._answers and self._answers[0][0] < since:
            self._answers.popleft()
        recent = [answer for answer in self._answers if since <= answer[0] <= now]
        times = sorted(micros for _, micros, _ in recent)
        p95 = times[min(len(times) - 1, int(len(times) * PERCENTILE))] / 1000 if times else None
        return AnswerFigures(len(recent), sum(failed for *_, failed in recent), p95)

    def clear(self) -> None:
        self._answers.clear()
