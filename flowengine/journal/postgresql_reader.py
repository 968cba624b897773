"""Reads a journal on a PostgreSQL server, while servers of several machines write it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, LiteralString

import msgspec

from flowengine.journal.call_outcomes import ANY_WEIGHT, POSTGRESQL_WEIGHT, WEIGHTS
from flowengine.journal.canary_figures import CanaryFigures, build_figures
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
from flowengine.journal.leg_rows import format_leg_mark
from flowengine.journal.postgresql_tables import (
    find_first_part,
    open_existing_journal,
    wrap_journal_errors,
)
from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.sinch.call_id import decode_call_id, encode_call_id, find_key_range

READER_STATEMENT_SECONDS = 60.0
RECORDED_CALLS_PER_READ = 200
# Parts end where days do, or earlier, and a machine may not know yet that one has ended.
_SINCE: LiteralString = "part >= %(part)s AND at >= %(since)s"
# The first callback of a call is looked up for one after the other, the latest first, until there
# are enough: a join would find that of each call there is.
_FIRSTS: LiteralString = f"""
SELECT number, part, call FROM flowengine.journal_callbacks AS first
WHERE {_SINCE} AND number = (SELECT min(number) FROM flowengine.journal_callbacks AS any_of WHERE any_of.call = first.call)
"""  # noqa: S608  # names of ours
_SERVER_SUMMARIES_QUERY: LiteralString = f"""
SELECT first.call, first.at, first.release, first.flow, sums.callbacks, sums.until, sums.seconds, sums.weight,
    sums.reason, sums.ended, sums.exit, first.event, first.readable, first.own
FROM ({{firsts}}) AS found
JOIN LATERAL (SELECT * FROM flowengine.journal_rows AS one WHERE one.part = found.part AND one.number = found.number)
    AS first ON true
JOIN LATERAL (
    SELECT count(*) AS callbacks, max(at) AS until, max(seconds) AS seconds,
        max({POSTGRESQL_WEIGHT}) AS weight,
        max(reason) FILTER (WHERE event = 'dice') AS reason, bool_or(event = 'dice') AS ended,
        (array_agg(exit ORDER BY at DESC, number DESC) FILTER (WHERE exit <> '' AND event NOT IN ('dice', 'notify')))[1]
            AS exit
    FROM flowengine.journal_rows AS every WHERE every.call = found.call
) AS sums ON true
WHERE (%(release)s = '' OR first.release = %(release)s) AND (%(weight)s < 0 OR sums.weight = %(weight)s)
ORDER BY found.number DESC LIMIT %(limit)s
"""  # noqa: S608  # names of ours
# Few calls have a bad outcome, and few dimensions have it: those come first.
_FIRSTS_WITH_OUTCOME: LiteralString = f"""
SELECT number, part, call FROM (
    SELECT DISTINCT ON (call) call, number, part, at FROM flowengine.journal_callbacks WHERE call IN (
        SELECT call FROM flowengine.journal_callbacks AS one WHERE one.part >= %(part)s AND (one.part, one.dimension) IN (
            SELECT part, dimension FROM flowengine.journal_dimensions WHERE {POSTGRESQL_WEIGHT} = %(weight)s))
    ORDER BY call, number
) AS firsts WHERE at >= %(since)s
"""  # noqa: S608  # names of ours
_SERVER_CALLBACKS_QUERY: LiteralString = (
    "SELECT call, own, at, event, release, flow, state, step, outcome, readable, trace, micros, said, machine "
    "FROM flowengine.journal_rows WHERE {} ORDER BY at, number"
)
_SERVER_RECORDED_QUERY: LiteralString = """
SELECT at, event, release, outcome, digest, readable, own, trace, said, sealed
FROM flowengine.journal_rows WHERE call = %(call)s ORDER BY at, number
"""
_BEGUN_QUERY: LiteralString = f"{_FIRSTS} AND number > %(after)s ORDER BY number LIMIT %(limit)s"
_FIND_QUERY: LiteralString = (
    "SELECT DISTINCT call FROM flowengine.journal_callbacks "
    "WHERE call BETWEEN %(first)s AND %(last)s ORDER BY call LIMIT 5"
)
# As in a file, but each callback is read once: the calls on a release that began since then, a row
# each. A call lasts no longer than so many days.
_FIGURED_CALLS_QUERY: LiteralString = f"""
SELECT call, max(CASE WHEN outcome IN ('apology', 'error') THEN 1 ELSE 0 END) FILTER (WHERE release = %(release)s) AS failed,
    bool_or(event = 'dice' AND release = %(release)s) AS ended,
    max(seconds) FILTER (WHERE release = %(release)s) AS seconds,
    bool_or(event = 'dice' AND lower(reason) = 'callerhangup' AND release = %(release)s) AS caller_left,
    (array_agg(action ORDER BY at DESC, number DESC) FILTER (WHERE action <> ''))[1] AS waited,
    (array_agg(exit ORDER BY at DESC, number DESC) FILTER (WHERE exit <> '' AND event NOT IN ('dice', 'notify')))[1] AS left_by
FROM flowengine.journal_rows WHERE {_SINCE} GROUP BY call
HAVING bool_or((event = 'ice' OR step = 1) AND release = %(release)s) AND NOT EXISTS (
    SELECT 1 FROM flowengine.journal_callbacks AS earlier WHERE earlier.call = journal_rows.call
        AND earlier.part >= %(oldest)s AND earlier.at < %(since)s)
