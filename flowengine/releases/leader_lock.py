"""The leader lock: of all processes that share an archive, one at a time follows the flow source."""

import sqlite3
from pathlib import Path
from typing import Protocol

from flowengine.releases.archive_database import ArchiveError
from flowengine.storage.file_locks import lock_folder
from flowengine.storage.sqlite_file import connect_existing, create_file


class LeaderLock(Protocol):
    """A lock that one process at a time holds. It is free when that process has ended, in whatever
    way.
    """

    @property
    def lease_seconds(self) -> float:
        """The seconds after the end of the owner until every process can know that the lock is
        free.
        """
        ...

    def try_acquire(self) -> bool:
        """Acquire the lock if it is free, and return whether this process holds it; the owner may
        call it again to check.
        """
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
        # SQLite's file locks work on all systems.
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
