"""How releases do in real calls, side by side: what a canary is judged by."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from flowengine.journal.database import readable

_CALLS = """
SELECT call, min(number) AS first, min(at) AS began,
    max(outcome IN ('apology', 'error')) AS failed,
    max(event = 'dice') AS ended, max(seconds) AS seconds,
    max(CASE WHEN event = 'dice' AND lower(reason) = 'callerhangup' THEN 1 ELSE 0 END) AS caller_left,
    (SELECT action FROM callbacks AS said WHERE said.call = callbacks.call AND said.action != '' ORDER BY number DESC LIMIT 1) AS waited,
    (SELECT exit FROM callbacks AS last WHERE last.call = callbacks.call AND exit != '' AND event NOT IN ('dice', 'notify')
        ORDER BY number DESC LIMIT 1) AS left_by
FROM callbacks WHERE at >= :since AND release = :release GROUP BY call
HAVING (SELECT min(at) FROM callbacks AS all_of_it WHERE all_of_it.call = callbacks.call) >= :since
"""
_SUMS = f"""
SELECT count(*), coalesce(sum(failed), 0), coalesce(sum(caller_left AND waited IN ('runMenu', 'park')), 0), coalesce(sum(ended), 0),
    coalesce(avg(CASE WHEN ended THEN seconds END), 0.0)
FROM ({_CALLS})
"""  # noqa: S608  # one query in another
_EXITS = f"SELECT left_by, count(*) FROM ({_CALLS}) WHERE left_by IS NOT NULL GROUP BY left_by ORDER BY count(*) DESC, left_by"  # noqa: S608


class Figures(msgspec.Struct, frozen=True):
    """What became of the calls on a release: `errors` heard an apology or met an error of the server; `abandoned` were left by callers
    who were being asked something, or parked; `seconds` is how long those that have ended lasted, on average; `exits` counts calls by
    the last choice on their way.
    """

    calls: int = 0
    errors: int = 0
    abandoned: int = 0
    ended: int = 0
    seconds: float = 0.0
    exits: Mapping[str, int] = {}


def figures(journal: Path, releases: Iterable[str], since: float = 0.0) -> dict[str, Figures]:
    """The figures of each of these releases, of calls that began at `since` or later. Raises JournalError."""
    connection = readable(journal)
    try:
        found = {}
        for release in releases:
            given = {"release": release, "since": since}
            sums = connection.execute(_SUMS, given).fetchone()
            found[release] = Figures(*(*sums, dict(connection.execute(_EXITS, given).fetchall())))
        return found
    finally:
        connection.close()
