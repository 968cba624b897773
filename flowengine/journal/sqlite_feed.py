"""Follows the journal in a file by the numbers of its rows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flowengine.journal.indexed_call import CallbackRow
from flowengine.journal.journal_database import format_read_error, open_for_reading
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_protocol import DimensionValues, FeedBounds

INDEX_BUSY_SECONDS = 0.3  # pages wait for it, and for who reads already
_CHUNK_QUERY = """
SELECT number, call, at, seconds, micros, dimension, own, CASE WHEN step <= 1 THEN readable END
FROM rows WHERE number > ? AND number <= ? ORDER BY number
"""
_KIND_COLUMNS = "event, release, flow, state, outcome, exit, reason, trace"
_DIMENSION_QUERY = f"SELECT {_KIND_COLUMNS} FROM dimensions WHERE number = ?"  # noqa: S608
_OLD_DIMENSIONS_QUERY = f"""SELECT number, {_KIND_COLUMNS} FROM rows
WHERE number > ? AND number <= ? AND dimension IS NULL"""  # noqa: S608
# each by a look at one end of the table; both at once would read all of it
_BOUNDS_QUERY = """
SELECT coalesce((SELECT min(number) FROM callbacks), 1), coalesce((SELECT max(number) FROM callbacks), 0)
"""
_OLDEST_MOMENT_QUERY = "SELECT min(at) FROM callbacks"
_MOMENT_QUERY = "SELECT at FROM callbacks WHERE number >= ? ORDER BY number LIMIT 1"


class SqliteJournalFeed:
    """A journal in a file, which is opened anew each time: somebody may replace it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path.is_file()

    @contextmanager
    def open(self) -> Iterator["SqliteFeed"]:
        """The file as it is now. Raises JournalError."""
        with closing(open_for_reading(self._path, INDEX_BUSY_SECONDS)) as connection:
            yield SqliteFeed(self._path, connection)

    def close(self) -> None:
        """Nothing is kept open."""


class SqliteFeed:
    """The rows of an open file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection

    def read_bounds(self) -> FeedBounds:
        """The file by its device and inode, and its numbers."""
        ((first, last),) = self._fetch_rows(_BOUNDS_QUERY)
        try:
            found = self._path.stat()
        except OSError as error:  # somebody has moved it away since it was opened
            raise JournalError(f"there is no call journal {self._path}") from error
        return FeedBounds((found.st_dev, found.st_ino), first, last)

    def read_rows(self, above: int, upto: int) -> list[CallbackRow]:
        """The rows with these numbers."""
        return [CallbackRow._make(row) for row in self._fetch_rows(_CHUNK_QUERY, above, upto)]

    def read_dimension(self, number: int) -> DimensionValues:
        """A row of the table of dimensions."""
        rows = self._fetch_rows(_DIMENSION_QUERY, number)
        if not rows:
            raise LookupError(f"dimension {number} is gone")
        return rows[0]

    def read_dimensions_of_rows(self, above: int, upto: int) -> dict[int, DimensionValues]:
        """Those of rows of version 2."""
        rows = self._fetch_rows(_OLD_DIMENSIONS_QUERY, above, upto)
        return {number: tuple(values) for number, *values in rows}

    def find_number(self, since: float) -> int:
        """The least number of those that came since then."""
        query = "SELECT min(number) FROM callbacks WHERE at >= ?"
        ((number,),) = self._fetch_rows(query, since)
        return self.read_bounds().last + 1 if number is None else int(number)

    def find_moment(self, number: int | None) -> float | None:
        """The time of a row, or of the oldest."""
        query, values = (_OLDEST_MOMENT_QUERY, ()) if number is None else (_MOMENT_QUERY, (number,))
        rows = self._fetch_rows(query, *values)
        return rows[0][0] if rows else None

    def _fetch_rows(self, query: str, *values: float) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            if not hasattr(error, "sqlite_errorcode"):  # it is a text of one row
                raise
            raise JournalError(format_read_error(self._path, error)) from error
