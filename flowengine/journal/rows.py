"""Makes rows of callbacks and writes them, many in one statement."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from flowengine.compile import Release
from flowengine.journal.answers import Answers
from flowengine.journal.losses import record_losses
from flowengine.journal.row import REPEATED, Noted, Row, row
from flowengine.journal.seal import Sealer

log = logging.getLogger(__name__)
_COLUMNS, _VALUES = ", ".join(Row._fields), ", ".join("?" * len(Row._fields))
# rows in one statement: each statement hands the interpreter to the thread that answers, and must
# get it back
_AT_ONCE = 16
_INSERTS = {
    rows: f"INSERT INTO callbacks ({_COLUMNS}) "  # noqa: S608
    f"VALUES {', '.join([f'({_VALUES})'] * rows)}"
    for rows in (1, _AT_ONCE)
}
_INSERT_UNLESS_KNOWN = (
    f"INSERT INTO callbacks ({_COLUMNS}) SELECT {_VALUES} "  # noqa: S608
    "WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE call = ? AND digest = ?)"
)
Counted = Callable[[str, int], None]
"""Told of rows that were `kept` or `lost`, and how many"""


class Rows:
    """`release` finds the release that a callback was answered by, or the current one where this
    worker does not have it.
    """

    def __init__(
        self, release: Callable[[str], Release], sealer: Sealer | None, counted: Counted
    ) -> None:
        self._release = release
        self._sealer = sealer
        self._counted = counted

    def write(
        self,
        connection: sqlite3.Connection,
        answers: Answers,
        batch: Sequence[Noted],
        releases: Mapping[str, Release] | None = None,
    ) -> int:
        """Write the rows of these callbacks, by these releases where they are given; how many there
        are.
        """
        kept = 0
        for start in range(0, len(batch), _AT_ONCE):
            made = [
                made
                for noted in batch[start : start + _AT_ONCE]
                if (made := self._made(noted, releases or {}))
            ]
            insert(connection, [answers.shared(connection, one) for one in made])
            kept += len(made)
        if kept < len(batch):
            record_losses(connection, time.time(), len(batch) - kept)
        return kept

    def _made(self, noted: Noted, releases: Mapping[str, Release]) -> Row | None:
        name = noted.record.release
        try:
            return row(noted, releases.get(name) or self._release(name), self._sealer)
        except Exception:  # one row that cannot be made must not cost the others
            log.exception(
                "a callback of call %s is not in the call journal", noted.record.event.call_id
            )
            self._counted("lost", 1)
            return None


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write rows, many in one statement. Of a repeated delivery the first has its row, unless that
    worker died just before.
    """
    if len(rows) == _AT_ONCE and not any(made.outcome == REPEATED for made in rows):
        connection.execute(_INSERTS[_AT_ONCE], [*chain.from_iterable(rows)])
        return
    for made in rows:
        if made.outcome == REPEATED:
            connection.execute(_INSERT_UNLESS_KNOWN, (*made, made.call, made.digest))
        else:
            connection.execute(_INSERTS[1], made)
