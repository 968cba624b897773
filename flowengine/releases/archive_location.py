"""The location of an archive: a file for the workers of one machine, or a PostgreSQL server for
several machines.
"""

from pathlib import Path

from flowengine.releases.archive_database import ArchiveDatabase, ArchiveError
from flowengine.releases.leader_lock import FileLeaderLock, LeaderLock
from flowengine.releases.sqlite_archive import SqliteDatabase
from flowengine.storage.sessions.store_url import NO_DRIVER

LEADER_LOCK_FILE = "turn.db"
ArchiveLocation = Path | str
"""The path of a file, or the address of a PostgreSQL server"""


def open_archive_database(location: ArchiveLocation) -> ArchiveDatabase:
    """Open the archive; create it where it does not exist. Raises ArchiveError."""
    if isinstance(location, Path):
        return SqliteDatabase(location)
    try:
        # its driver is not everybody's
        from flowengine.releases.postgresql_archive import PostgresqlDatabase  # noqa: PLC0415
    except ImportError as error:
        raise ArchiveError(NO_DRIVER) from error
    return PostgresqlDatabase(location)


def build_leader_lock(location: ArchiveLocation) -> LeaderLock:
    """The leader lock of all processes that share an archive, which must exist."""
    if isinstance(location, Path):
        return FileLeaderLock(location.with_name(LEADER_LOCK_FILE))
    # its driver is not everybody's
    from flowengine.releases.postgresql_archive import PostgresqlLeaderLock  # noqa: PLC0415

    return PostgresqlLeaderLock(location)
