"""The report of a load test."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

import msgspec

from flowengine.switch.calls.call_ending import BACKEND_FAILED, ILLEGAL_SVAML
from flowengine.switch.switch_events import AnswerReceived, CallEnded

EVENT_ORDER: Final = ("ice", "pie", "ace", "dice", "notify")


class Timing(msgspec.Struct, frozen=True):
    """How many callbacks of one kind there were, and within how many milliseconds so much of a
    hundred of them was answered.
    """

    count: int
    p50: float
    p90: float
    p99: float
    p99_9: float
    longest: float

    @classmethod
    def from_seconds(cls, seconds: Sequence[float]) -> "Timing":
        """Each is the time of a callback that there was, none is made up between two.

        >>> Timing.from_seconds([0.004, 0.001, 0.002, 0.003])
        Timing(count=4, p50=2.0, p90=4.0, p99=4.0, p99_9=4.0, longest=4.0)
        """
        ordered = sorted(seconds)
        ranks = (ceil(len(ordered) * share) - 1 for share in (0.5, 0.9, 0.99, 0.999, 1.0))
        return cls(len(ordered), *(round(ordered[rank] * 1000, 3) for rank in ranks))


class LoadReport(msgspec.Struct, frozen=True):
    """The result of all calls. Times are measured on the client's side."""

    calls: int
    lost: int
    """Calls that did not end: nothing more was going to happen in them"""
    seconds: float
    callbacks: Mapping[str, Timing]
    endings: Mapping[str, int]
    """How many calls ended with which result and reason"""
    errors: Mapping[str, int]
    """What went wrong with callbacks, and how often"""
    placed: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How many calls that the server has placed ended with which result and reason"""
    unended: int = 0
    """Calls that the server has placed, and that did not end"""

    @property
    def calls_per_second(self) -> float:
        """Calls per second of real time, however long they took in virtual time."""
        return round(self.calls / self.seconds, 1) if self.seconds else 0.0

    @property
    def failed_calls(self) -> int:
        """Calls that the server did not carry: it gave no usable answer."""
        return sum(
            self.endings.get(f"{ending.result} {ending.reason}", 0)
            for ending in (BACKEND_FAILED, ILLEGAL_SVAML)
        )

    @property
    def has_signature_errors(self) -> bool:
        """Whether callbacks were refused for their signature."""
        # reported apart, as the cure is another one: the credentials
        return any(error.endswith(" status 401") for error in self.errors)

    @property
    def is_passed(self) -> bool:
        """Whether nothing went wrong."""
        return not self.lost and not self.unended and not self.errors


class LoadCounter:
    """Counts while calls are in progress."""

    def __init__(self) -> None:
        self.calls = 0
        self.lost = 0
        self._times: defaultdict[str, list[float]] = defaultdict(list)
        self._endings: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._placed: Counter[str] = Counter()
        self._unended = 0

    def count_callback(self, event: str, seconds: float) -> None:
        """Count a callback that was answered or timed out."""
        self._times[event].append(seconds)

    def count_answer(self, answer: AnswerReceived) -> None:
        """Count the answer to a callback."""
        if answer.failure:
            self._errors[f"{answer.event}: {answer.failure}"] += 1
        for finding in answer.illegal:
            self._errors[f"{answer.event}: {finding.where}: {finding.message}"] += 1

    def count_call(self, ended: CallEnded | None) -> None:
        """Count a call that has ended or has nothing more due."""
        self.calls += 1
        if ended is None:
            self.lost += 1
        else:
            self._endings[f"{ended.result} {ended.reason}"] += 1

    def count_placed(self, ended: CallEnded) -> None:
        """Count a call that the server has placed, and that has ended."""
        self._placed[f"{ended.result} {ended.reason}"] += 1

    def count_unended_legs(self, count: int) -> None:
        """Count calls that the server has placed, and that do not end."""
        self._unended += count

    def build_report(self, seconds: float) -> LoadReport:
        timings = {
            event: Timing.from_seconds(self._times[event])
            for event in EVENT_ORDER
            if event in self._times
        }
        endings, errors = dict(self._endings.most_common()), dict(self._errors.most_common())
        return LoadReport(
            self.calls,
            self.lost,
            round(seconds, 3),
            timings,
            endings,
            errors,
            dict(self._placed.most_common()),
            self._unended,
        )
