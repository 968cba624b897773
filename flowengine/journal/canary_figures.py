"""How releases do in real calls, side by side: what a canary is judged by."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from flowengine.journal.journal_database import JournalError, format_read_error, open_for_reading

_CALLS_QUERY = """
SELECT call, release, max(event = 'ice' OR step = 1) AS begins,
    max(outcome IN ('apology', 'error')) AS failed,
    max(event = 'dice') AS ended, max(seconds) AS seconds,
    max(CASE WHEN event = 'dice' AND lower(reason) = 'callerhangup' THEN 1 ELSE 0 END) AS caller_left,
    (SELECT {said} FROM callbacks AS said WHERE said.call = callbacks.call AND said.action != ''
        ORDER BY at DESC, number DESC LIMIT 1) AS waited,
    (SELECT {exit} FROM callbacks AS last WHERE last.call = callbacks.call AND exit != '' AND event NOT IN ('dice', 'notify')
        ORDER BY at DESC, number DESC LIMIT 1) AS left_by
FROM callbacks WHERE at >= :since AND {some} GROUP BY call, release
HAVING (SELECT min(at) FROM callbacks AS all_of_it WHERE all_of_it.call = callbacks.call) >= :since
"""
_RELEASE_CALLS_QUERY = _CALLS_QUERY.format(said="action", exit="exit", some="release = :release")
_SUMS_QUERY = f"""
SELECT count(*), coalesce(sum(failed), 0), coalesce(sum(caller_left AND waited IN ('runMenu', 'park')), 0), coalesce(sum(ended), 0),
    coalesce(avg(CASE WHEN ended THEN seconds END), 0.0)
FROM ({_RELEASE_CALLS_QUERY})
"""  # noqa: S608  # one query in another
_EXITS_QUERY = f"""SELECT left_by, count(*) FROM ({_RELEASE_CALLS_QUERY})
WHERE left_by IS NOT NULL GROUP BY left_by ORDER BY count(*) DESC, left_by
"""  # noqa: S608  # as above

# What comes last in a call may be in the journal of another machine: moments tell, which sort as
# text.
_STATISTICS_QUERY = _CALLS_QUERY.format(
    said="printf('%017.6f %s', at, action)",
    exit="printf('%017.6f %s', at, exit)",
    some="call IN (SELECT call FROM callbacks WHERE number > :after AND number <= :upto)",
)
_CALLBACKS_PER_READ = 2000  # callbacks, some 30 ms of work


class CallStatistics(NamedTuple):
    """What one journal knows of a call. `begins` says that the first callback is there; `waited`
    and `left_by` have a moment in front.
    """

    call: bytes
    release: str
    begins: int
    failed: int
    ended: int
    seconds: int
    caller_left: int
    waited: str
    left_by: str


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


def read_figures(
    journal: Path, releases: Iterable[str], since: float = 0.0
) -> dict[str, CanaryFigures]:
    """The figures of each of these releases, of calls that began at `since` or later. Raises
    JournalError.
    """
    connection = open_for_reading(journal)
    try:
        found = {}
        for release in releases:
            given = {"release": release, "since": since}
            sums = connection.execute(_SUMS_QUERY, given).fetchone()
            found[release] = CanaryFigures(
                *(*sums, dict(connection.execute(_EXITS_QUERY, given).fetchall()))
            )
    except sqlite3.Error as error:
        raise JournalError(format_read_error(journal, error)) from error
    finally:
        connection.close()
    return found


def read_call_statistics(
    journal: Path, since: float, after: int
) -> tuple[list[CallStatistics], int]:
    """What came of calls that began at `since` or later and have callbacks behind the number
    `after`, and the number to go on from; the same one when that was all. Raises JournalError.
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
        rows = connection.execute(_STATISTICS_QUERY, {"since": since, "after": after, "upto": upto})
        return [CallStatistics(*(*row[:7], row[7] or "", row[8] or "")) for row in rows], upto
    except sqlite3.Error as error:
        raise JournalError(format_read_error(journal, error)) from error
    finally:
        connection.close()
