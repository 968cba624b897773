"""Follows a journal on a PostgreSQL server by the numbers of its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

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
_NUMBER_QUERY: LiteralString = (
    "SELECT min(number) FROM flowengine.journal_callbacks WHERE part >= %s AND at >= %s"
)


class PostgresqlJournalFeed:
    """A journal on a server. Its connection stays open, as pages look once a second."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.name = redact_password(address)
        self._connection: PostgresqlConnection | None = None

    def exists(self) -> bool:
        """Only the server knows."""
        return True

    @contextmanager
    def open(self) -> Iterator["PostgresqlFeed"]:
        """The journal as it is now. Raises JournalError."""
        if self._connection is None or self._connection.closed:
            self._connection = open_existing_journal(self._address, FEED_STATEMENT_SECONDS)
        try:
            yield PostgresqlFeed(self._connection, self._address)
        except JournalError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


class PostgresqlFeed:
    """The rows of a journal."""

    def __init__(self, connection: PostgresqlConnection, address: str) -> None:
        self._connection = connection
        self._address = address

    def read_bounds(self) -> FeedBounds:
        """The table by its id, and its numbers."""
        (row,) = self._fetch_rows(_SERVER_BOUNDS_QUERY)
        return FeedBounds._make(row)

    def read_rows(self, above: int, upto: int) -> list[CallbackRow]:
        """The rows with these numbers."""
        rows = self._fetch_rows(_SERVER_ROWS_QUERY, above, upto, binary=True)
        return [CallbackRow._make(row) for row in rows]

    def read_dimension(self, number: int) -> DimensionValues:
        """The same in every part. Raises LookupError where its part was dropped just now."""
        rows = self._fetch_rows(_SERVER_DIMENSION_QUERY, number)
        if not rows:
            raise LookupError(f"dimension {number} is gone")
        return rows[0]

    def read_dimensions_of_rows(self, _above: int, _upto: int) -> dict[int, DimensionValues]:
        """None: each row has a dimension."""
        return {}

    def find_number(self, since: float) -> int:
        """The least number of those that came since then."""
        ((number,),) = self._fetch_rows(_NUMBER_QUERY, find_first_part(since), since)
        return self.read_bounds().last + 1 if number is None else int(number)

    def find_moment(self, number: int | None) -> float | None:
        """The time of a row, or of the oldest."""
        rows = self._fetch_rows(_SERVER_MOMENT_QUERY, number or 0)
        return rows[0][0] if rows else None

    def _fetch_rows(
        self, query: LiteralString, *values: float, binary: bool = False
    ) -> list[tuple[Any, ...]]:
        with wrap_journal_errors(self._address):
            return self._connection.execute(query, values, binary=binary).fetchall()
