"""Follows a journal on a PostgreSQL server by the numbers of its rows."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString, NamedTuple

import psycopg

from flowengine.journal.indexed_call import CallbackRow
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_protocol import DimensionValues, FeedBounds
from flowengine.journal.postgresql_tables import (
    PostgresqlConnection,
    find_first_part,
    open_existing_journal,
    wrap_journal_errors,
)
from flowengine.storage.sessions.store_url import redact_password

FEED_STATEMENT_SECONDS = 10.0
GAP_SECONDS = 30.0  # after which rows that are not there were never committed: writers wait for 10
_SERVER_BOUNDS_QUERY: LiteralString = """
SELECT 'flowengine.journal_callbacks'::regclass::oid::bigint,
    coalesce((SELECT min(number) FROM flowengine.journal_callbacks), 1),
    coalesce((SELECT max(number) FROM flowengine.journal_callbacks), 0)
"""
_SERVER_ROWS_QUERY: LiteralString = """
SELECT number, call, at, seconds, micros, dimension, own, CASE WHEN step > 1 THEN NULL WHEN c.readable_text IS NULL THEN c.readable
    ELSE (SELECT content FROM flowengine.journal_texts t WHERE t.part = c.part AND t.text = c.readable_text) END
FROM flowengine.journal_callbacks c WHERE number > %s AND number <= %s ORDER BY number
"""
_SERVER_DIMENSION_QUERY: LiteralString = """
SELECT event, release, flow, state, outcome, exit, reason, trace FROM flowengine.journal_dimensions
WHERE dimension = %s LIMIT 1
"""
_SERVER_MOMENT_QUERY: LiteralString = (
    "SELECT at FROM flowengine.journal_callbacks WHERE number >= %s ORDER BY number LIMIT 1"
)
_NUMBER_QUERY: LiteralString = "SELECT min(number) FROM flowengine.journal_callbacks WHERE part >= %(part)s AND at >= %(since)s"


class NumberGap(NamedTuple):
    """Numbers that had no rows at some moment, though higher ones had."""

    above: int
    upto: int
    seen_at: float


class PostgresqlJournalFeed:
    """A journal on a server. Its connection stays open, as pages look once a second. `since` is a
    clock that nobody sets.
    """

    def __init__(self, address: str, since: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self.name = redact_password(address)
        self._connection: PostgresqlConnection | None = None
        self._gaps = GapList(since)

    def exists(self) -> bool:
        """Only the server knows."""
        return True

    @contextmanager
    def open(self) -> Iterator["PostgresqlFeed"]:
        """The journal as it is now. Raises JournalError."""
        if self._connection is None or self._connection.closed:
            self._connection = open_existing_journal(self._address, FEED_STATEMENT_SECONDS)
        try:
            with wrap_journal_errors(self._address):
                yield PostgresqlFeed(self._connection, self._gaps)
        except JournalError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


class GapList:
    """Gaps in the numbers of rows: writers number rows when they write them, and commit them in
    whatever order.
    """

    def __init__(self, since: Callable[[], float]) -> None:
        self._monotonic = since
        self._gaps: list[NumberGap] = []

    def note(self, above: int, upto: int, numbers: Sequence[int]) -> None:
        """Take note of the numbers up to `upto` that are not among these."""
        now, last = self._monotonic(), above
        for number in (*numbers, upto + 1):
            if number > last + 1:
                self._gaps.append(NumberGap(last, number - 1, now))
            last = number

    def take(self) -> list[NumberGap]:
        """The gaps in which rows may still appear. What is missing then must be noted again, by
        `put_back`.
        """
        now = self._monotonic()
        found, self._gaps = [gap for gap in self._gaps if now - gap.seen_at <= GAP_SECONDS], []
        return found

    def put_back(self, gap: NumberGap, numbers: Sequence[int]) -> None:
        """Note what is left of a gap without the numbers that have appeared in it."""
        last = gap.above
        for number in (*numbers, gap.upto + 1):
            if number > last + 1:
                self._gaps.append(NumberGap(last, number - 1, gap.seen_at))
            last = number


class PostgresqlFeed:
    """The rows of a journal, and the gaps among those that were read as new."""

    def __init__(self, connection: PostgresqlConnection, gaps: GapList) -> None:
        self._connection = connection
        self._gaps = gaps

    def read_bounds(self) -> FeedBounds:
        """The table by its id, and its numbers."""
        (row,) = self._connection.execute(_SERVER_BOUNDS_QUERY).fetchall()
        return FeedBounds._make(row)

    def read_rows(self, above: int, upto: int, *, is_new: bool) -> list[CallbackRow]:
        """The rows with these numbers."""
        rows = self._fetch_rows(above, upto)
        if is_new:
            self._gaps.note(above, upto, [row.number for row in rows])
        return rows

    def read_late_rows(self) -> list[CallbackRow]:
        """Rows that have appeared in gaps."""
        found = []
        for gap in self._gaps.take():
            rows = self._fetch_rows(gap.above, gap.upto)
            self._gaps.put_back(gap, [row.number for row in rows])
            found += rows
        return found

    def read_dimension(self, number: int) -> DimensionValues:
        """The same in every part."""
        found: DimensionValues | None = self._connection.execute(
            _SERVER_DIMENSION_QUERY, (number,)
        ).fetchone()
        if found is None:  # its part was dropped just now
            raise psycopg.DataError(f"dimension {number} is gone")
        return found

    def read_dimensions_of_rows(self, _above: int, _upto: int) -> dict[int, DimensionValues]:
        """None: each row has a dimension."""
        return {}

    def find_number(self, since: float) -> int:
        """The least number of those that came since then."""
        values = {"part": find_first_part(since), "since": since}
        (number,) = self._connection.execute(_NUMBER_QUERY, values).fetchone() or (None,)
        return self.read_bounds().last + 1 if number is None else int(number)

    def find_moment(self, number: int | None) -> float | None:
        """The time of a row, or of the oldest."""
        row = self._connection.execute(_SERVER_MOMENT_QUERY, (number or 0,)).fetchone()
        return row[0] if row else None

    def _fetch_rows(self, above: int, upto: int) -> list[CallbackRow]:
        rows = self._connection.execute(_SERVER_ROWS_QUERY, (above, upto), binary=True)
        return [CallbackRow._make(row) for row in rows]
