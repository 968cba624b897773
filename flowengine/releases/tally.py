"""Figures of a canary on several machines. A call may be answered by any of them at each step, so
each tells what its journal knows of every call, and what they know together is counted.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flowengine.journal import Figures, Part
from flowengine.releases.database import Database
from flowengine.releases.where import Where, connect
from flowengine.runtime.store.place import restrict_to_owner

ID_FILE = "machine"
_PART = """INSERT INTO canary_calls (since, machine, call, release, begins, failed, ended, seconds, caller_left, waited, left_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call, release, machine) DO UPDATE SET since = excluded.since,
begins = excluded.begins, failed = excluded.failed, ended = excluded.ended, seconds = excluded.seconds,
caller_left = excluded.caller_left, waited = excluded.waited, left_by = excluded.left_by"""
_COUNTED = """INSERT INTO canary_machines VALUES (?, ?, ?)
ON CONFLICT (machine) DO UPDATE SET since = excluded.since, number = excluded.number"""

# `waited` and `left_by` begin with a moment of 17 characters and a blank, so the largest is the
# last.
_CALLS = """SELECT call, max(failed) AS failed, max(ended) AS ended, max(seconds) AS seconds, max(caller_left) AS caller_left,
    substr(max(waited), 19) AS waited, substr(max(left_by), 19) AS left_by
FROM canary_calls WHERE since = ? AND release = ? GROUP BY call HAVING max(begins) = 1"""
_SUMS = (
    "SELECT count(*), sum(failed), "  # noqa: S608  # one query in another
    "sum(CASE WHEN caller_left = 1 AND waited IN ('runMenu', 'park') "
    "THEN 1 ELSE 0 END), sum(ended), "
    "sum(CASE WHEN ended = 1 THEN seconds ELSE 0 END) FROM (" + _CALLS + ") AS calls"
)
_EXITS = (
    "SELECT left_by, count(*) AS times FROM ("  # noqa: S608
    + _CALLS
    + ") AS calls WHERE left_by != '' GROUP BY left_by ORDER BY times DESC, left_by"
)


class Sum(NamedTuple):
    """Figures by release, and of how many machines. `waiting` callbacks of this machine are not
    among them yet.
    """

    figures: dict[str, Figures]
    machines: int
    waiting: int = 0


class Tally:
    """What all machines have told of the calls of a canary, which goes by the moment that it began."""

    def __init__(self, where: Where) -> None:
        self._database: Database = connect(where)

    def counted(self, machine: str, since: float) -> int:
        """How far a machine has told its journal."""
        rows = self._database.rows(
            "SELECT number FROM canary_machines WHERE machine = ? AND since = ?", machine, since
        )
        return int(rows[0][0]) if rows else 0

    def tell(self, machine: str, since: float, parts: Iterable[Part], number: int) -> None:
        """What a machine knows of some calls; it has told its journal up to this number."""
        with self._database.transaction():
            self._database.run_all(_PART, [(since, machine, *part) for part in parts])
            self._database.rows(_COUNTED, machine, since, number)

    def forget(self, since: float | None) -> None:
        """Nobody asks for another canary any more than this one."""
        for table in ("DELETE FROM canary_calls", "DELETE FROM canary_machines"):
            if since is None:
                self._database.rows(table)
            else:
                self._database.rows(table + " WHERE since < ?", since)

    def sum(self, releases: Sequence[str], since: float) -> Sum:
        """The figures of these releases."""
        ((machines,),) = self._database.rows(
            "SELECT count(*) FROM canary_machines WHERE since = ?", since
        )
        return Sum({release: self._figures(release, since) for release in releases}, int(machines))

    def close(self) -> None:
        self._database.close()

    def _figures(self, release: str, since: float) -> Figures:
        rows = self._database.rows(_SUMS, since, release)
        calls, errors, abandoned, ended, seconds = (int(value or 0) for value in rows[0])
        exits = {name: int(times) for name, times in self._database.rows(_EXITS, since, release)}
        return Figures(calls, errors, abandoned, ended, seconds / ended if ended else 0.0, exits)


def machine_id(folder: Path) -> str:
    """What a machine goes by among the others: its journal is known by this, wherever it runs."""
    file = folder / ID_FILE
    with suppress(FileExistsError):
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as content:
            content.write(secrets.token_hex(8))
    restrict_to_owner(file)
    return file.read_text()