"""  # noqa: S608  # names of ours
_FIGURES_QUERY: LiteralString = f"""
WITH calls AS MATERIALIZED ({_FIGURED_CALLS_QUERY})
SELECT count(*), sum(failed), count(*) FILTER (WHERE caller_left AND waited IN ('runMenu', 'park')),
    count(*) FILTER (WHERE ended), sum(seconds) FILTER (WHERE ended),
    (SELECT coalesce(json_object_agg(left_by, times), '{{}}')::text FROM
        (SELECT left_by, count(*) AS times FROM calls WHERE left_by IS NOT NULL GROUP BY left_by ORDER BY times DESC, left_by)
        AS exits)
FROM calls
"""  # noqa: S608  # names of ours
_MACHINES_QUERY: LiteralString = (
    "SELECT count(DISTINCT machine) FROM flowengine.journal_dimensions WHERE part >= %(part)s"
)
_LOSSES_QUERY: LiteralString = "SELECT coalesce(sum(callbacks), 0)::bigint FROM flowengine.journal_losses WHERE minute >= %(minute)s"


class PostgresqlJournalReader:
    """A journal on a PostgreSQL server. Raises JournalError where there is none, and wherever it
    cannot be read.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = open_existing_journal(address, READER_STATEMENT_SECONDS)

    def list_calls(self, wanted: CallFilter) -> list[CallSummary]:
        """The calls that are wanted, the latest first."""
        values = wanted._asdict() | {"limit": wanted.limit if wanted.limit >= 0 else None}
        weight = WEIGHTS.get(wanted.outcome, ANY_WEIGHT)
        firsts = _FIRSTS_WITH_OUTCOME if weight > 0 else _FIRSTS
        query = _SERVER_SUMMARIES_QUERY.replace("{firsts}", firsts)
        rows = self._fetch_rows(query, **values, weight=weight, part=find_first_part(wanted.since))
        return [build_summary(row) for row in rows]

    def list_callbacks(self, call: str) -> list[CallbackEntry]:
        """The callbacks of a call in order."""
        return self._list_entries("call = %(call)s", call=encode_call_id(call))

    def list_leg_callbacks(self, caller: str, since: float, until: float) -> list[CallbackEntry]:
        """The callbacks in this time of all legs of a caller, in order."""
        return self._list_entries(
            f"{_SINCE} AND at <= %(until)s AND position(%(mark)s IN own) > 0",
            part=find_first_part(since), since=since, until=until, mark=format_leg_mark(caller),
        )  # fmt: skip

    def find_call_ids(self, call: str) -> list[str]:
        """The ids that begin so; a few of them where there are many."""
        first, last = find_key_range(call)
        rows = self._fetch_rows(_FIND_QUERY, first=first, last=last)
        return [decode_call_id(found) for (found,) in rows]

    def iter_recorded_calls(
        self, since: float, encryption: JournalEncryption
    ) -> Iterator[tuple[str, list[RecordedCallback]]]:
        """All calls that began since then, each with its callbacks in order, whole."""
        after, limit, part = 0, RECORDED_CALLS_PER_READ, find_first_part(since)
        while rows := self._fetch_rows(
            _BEGUN_QUERY, since=since, part=part, after=after, limit=limit
        ):
            after = rows[-1][0]
            for _, _, key in rows:
                recorded = self.load_recorded_call(decode_call_id(key), encryption)
                if any(one.release for one in recorded):  # no release answers a leg
                    yield decode_call_id(key), recorded

    def load_recorded_call(
        self, call: str, encryption: JournalEncryption
    ) -> list[RecordedCallback]:
        """The callbacks of a call in order, whole."""
        key = encode_call_id(call)
        return [
            open_row(row, key, encryption)
            for row in self._fetch_rows(_SERVER_RECORDED_QUERY, call=key)
        ]

    def read_figures(self, releases: Iterable[str], since: float) -> dict[str, CanaryFigures]:
        """The figures of each of these releases, of calls that began at `since` or later."""
        found = {}
        oldest = find_first_part(since - CALL_KEPT_SECONDS)
        for release in releases:
            (row,) = self._fetch_rows(
                _FIGURES_QUERY,
                release=release,
                since=since,
                part=find_first_part(since),
                oldest=oldest,
            )
            *sums, exits = row
            found[release] = build_figures(tuple(sums), msgspec.json.decode(exits).items())
        return found

    def count_machines(self, since: float) -> int:
        """How many machines have written callbacks since the day before then."""
        ((machines,),) = self._fetch_rows(_MACHINES_QUERY, part=find_first_part(since))
        return int(machines)

    def count_waiting(self) -> int:
        """None: callbacks are rows as they are written."""
        return 0

    def count_lost(self, since: float) -> int:
        """How many callbacks since then are missing, as they could not be written."""
        ((callbacks,),) = self._fetch_rows(_LOSSES_QUERY, minute=int(since // 60))
        return int(callbacks)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _list_entries(self, condition: LiteralString, **values: Any) -> list[CallbackEntry]:
        rows = self._fetch_rows(_SERVER_CALLBACKS_QUERY.replace("{}", condition), **values)
        return [
            msgspec.structs.replace(build_entry(*row), machine=machine) for *row, machine in rows
        ]

    def _fetch_rows(self, query: LiteralString, **values: Any) -> Sequence[tuple[Any, ...]]:
        with wrap_journal_errors(self._address):
            return self._connection.execute(query, values).fetchall()
