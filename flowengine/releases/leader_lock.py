"""Whose turn it is to follow the place that flows live in: one process does, for all that share the
archive.
"""

import sqlite3
from pathlib import Path
from typing import Protocol

from flowengine.releases.archive_database import ArchiveError
from flowengine.storage.folder_lock import lock_folder
from flowengine.storage.sqlite_file import connect_existing, create_file


class LeaderLock(Protocol):
    """It belongs to one process at a time, and is free again when that process ends, however it
    does.
    """

    @property
    def lease_seconds(self) -> float:
        """How many seconds after the end of a process everybody knows that it is free."""
        ...

    def try_acquire(self) -> bool:
        """Whether it is ours now; asked again, whether it still is."""
        ...

    def close(self) -> None:
        """Give it away."""
        ...


class FileLeaderLock:
    """The turn among the processes of a machine."""

    lease_seconds = 1.0

    def __init__(self, path: Path) -> None:
        self._path = path
        with lock_folder(path.parent):
            create_file(path)
        # SQLite has locks that work everywhere.
        self._connection = connect_existing(path, "rw", 0.0)

    def try_acquire(self) -> bool:
        if not self._connection.in_transaction:
            try:
                self._connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
            except sqlite3.DatabaseError as error:
                raise ArchiveError(
                    f"cannot use {self._path}: {error}; delete it, nothing stands in it"
                ) from error
        return True

    def close(self) -> None:
        self._connection.close()
