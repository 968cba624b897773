"""What many callbacks have in common stands in the journal once; rows refer to it by number."""

import sqlite3

import msgspec
from msgspec.structs import astuple

from flowengine.storage.bounded_entries import put_bounded

MIN_INTERNED_CHARACTERS = 12  # characters; a shorter text takes no more room than its number
MAX_INTERNED_VALUES = 2000  # values of each table that are remembered
# after this a value is written anew, so that what is older than any callback can be dropped
REWRITE_SECONDS = 86_400.0
# What is older than the oldest callback by more than this belongs to none.
UNUSED_SECONDS = 2 * REWRITE_SECONDS
INTERN_TABLES = ("texts", "dimensions")


class Dimension(msgspec.Struct, frozen=True, gc=False):
    """What a callback has in common with others: what came, by which release, and the way that it
    took. `trace` is JSON.
    """

    event: str
    release: str
    flow: str
    state: str
    outcome: str
    action: str
    exit: str
    reason: str
    trace: str


_INSERT_TEXT = "INSERT INTO texts (at, content) VALUES (?, ?)"
_INSERT_DIMENSION = (
    f"INSERT INTO dimensions (at, {', '.join(Dimension.__struct_fields__)}) "  # noqa: S608
    f"VALUES (?{', ?' * len(Dimension.__struct_fields__)})"
)


class InternTables:
    """What this process has written of them. The oldest of too many values is forgotten, and
    written anew when it comes again.
    """

    def __init__(self) -> None:
        self._texts: dict[str, tuple[int, float]] = {}
        self._dimensions: dict[Dimension, tuple[int, float]] = {}
        self._seen_once: dict[str, None] = {}

    def intern_text(self, connection: sqlite3.Connection, text: str, at: float) -> int | str:
        """The number of a text; the text itself where it is short, or comes for the first time."""
        found = self._texts.get(text)
        if found is not None and at - found[1] <= REWRITE_SECONDS:
            return found[0]
        if len(text) < MIN_INTERNED_CHARACTERS:
            return text
        if found is None and text not in self._seen_once:
            put_bounded(self._seen_once, text, None, MAX_INTERNED_VALUES)
            return text
        self._seen_once.pop(text, None)
        number = _insert_value(connection, _INSERT_TEXT, (at, text))
        put_bounded(self._texts, text, (number, at), MAX_INTERNED_VALUES)
        return number

    def intern_dimension(
        self, connection: sqlite3.Connection, dimension: Dimension, at: float
    ) -> int:
        """The number of a dimension."""
        found = self._dimensions.get(dimension)
        if found is not None and at - found[1] <= REWRITE_SECONDS:
            return found[0]
        number = _insert_value(connection, _INSERT_DIMENSION, (at, *astuple(dimension)))
        put_bounded(self._dimensions, dimension, (number, at), MAX_INTERNED_VALUES)
        return number

    def clear(self) -> None:
        """What was written was taken back."""
        self._texts.clear()
        self._dimensions.clear()
        self._seen_once.clear()


def _insert_value(
    connection: sqlite3.Connection, statement: str, values: tuple[object, ...]
) -> int:
    return connection.execute(statement, values).lastrowid or 0
