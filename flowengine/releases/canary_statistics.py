"""Figures of a canary on several machines. A call may be answered by any of them at each step, so
each tells what its journal knows of every call, and what they know together is counted.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flowengine.journal import CallStatistics, CanaryFigures
from flowengine.releases.archive_database import ArchiveDatabase
from flowengine.releases.archive_location import ArchiveLocation, open_archive_database
from flowengine.storage.file_mode import restrict_to_owner

MACHINE_ID_FILE = "machine"
_UPSERT_CALL = """INSERT INTO canary_calls (since, machine, call, release, begins, failed, ended, seconds, caller_left, waited, left_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call, release, machine) DO UPDATE SET since = excluded.since,
begins = excluded.begins, failed = excluded.failed, ended = excluded.ended, seconds = excluded.seconds,
caller_left = excluded.caller_left, waited = excluded.waited, left_by = excluded.left_by"""
_UPSERT_MACHINE = """INSERT INTO canary_machines VALUES (?, ?, ?)
ON CONFLICT (machine) DO UPDATE SET since = excluded.since, number = excluded.number"""

# `waited` and `left_by` begin with a moment of 17 characters and a blank, so the largest is the
# last.
_CANARY_CALLS = """SELECT call, max(failed) AS failed, max(ended) AS ended, max(seconds) AS seconds, max(caller_left) AS caller_left,
    substr(max(waited), 19) AS waited, substr(max(left_by), 19) AS left_by
FROM canary_calls WHERE since = ? AND release = ? GROUP BY call HAVING max(begins) = 1"""
_CANARY_SUMS = (
    "SELECT count(*), sum(failed), "  # noqa: S608  # one query in another
    "sum(CASE WHEN caller_left = 1 AND waited IN ('runMenu', 'park') "
    "THEN 1 ELSE 0 END), sum(ended), "
    "sum(CASE WHEN ended = 1 THEN seconds ELSE 0 END) FROM (" + _CANARY_CALLS + ") AS calls"
)
_CANARY_EXITS = (
    "SELECT left_by, count(*) AS times FROM ("  # noqa: S608
    + _CANARY_CALLS
    + ") AS calls WHERE left_by != '' GROUP BY left_by ORDER BY times DESC, left_by"
)


class CanarySum(NamedTuple):
    """Figures by release, and of how many machines. `waiting` callbacks of this machine are not
    among them yet.
    """

    figures: dict[str, CanaryFigures]
    machines: int
    waiting: int = 0


class CanaryTable:
    """What all machines have told of the calls of a canary, which goes by the moment that it began."""

    def __init__(self, where: ArchiveLocation) -> None:
        self._database: ArchiveDatabase = open_archive_database(where)

    def load_uploaded_number(self, machine: str, since: float) -> int:
        """How far a machine has told its journal."""
        rows = self._database.execute(
            "SELECT number FROM canary_machines WHERE machine = ? AND since = ?", machine, since
        )
        return int(rows[0][0]) if rows else 0

    def save_calls(
        self, machine: str, since: float, parts: Iterable[CallStatistics], number: int
    ) -> None:
        """What a machine knows of some calls; it has told its journal up to this number."""
        with self._database.transaction():
            self._database.execute_many(_UPSERT_CALL, [(since, machine, *part) for part in parts])
            self._database.execute(_UPSERT_MACHINE, machine, since, number)

    def delete_older_canaries(self, since: float | None) -> None:
        """Nobody asks for another canary any more than this one."""
        for table in ("DELETE FROM canary_calls", "DELETE FROM canary_machines"):
            if since is None:
                self._database.execute(table)
            else:
                self._database.execute(table + " WHERE since < ?", since)

    def sum_figures(self, releases: Sequence[str], since: float) -> CanarySum:
        """The figures of these releases."""
        ((machines,),) = self._database.execute(
            "SELECT count(*) FROM canary_machines WHERE since = ?", since
        )
        return CanarySum(
            {release: self._load_figures(release, since) for release in releases}, int(machines)
        )

    def close(self) -> None:
        self._database.close()

    def _load_figures(self, release: str, since: float) -> CanaryFigures:
        rows = self._database.execute(_CANARY_SUMS, since, release)
        calls, errors, abandoned, ended, seconds = (int(value or 0) for value in rows[0])
        exits = {
            name: int(times)
            for name, times in self._database.execute(_CANARY_EXITS, since, release)
        }
        return CanaryFigures(
            calls, errors, abandoned, ended, seconds / ended if ended else 0.0, exits
        )


def load_machine_id(folder: Path) -> str:
    """What a machine goes by among the others: its journal is known by this, wherever it runs."""
    file = folder / MACHINE_ID_FILE
    with suppress(FileExistsError):
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as content:
            content.write(secrets.token_hex(8))
    restrict_to_owner(file)
    return file.read_text()
