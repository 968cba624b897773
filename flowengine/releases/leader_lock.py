"""The lock that makes one process at a time follow the flow source, for all that share the archive."""

import sqlite3
from pathlib import Path
from typing import Protocol

from flowengine.releases.archive_database import ArchiveError
from flowengine.storage.folder_lock import lock_folder
from flowengine.storage.sqlite_file import connect_existing, create_file


class LeaderLock(Protocol):
    """A lock that one process at a time holds, and that is free when its process has ended, in
    whatever way.
    """

    @property
    def lease_seconds(self) -> float:
        """How many seconds after the end of the owner every process knows that the lock is free."""
        ...

    def try_acquire(self) -> bool:
        """Whether this process holds the lock now. Called again, it tells whether it still does."""
        ...

    def close(self) -> None:
        """Release the lock."""
        ...


class FileLeaderLock:
    """The leader lock among the processes of one machine."""

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
