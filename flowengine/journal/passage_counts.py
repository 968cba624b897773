"""How callers went through the flows in some time: how many entered a state, by which exit they
left, and where they hung up.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from flowengine.journal.encrypted_part import TraceTriples
from flowengine.journal.journal_row import NON_EXIT_PATTERN

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
SPANS = (300, HOUR_SECONDS, DAY_SECONDS)
"""Seconds of the periods that counts are kept for; the longer the time, the coarser"""
FINE_SECONDS = 25 * HOUR_SECONDS  # for which the finest counts are kept
MAX_HOURLY_SECONDS = 8 * DAY_SECONDS  # up to which hours are summed, beyond it days
CALLER_HANGUP_REASON = "callerhangup"
NON_MOVING_EVENTS = frozenset({"dice", "notify"})
"""Callbacks that leave a call where it is"""
FAILURE_EXITS = frozenset({"error", "failed"})
"""By which a state is left that has failed"""
STAYS_PREFIX = "again"  # the state asks once more
_decode_trace = msgspec.json.Decoder(TraceTriples).decode


class StatePassages(msgspec.Struct):
    """What callers did in a state: how many entered it, by which exits they left, how many were asked
    again, hung up here, and were cut off or ended here otherwise.
    """

    entered: int = 0
    exits: dict[str, int] = {}
    again: int = 0
    hung_up: int = 0
    ended: int = 0


class Passage(NamedTuple):
    """What one callback adds to the counts of states. `ends` is "hung_up" or "ended" where
    the call ended with it, in the state `at`.
    """

    entered: tuple[tuple[str, str], ...]
    exits: tuple[tuple[str, str, str], ...]
    again: tuple[tuple[str, str], ...]
    at: tuple[str, str]
    ends: str

    def list_flows(self) -> set[str]:
        """The flows whose counts it changes."""
        places = (*self.entered, *self.again, *((flow, state) for flow, state, _ in self.exits))
        ended = [self.at] if self.ends and self.at[1] else []
        return {flow for flow, _ in (*places, *ended)}


class PassageCounts:
    """Counts of passages by flows and periods of time. A passage has a number."""

    def __init__(self) -> None:
        self._passages: list[Passage] = []
        self._numbers: dict[Passage, int] = {}
        self._flows: list[set[str]] = []
        self._counts: dict[str, dict[tuple[int, int], dict[int, int]]] = {}

    def number_passage(self, passage: Passage) -> int:
        """The number of a passage."""
        number = self._numbers.get(passage)
        if number is None:
            number = self._numbers[passage] = len(self._passages)
            self._passages.append(passage)
            self._flows.append(passage.list_flows())
        return number

    def add(self, passages: Iterable[tuple[float, int]], newest: float) -> None:
        """Count callbacks, each with its time and the number of its passage; `newest` is the time of
        the newest of all.
        """
        finest = Counter((int(at // SPANS[0]), passage) for at, passage in passages)
        for (number, passage), times in finest.items():
            at = number * SPANS[0]
            keys = [(span, at // span) for span in SPANS[newest - at > FINE_SECONDS :]]
            for flow in self._flows[passage]:
                periods = self._counts.setdefault(flow, {})
                for key in keys:
                    counter = periods.setdefault(key, {})
                    counter[passage] = counter.get(passage, 0) + times

    def drop_before(self, oldest: float, newest: float) -> None:
        """Forget what is older than the journal, and what is too old to be counted finely."""
        limits = dict.fromkeys(SPANS, oldest) | {SPANS[0]: max(oldest, newest - FINE_SECONDS)}
        for flow, periods in self._counts.items():
            self._counts[flow] = {
                (span, number): counter
                for (span, number), counter in periods.items()
                if (number + 1) * span > limits[span]
            }

    def clear(self) -> None:
        self._counts.clear()

    def count(self, flow: str, since: float, until: float) -> dict[str, StatePassages]:
        """What callers did in each state of a flow in this time. Its beginning is rounded down to a
        period.
        """
        span, periods = choose_span(until - since), self._counts.get(flow, {})
        total: Counter[int] = Counter()
        for number in range(int(since // span), int(until // span) + 1):
            if counter := periods.get((span, number)):
                total.update(counter)
        found: dict[str, StatePassages] = {}
        for passage, times in total.items():
            add_passage(found, flow, self._passages[passage], times)
        return found


def choose_span(seconds: float) -> int:
    """The length of the periods that a time is summed from."""
    if seconds <= HOUR_SECONDS:
        return SPANS[0]
    return SPANS[1] if seconds <= MAX_HOURLY_SECONDS else SPANS[2]


def add_passage(found: dict[str, StatePassages], flow: str, passage: Passage, times: int) -> None:
    """Add what so many callbacks with this passage did in a flow."""
    for own, state in passage.entered:
        if own == flow:
            found.setdefault(state, StatePassages()).entered += times
    for own, state, name in passage.exits:
        if own == flow:
            exits = found.setdefault(state, StatePassages()).exits
            exits[name] = exits.get(name, 0) + times
    for own, state in passage.again:
        if own == flow:
            found.setdefault(state, StatePassages()).again += times
    if passage.ends and passage.at[0] == flow and passage.at[1]:
        passages = found.setdefault(passage.at[1], StatePassages())
        if passage.ends == "hung_up":
            passages.hung_up += times
        else:
            passages.ended += times


def has_failed_state(trace: str) -> bool:
    """Whether a state has failed in this trace."""
    return any(is_failure(what) for _, _, what in _decode_trace(trace))


def is_failure(what: str) -> bool:
    """Whether a line of a trace says that its state has failed.

    >>> is_failure("failed: the secret is not set"), is_failure("error"), is_failure("failed to")
    (True, True, False)
    """
    return what.partition(": ")[0] in FAILURE_EXITS


def mark_exits(trace: Sequence[tuple[str, str, str]]) -> list[bool]:
    """Which lines of the trace of a callback are exits. The notes of a state stand behind the line
    that it moves or answers with, at the same place.

    >>> mark_exits([("f", "look", "failed"), ("f", "look", "fetch failed: timeout"), ("f", "a", "next")])
    [True, False, True]
    """
    marks, left = [], None
    for flow, state, what in trace:
        place = flow, state
        is_exit = bool(
            state
            and place != left
            and not NON_EXIT_PATTERN.match(what)
            and not what.startswith(STAYS_PREFIX)
        )
        marks.append(is_exit)
        if is_exit or what == "answers":
            left = place
        elif place != left or NON_EXIT_PATTERN.match(what):
            left = None
    return marks


def read_passage(event: str, reason: str, at: tuple[str, str], trace: str) -> Passage:
    """What a callback does, by its trace; `at` is where the call is after it. A callback begins in
    the state that the call has waited in, and nobody enters that by it; unless it begins the call,
    or a part of the flow that handles an event which does not move it.
    """
    entered: list[tuple[str, str]] = []
    exits: list[tuple[str, str, str]] = []
    again: list[tuple[str, str]] = []
    before = None
    lines = _decode_trace(trace) if trace else ()
    for index, ((flow, state, what), is_exit) in enumerate(
        zip(lines, mark_exits(lines), strict=True)
    ):
        if not state:
            continue
        is_handler = event in NON_MOVING_EVENTS and (flow, state) != at
        if (flow, state) != before and (index or event == "ice" or is_handler):
            entered.append((flow, state))
        before = flow, state
        if what.startswith(STAYS_PREFIX):
            again.append((flow, state))
        elif is_exit:
            exits.append((flow, state, what.partition(": ")[0]))
    ends = ""
    if event == "dice":
        ends = "hung_up" if reason.lower() == CALLER_HANGUP_REASON else "ended"
    return Passage(tuple(entered), tuple(exits), tuple(again), at if ends else ("", ""), ends)
