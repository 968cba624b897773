"""Reads a journal in a file, while servers write it."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowengine.journal.call_outcomes import ANY_WEIGHT, SQLITE_WEIGHT, WEIGHTS
from flowengine.journal.canary_figures import CanaryFigures, read_figures
from flowengine.journal.inbox_of_version_2 import count_waiting
from flowengine.journal.journal_database import (
    JOURNAL_BUSY_SECONDS,
    format_read_error,
    open_for_reading,
)
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_entries import (
    CallbackEntry,
    CallFilter,
    CallSummary,
    RecordedCallback,
    build_entry,
    build_summary,
    open_row,
)
from flowengine.journal.journal_error import JournalError
from flowengine.journal.leg_rows import format_leg_mark
from flowengine.journal.losses import count_losses
from flowengine.sinch.call_id import decode_call_id, encode_call_id, find_key_range

_SUMMARIES_QUERY = f"""
SELECT first.call, first.at, first.release, first.flow, count(*), max(rows.at), max(rows.seconds),
    max(rows.weight),
    max(CASE WHEN rows.event = 'dice' THEN rows.reason END), max(rows.event = 'dice'),
    (SELECT exit FROM rows AS last WHERE last.call = first.call AND exit != '' AND event NOT IN ('dice', 'notify')
        ORDER BY number DESC LIMIT 1),
    first.event, first.readable, first.own
FROM rows AS first JOIN (SELECT *, {SQLITE_WEIGHT} AS weight FROM rows) AS rows ON rows.call = first.call
WHERE first.number = (SELECT min(number) FROM callbacks AS earliest WHERE earliest.call = first.call)
    AND first.at >= :since AND (:release = '' OR first.release = :release)
GROUP BY first.number HAVING :weight < 0 OR max(rows.weight) = :weight
ORDER BY first.number DESC LIMIT :limit
"""  # noqa: S608  # names of ours
_CALLBACKS_QUERY = (
    "SELECT call, own, at, event, release, flow, state, step, outcome, readable, trace, micros, said "
    "FROM rows WHERE {} ORDER BY at, number"
)
_RECORDED_QUERY = """
SELECT at, event, release, outcome, digest, readable, own, trace, said, sealed
FROM rows WHERE call = ? ORDER BY at, number
"""


class SqliteJournalReader:
    """A journal in a file. Raises JournalError where there is none, and wherever it cannot be read."""

    def __init__(self, path: Path, busy_seconds: float = JOURNAL_BUSY_SECONDS) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self.connection = open_for_reading(path, busy_seconds)

    def list_calls(self, wanted: CallFilter) -> list[CallSummary]:
        """The calls that are wanted, the latest first."""
        values = wanted._asdict() | {"weight": WEIGHTS.get(wanted.outcome, ANY_WEIGHT)}
        rows = self._fetch_rows(_SUMMARIES_QUERY, values)
        return [build_summary(row) for row in rows]

    def list_callbacks(self, call: str) -> list[CallbackEntry]:
        """The callbacks of a call in order."""
        rows = self._fetch_rows(_CALLBACKS_QUERY.format("call = ?"), (encode_call_id(call),))
        return [build_entry(*row) for row in rows]

    def list_leg_callbacks(self, caller: str, since: float, until: float) -> list[CallbackEntry]:
        """The callbacks in this time of all legs of a caller, in order."""
        query = _CALLBACKS_QUERY.format("at BETWEEN ? AND ? AND instr(own, ?)")
        rows = self._fetch_rows(query, (since, until, format_leg_mark(caller)))
        return [build_entry(*row) for row in rows]

    def find_call_ids(self, call: str) -> list[str]:
        """The ids that begin so; a few of them where there are many."""
        query = "SELECT DISTINCT call FROM callbacks WHERE call BETWEEN ? AND ? LIMIT 5"
        rows = self._fetch_rows(query, find_key_range(call))
        return [decode_call_id(found) for (found,) in rows]

    def iter_recorded_calls(
        self, since: float, encryption: JournalEncryption
    ) -> Iterator[tuple[str, list[RecordedCallback]]]:
        """All calls that began since then, each with its callbacks in order, whole."""
        began = "SELECT call FROM callbacks GROUP BY call HAVING min(at) >= ? ORDER BY min(number)"
        for (key,) in self._fetch_rows(began, (since,)):
            recorded = self.load_recorded_call(decode_call_id(key), encryption)
            if any(one.release for one in recorded):  # no release answers a leg
                yield decode_call_id(key), recorded

    def load_recorded_call(
        self, call: str, encryption: JournalEncryption
    ) -> list[RecordedCallback]:
        """The callbacks of a call in order, whole."""
        key = encode_call_id(call)
        rows = self._fetch_rows(_RECORDED_QUERY, (key,))
        return [open_row(row, key, encryption) for row in rows]

    def read_figures(self, releases: Iterable[str], since: float) -> dict[str, CanaryFigures]:
        """The figures of each of these releases, of calls that began at `since` or later."""
        return read_figures(self._path, releases, since, self._busy_seconds)

    def count_machines(self, _since: float) -> int:
        """How many machines have written callbacks since then."""
        return 1

    def count_waiting(self) -> int:
        """How many callbacks are no rows yet, as a server of version 2 was busy or was killed."""
        with self._translate_errors():
            return count_waiting(self.connection)

    def count_lost(self, since: float) -> int:
        """How many callbacks since then are missing, as they could not be written."""
        with self._translate_errors():
            return count_losses(self.connection, since)

    def _fetch_rows(
        self, query: str, values: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        with self._translate_errors():
            return self.connection.execute(query, values).fetchall()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(format_read_error(self._path, error)) from error

    def close(self) -> None:
        self.connection.close()
