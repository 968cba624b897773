"""The finished calls of a journal for analysts, in the order in which they ended.

The callbacks are read once, in the order of their numbers, and only the calls that are under way
there are in memory.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from flowengine.journal.call_index import CHUNK_CALLBACKS, LIVE_SECONDS
from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT
from flowengine.journal.indexed_call import (
    CallbackKind,
    CallbackRow,
    IndexedCall,
    build_kind,
)
from flowengine.journal.journal_protocol import CallbackFeed, DimensionValues, JournalFeed
from flowengine.journal.passage_counts import NON_MOVING_EVENTS
from flowengine.sinch.call_id import decode_call_id

# A callback of before the end may be written later than the end, by another machine; and a notice may
# come after it.
SETTLED_SECONDS = 60.0


class FinishedCall(msgspec.Struct, frozen=True):
    """A call that has ended. Times are seconds since 1970; `seconds` is how long it lasted, as the
    platform reports it. `outcome` is the worst of its callbacks, `state` the one that it ended in,
    `exit` its last choice. A leg has the call of its caller, or its placement, as `parent`.
    """

    call: str
    began: float
    ended: float
    seconds: int
    release: str
    flow: str
    last_flow: str
    state: str
    exit: str
    outcome: str
    reason: str
    caller: str
    called: str
    callbacks: int
    parent: str
    leg: int


class _OpenCall(NamedTuple):
    """A call that is read. `has_begun` says that its first callback is there."""

    call: IndexedCall
    has_begun: bool


def iter_finished_calls(feed: JournalFeed, since: float = 0.0) -> Iterator[FinishedCall]:
    """The calls that began at `since` or later, have ended, and are whole. Raises JournalError."""
    with feed.open() as journal:
        bounds = journal.read_bounds()
        above = (journal.find_number(since) if since else bounds.first) - 1
    folding = CallFolding()
    while above < bounds.last:
        upto = min(bounds.last, above + CHUNK_CALLBACKS)
        with feed.open() as journal:  # not for long: what reads keeps a file from being tidied up
            folding.add_chunk(journal, above, upto)
        above = upto
        yield from folding.take_finished(since)
    yield from folding.take_finished(since, is_last=True)


class CallFolding:
    """Folds callbacks to calls."""

    def __init__(self) -> None:
        self._open: dict[bytes, _OpenCall] = {}
        self._kinds: dict[int, CallbackKind] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._place_names: list[tuple[str, str]] = [("", "")]
        self._newest = 0.0

    def add_chunk(self, journal: CallbackFeed, above: int, upto: int) -> None:
        """Add the callbacks with these numbers."""
        rows = journal.read_rows(above, upto)
        old = journal.read_dimensions_of_rows(above, upto)
        for row in rows:
            number = row.dimension
            if number is None:
                kind = self._build_kind(old[row.number])
            else:
                kind = self._kinds.get(number) or self._build_kind(journal.read_dimension(number))
                self._kinds[number] = kind
            self._add(row, kind)

    def take_finished(self, since: float, *, is_last: bool = False) -> Iterator[FinishedCall]:
        """The calls that have ended some time ago; of all that have ended where nothing follows."""
        for key, (call, has_begun) in list(self._open.items()):
            if call.ended and (is_last or call.until < self._newest - SETTLED_SECONDS):
                del self._open[key]
                if has_begun and call.at >= since:
                    yield self._build_call(call)
            elif call.until < self._newest - LIVE_SECONDS:  # its end was never recorded
                del self._open[key]

    def _add(self, row: CallbackRow, kind: CallbackKind) -> None:
        known = self._open.get(row.call)
        call = IndexedCall(row, kind) if known is None else known.call
        call.add(row, kind)
        is_first = kind.event == "ice" or (
            row.readable is not None and kind.event not in NON_MOVING_EVENTS
        )
        self._open[row.call] = _OpenCall(call, is_first or (known is not None and known.has_begun))
        self._newest = max(self._newest, row.at)

    def _build_kind(self, values: DimensionValues) -> CallbackKind:
        _, _, flow, state, *_ = values
        return build_kind(values, self._find_place(flow, state) if state else 0)

    def _find_place(self, flow: str, state: str) -> int:
        number = self._places.get((flow, state))
        if number is None:
            number = self._places[flow, state] = len(self._place_names)
            self._place_names.append((flow, state))
        return number

    def _build_call(self, call: IndexedCall) -> FinishedCall:
        return FinishedCall(
            decode_call_id(call.call), call.at, call.until, call.seconds, call.release, call.flow,
            *self._place_names[call.place], call.exit, OUTCOMES_BY_WEIGHT[call.weight], call.reason, call.caller,
            call.called, call.callbacks, call.parent, call.leg,
        )  # fmt: skip
