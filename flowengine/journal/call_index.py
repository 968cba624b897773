"""The calls of a journal in memory, for those who look for them and count them: one row for each call,
and sums by time.

The journal has a row for each callback, and indexes by call and by time alone, as each further one
would cost every callback. So a process that looks often keeps this index beside it, which follows
the journal by the numbers of its rows; the newest are read first. Nothing of it is on a disk.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from flowengine.journal.answer_rates import (
    RATE_SECONDS,
    AnswerFigures,
    AnswerRates,
)
from flowengine.journal.call_search import (
    CallPage,
    CallQuery,
    ListedCall,
    PageKey,
    find_call,
    list_legs,
    search_calls,
)
from flowengine.journal.indexed_call import (
    CALL_INDEXES,
    CALL_TABLE,
    CallbackKind,
    CallbackRow,
    build_kind,
    fold_calls,
    save_calls,
)
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_protocol import CallbackFeed, DimensionValues, JournalFeed
from flowengine.journal.number_gaps import NumberGaps
from flowengine.journal.passage_counts import (
    PassageCounts,
    StatePassages,
    read_passage,
)
from flowengine.limits import MAX_CALL_SECONDS
from flowengine.runtime.log_once import LogOnce
from flowengine.sinch.call_id import encode_call_id

log = logging.getLogger(__name__)

CHUNK_CALLBACKS = 2000  # read at once, some 20 ms of work
# A call of which nothing was heard for longer has ended, and the platform's word of it was lost.
LIVE_SECONDS = MAX_CALL_SECONDS + 600.0
MAX_INDEXED_CALLBACKS = 5_000_000  # some 100 bytes each
PRUNE_SECONDS = 60.0
_PLACES_TABLE = """CREATE TABLE places (number INTEGER PRIMARY KEY, flow TEXT NOT NULL, state TEXT NOT NULL,
    UNIQUE (flow, state))"""
_LIVE_QUERY = """
SELECT places.flow, places.state, release, count(*) FROM calls INDEXED BY calls_under_way
LEFT JOIN places ON places.number = place WHERE ended = 0 AND at >= ? AND parent = ''
GROUP BY place, release
"""

_LATEST_QUERY = """
SELECT at FROM calls INDEXED BY calls_by_time WHERE parent = '' ORDER BY at DESC LIMIT 1
"""


class IndexProgress(NamedTuple):
    """How much of a journal is in its index, and whether that is all of it."""

    callbacks: int
    is_whole: bool


class LivePlace(NamedTuple):
    """How many calls are in a state of a release now."""

    flow: str
    state: str
    release: str
    calls: int


class CallIndex:
    """For any thread; one at a time is let in."""

    def __init__(self, feed: JournalFeed, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._feed = feed
        self._gaps = NumberGaps(monotonic)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        for statement in (CALL_TABLE, _PLACES_TABLE, *CALL_INDEXES):
            self._database.execute(statement)
        self._places: dict[tuple[str, str], int] = {}
        self._kinds: dict[int, CallbackKind] = {}
        self._passages = PassageCounts()
        self._rates = AnswerRates()
        self._log_once = LogOnce(log)
        self._identity: Hashable = None
        self._reset()

    def catch_up(self, seconds: float = 1.0) -> bool:
        """Read what is new in the journal, and for so long what was before; whether anything has
        come. Raises JournalError.
        """
        with self._lock, self._feed.open() as journal:
            return self._catch_up(journal, time.monotonic() + seconds)

    def get_progress(self) -> IndexProgress:
        with self._lock:
            return IndexProgress(self._newest - self._oldest + 1, self._is_whole)

    def find_calls(self, query: CallQuery, after: PageKey | None = None) -> CallPage:
        """A page of the calls that are wanted."""
        with self._lock:
            return search_calls(self._database, query, after)

    def find_call(self, call: str) -> ListedCall | None:
        """The call with this id, None for one that is not there."""
        with self._lock:
            return find_call(self._database, encode_call_id(call))

    def find_legs(self, caller: str) -> list[str]:
        """The ids of the legs of a call, or of the calls of a placement."""
        with self._lock:
            rows = self._database.execute(
                "SELECT call FROM calls WHERE parent = ? AND parent <> '' ORDER BY at", (caller,)
            )
            return [row[0].decode("utf-8", "surrogatepass") for row in rows]

    def list_legs(self, callers: Sequence[str]) -> list[ListedCall]:
        """The first legs of each of these callers."""
        with self._lock:
            return list_legs(self._database, callers)

    def list_live_places(self, now: float) -> list[LivePlace]:
        """Where the calls that are under way are, without legs."""
        with self._lock:
            rows = self._database.execute(_LIVE_QUERY, (now - LIVE_SECONDS,)).fetchall()
        return [LivePlace(flow or "", state or "", *rest) for flow, state, *rest in rows]

    def find_latest_start(self) -> float:
        """When the latest call has begun; 0 where there is none."""
        with self._lock:
            row = self._database.execute(_LATEST_QUERY).fetchone()
        return float(row[0]) if row else 0.0

    def count_passages(self, flow: str, since: float, until: float) -> dict[str, StatePassages]:
        """What callers did in each state of a flow in this time."""
        with self._lock:
            return self._passages.count(flow, max(since, self._oldest_at), until)

    def measure_answers(self, now: float) -> AnswerFigures:
        """How the server does at this moment."""
        with self._lock:
            return self._rates.measure(now)

    def list_flows(self) -> list[str]:
        """The flows that calls have been in."""
        with self._lock:
            return sorted({flow for flow, _ in self._places})

    def close(self) -> None:
        with self._lock:
            self._database.close()
            self._feed.close()

    def _reset(self) -> None:
        self._database.execute("DELETE FROM calls")
        self._passages.clear()
        self._rates.clear()
        self._kinds.clear()
        self._gaps.clear()
        self._newest, self._oldest = 0, 1
        self._newest_at = self._oldest_at = 0.0
        self._pruned_at = time.monotonic()
        self._is_whole = False

    def _catch_up(self, journal: CallbackFeed, deadline: float) -> bool:
        identity, first, last = journal.read_bounds()
        if identity != self._identity or last < self._newest:
            self._reset()
            self._identity = identity
            self._newest, self._oldest = last, last + 1
        before = self._newest, self._oldest
        late = [
            self._read_chunk(journal, gap.above, gap.upto, is_new=True)
            for gap in self._gaps.list_open()
        ]
        while self._newest < last:
            upto = min(last, self._newest + CHUNK_CALLBACKS)
            self._read_chunk(journal, self._newest, upto, is_new=True)
            self._newest = upto
        while (
            self._oldest > first
            and self._newest - self._oldest + 1 < MAX_INDEXED_CALLBACKS
            and time.monotonic() < deadline
        ):
            above = max(first - 1, self._oldest - 1 - CHUNK_CALLBACKS)
            self._read_chunk(journal, above, self._oldest - 1)
            self._oldest = above + 1
        self._is_whole = self._oldest <= first
        self._prune(journal, first)
        return any(late) or before != (self._newest, self._oldest)

    def _read_chunk(
        self, journal: CallbackFeed, above: int, upto: int, *, is_new: bool = False
    ) -> bool:
        """Read these callbacks, without those that cannot be read; whether there are any. Among new
        ones there may be gaps.
        """
        try:
            rows = journal.read_rows(above, upto)
            self._add_rows(journal, rows, journal.read_dimensions_of_rows(above, upto))
        except JournalError:  # this is wrong with all of them
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one, the others are shown
            if upto - above == 1:
                reason = f"number {upto} of {self._feed.name}: {error!r}"
                self._log_once.error("a callback of the journal cannot be read: %s", reason)
                if is_new:
                    self._gaps.note(above, upto, [upto])
                return False
            middle = (above + upto) // 2
            first = self._read_chunk(journal, above, middle, is_new=is_new)
            return self._read_chunk(journal, middle, upto, is_new=is_new) or first
        if is_new:
            self._gaps.note(above, upto, [row.number for row in rows])
        return bool(rows)

    def _add_rows(
        self,
        journal: CallbackFeed,
        rows: Sequence[CallbackRow],
        dimensions: Mapping[int, DimensionValues],
    ) -> None:
        if not rows:
            return
        old = {number: self._build_kind(values) for number, values in dimensions.items()}
        pairs = [
            (
                row,
                old[row.number]
                if row.dimension is None
                else self._find_kind(journal, row.dimension),
            )
            for row in rows
        ]
        newest = max(row.at for row in rows)
        newest_at = max(self._newest_at, newest)
        oldest_at = min(self._oldest_at or newest, *(row.at for row in rows))
        with self._transaction():
            save_calls(self._database, fold_calls(pairs))
        self._newest_at, self._oldest_at = newest_at, oldest_at
        answered = [(row, kind) for row, kind in pairs if not kind.is_repeated]
        self._passages.add(((row.at, kind.passage) for row, kind in answered), self._newest_at)
        if newest > self._newest_at - 2 * RATE_SECONDS:
            for row, kind in answered:
                if row.micros is not None:
                    self._rates.add(row.at, row.micros, is_failed=kind.is_failed)

    def _find_kind(self, journal: CallbackFeed, dimension: int) -> CallbackKind:
        kind = self._kinds.get(dimension)
        if kind is None:
            kind = self._build_kind(journal.read_dimension(dimension))
            self._kinds[dimension] = kind
        return kind

    def _build_kind(self, values: DimensionValues) -> CallbackKind:
        event, _, flow, state, _, _, reason, trace = values
        passage = self._passages.number_passage(
            read_passage(event, reason, (flow, state), trace or "")
        )
        return build_kind(values, self._find_place(flow, state) if state else 0, passage)

    def _find_place(self, flow: str, state: str) -> int:
        number = self._places.get((flow, state))
        if number is None:
            number = self._places[flow, state] = len(self._places) + 1
            self._database.execute("INSERT INTO places VALUES (?, ?, ?)", (number, flow, state))
        return number

    def _prune(self, journal: CallbackFeed, first: int) -> None:
        """Forget, now and then, what the journal has dropped, and the oldest of too many."""
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        limit = self._newest - MAX_INDEXED_CALLBACKS + 1
        self._oldest = max(self._oldest, min(first, self._newest + 1), limit)
        oldest = journal.find_moment(limit if limit > first else None)
        self._oldest_at = max(self._oldest_at, oldest or self._newest_at)
        self._passages.drop_before(self._oldest_at, self._newest_at)
        self._database.execute("DELETE FROM calls WHERE until < ?", (self._oldest_at,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
