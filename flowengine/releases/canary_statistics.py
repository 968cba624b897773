"""Canary statistics of several machines. Any machine may answer any step of a call, so each uploads
the journal rows that the figures need, and a query sums them.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import LiteralString, NamedTuple

from flowengine.journal import CanaryCallback, CanaryFigures
from flowengine.journal.canary_figures import (
    CALLBACK_COLUMNS,
    build_figure_queries,
    build_figures,
)
from flowengine.releases.archive_database import ArchiveDatabase
from flowengine.releases.archive_location import ArchiveLocation, open_archive_database
from flowengine.storage.file_mode import restrict_to_owner

MACHINE_ID_FILE = "machine"
_INSERT_CALLBACK: LiteralString = (
    f"INSERT INTO canary_callbacks (machine, {CALLBACK_COLUMNS}) "  # noqa: S608  # names of ours
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_UPSERT_MACHINE: LiteralString = """INSERT INTO canary_machines VALUES (?, ?, ?)
ON CONFLICT (machine) DO UPDATE SET since = excluded.since, number = excluded.number"""
_SHARED_QUERIES = build_figure_queries("canary_callbacks")


class CanarySum(NamedTuple):
    """Figures by release, and the number of machines that they are from. `waiting` callbacks of
    this machine are not uploaded yet.
    """

    figures: dict[str, CanaryFigures]
    machines: int
    waiting: int = 0


class CanaryTable:
    """The table of uploaded callbacks of all machines. The start of the canary is its key."""

    def __init__(self, where: ArchiveLocation) -> None:
        self._database: ArchiveDatabase = open_archive_database(where)

    def load_uploaded_number(self, machine: str, since: float) -> int:
        """The number of the last journal row that a machine has uploaded."""
        rows = self._database.execute(
            "SELECT number FROM canary_machines WHERE machine = ? AND since = ?", machine, since
        )
        return int(rows[0][0]) if rows else 0

    def save_callbacks(
        self, machine: str, since: float, rows: Iterable[CanaryCallback], number: int
    ) -> None:
        """Save rows of a machine, and the number of the last uploaded one."""
        with self._database.transaction():
            self._database.execute_many(_INSERT_CALLBACK, [(machine, *row) for row in rows])
            self._database.execute(_UPSERT_MACHINE, machine, since, number)

    def delete_older_canaries(self, since: float | None) -> None:
        """Delete the rows of canaries before this one; of all, where there is none."""
        if since is None:
            self._database.execute("DELETE FROM canary_callbacks")
            self._database.execute("DELETE FROM canary_machines")
        else:
            self._database.execute("DELETE FROM canary_callbacks WHERE at < ?", since)
            self._database.execute("DELETE FROM canary_machines WHERE since < ?", since)

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
        (sums,) = self._database.execute(_SHARED_QUERIES.sums, release, since, since)
        exits = self._database.execute(_SHARED_QUERIES.exits, release, since, since)
        return build_figures(sums, exits)


def load_machine_id(folder: Path) -> str:
    """The id of this machine, created at first need. It identifies the journal, wherever that runs."""
    file = folder / MACHINE_ID_FILE
    with suppress(FileExistsError):
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as content:
            content.write(secrets.token_hex(8))
    restrict_to_owner(file)
    return file.read_text()
