"""How releases do in real calls, side by side: what a canary is judged by. It is summed from rows of
callbacks, by the same query in a journal and in the table that several machines share.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import msgspec

from flowengine.journal.journal_database import (
    JOURNAL_BUSY_SECONDS,
    format_read_error,
    open_for_reading,
)
from flowengine.journal.journal_error import JournalError

# Calls on a release that began since then, a row each. What came last in a call may be on another
# machine than what came before: moments tell, and numbers where they are equal.
_CALLS_QUERY: LiteralString = """
SELECT call, max(CASE WHEN outcome IN ('apology', 'error') THEN 1 ELSE 0 END) AS failed,
    max(CASE WHEN event = 'dice' THEN 1 ELSE 0 END) AS ended, max(seconds) AS seconds,
    max(CASE WHEN event = 'dice' AND lower(reason) = 'callerhangup' THEN 1 ELSE 0 END) AS caller_left,
    (SELECT action FROM {table} AS said WHERE said.call = callbacks.call AND action <> ''
        ORDER BY at DESC, number DESC LIMIT 1) AS waited,
    (SELECT exit FROM {table} AS chosen WHERE chosen.call = callbacks.call AND exit <> ''
        AND event NOT IN ('dice', 'notify') ORDER BY at DESC, number DESC LIMIT 1) AS left_by
FROM {table} AS callbacks WHERE release = ? AND at >= ? GROUP BY call
HAVING max(CASE WHEN event = 'ice' OR step = 1 THEN 1 ELSE 0 END) = 1
    AND NOT EXISTS (SELECT 1 FROM {table} AS earlier WHERE earlier.call = callbacks.call AND at < ?)
"""
_SUMS_QUERY: LiteralString = """
SELECT count(*), sum(failed),
    sum(CASE WHEN caller_left = 1 AND waited IN ('runMenu', 'park') THEN 1 ELSE 0 END),
    sum(ended), sum(CASE WHEN ended = 1 THEN seconds ELSE 0 END)
FROM ({calls}) AS calls
"""
_EXITS_QUERY: LiteralString = """
SELECT left_by, count(*) AS times FROM ({calls}) AS calls WHERE left_by IS NOT NULL
GROUP BY left_by ORDER BY times DESC, left_by
"""
CALLBACK_COLUMNS: LiteralString = (
    "number, call, at, event, release, step, outcome, action, exit, reason, seconds"
)
_ROWS_QUERY = f"SELECT {CALLBACK_COLUMNS} FROM rows WHERE at >= ? AND number > ? AND number <= ?"  # noqa: S608
_CALLBACKS_PER_READ = 2000  # callbacks, some 10 ms of work


class CanaryCallback(NamedTuple):
    """What figures need of a callback: a row of the journal without what was said."""

    number: int
    call: bytes
    at: float
    event: str
    release: str
    step: int
    outcome: str
    action: str
    exit: str
    reason: str
    seconds: int


class CanaryFigures(msgspec.Struct, frozen=True):
    """What became of the calls on a release: `errors` heard an apology or met an error of the
    server; `abandoned` were left by callers who were being asked something, or parked; `seconds` is
    how long those that have ended lasted, on average; `exits` counts calls by the last choice on
    their way.
    """

    calls: int = 0
    errors: int = 0
    abandoned: int = 0
    ended: int = 0
    seconds: float = 0.0
    exits: Mapping[str, int] = {}


class FigureQueries(NamedTuple):
    """The questions for the figures of a release, each with three values: the release, and twice
    the moment since which calls count.
    """

    sums: LiteralString
    exits: LiteralString


def build_figure_queries(table: LiteralString) -> FigureQueries:
    """For a table with a row for each callback, as the journal has it."""
    calls = _CALLS_QUERY.replace("{table}", table)
    return FigureQueries(
        _SUMS_QUERY.replace("{calls}", calls), _EXITS_QUERY.replace("{calls}", calls)
    )


def build_figures(sums: tuple[Any, ...], exits: Iterable[tuple[str, int]]) -> CanaryFigures:
    """What was answered to these questions."""
    calls, errors, abandoned, ended, seconds = (int(value or 0) for value in sums)
    chosen = {name: int(times) for name, times in exits}
    return CanaryFigures(calls, errors, abandoned, ended, seconds / ended if ended else 0.0, chosen)


# In a journal the calls are found once, for both questions.
_MAKE_CALLS = f"CREATE TEMP TABLE figured AS {_CALLS_QUERY.replace('{table}', 'rows')}"
_FIGURED_QUERIES = FigureQueries(
    *(query.replace("{calls}", "SELECT * FROM figured") for query in (_SUMS_QUERY, _EXITS_QUERY))
)


def read_figures(
    journal: Path,
    releases: Iterable[str],
    since: float = 0.0,
    busy_seconds: float = JOURNAL_BUSY_SECONDS,
) -> dict[str, CanaryFigures]:
    """The figures of each of these releases, of calls that began at `since` or later. Raises
    JournalError.
    """
    connection = open_for_reading(journal, busy_seconds)
    try:
        found = {}
        for release in releases:
            connection.execute("DROP TABLE IF EXISTS temp.figured")
            connection.execute(_MAKE_CALLS, (release, since, since))
            sums = connection.execute(_FIGURED_QUERIES.sums).fetchone()
            exits = connection.execute(_FIGURED_QUERIES.exits)
            found[release] = build_figures(sums, exits)
    except sqlite3.Error as error:
        raise JournalError(format_read_error(journal, error)) from error
    finally:
        connection.close()
    return found


def read_canary_callbacks(
    journal: Path, since: float, after: int
) -> tuple[list[CanaryCallback], int]:
    """Callbacks at `since` or later behind the number `after`, and the number to go on from; the
    same one when that was all. Raises JournalError.
    """
    connection = open_for_reading(journal)
    try:
        last = connection.execute("SELECT max(number) FROM callbacks").fetchone()[0] or 0
        if not 0 < after <= last:  # the first time, or another journal now
            first = connection.execute(
                "SELECT min(number) FROM callbacks WHERE at >= ?", (since,)
            ).fetchone()[0]
            after = last if first is None else first - 1
        upto = min(last, after + _CALLBACKS_PER_READ)
        rows = connection.execute(_ROWS_QUERY, (since, after, upto))
        return [CanaryCallback._make(row) for row in rows], upto
    except sqlite3.Error as error:
        raise JournalError(format_read_error(journal, error)) from error
    finally:
        connection.close()
