"""Where an archive of releases lies: in a file, for all workers of a machine, or on a server, for
several machines.
"""

from pathlib import Path

from flowengine.releases.database import ArchiveError, Database
from flowengine.releases.sqlite import SqliteDatabase
from flowengine.releases.turn import FileTurn, Turn
from flowengine.runtime.store.address import NO_DRIVER

TURN = "turn.db"
Where = Path | str
"""The path of a file, or the address of a PostgreSQL server"""


def connect(where: Where) -> Database:
    """Open the archive, and make it where there is none. Raises ArchiveError."""
    if isinstance(where, Path):
        return SqliteDatabase(where)
    try:
        # its driver is not everybody's
        from flowengine.releases.postgresql import PostgresqlDatabase  # noqa: PLC0415
    except ImportError as error:
        raise ArchiveError(NO_DRIVER) from error
    return PostgresqlDatabase(where)


def turn_of(where: Where) -> Turn:
    """The turn among those who share an archive that was opened."""
    if isinstance(where, Path):
        return FileTurn(where.with_name(TURN))
    # its driver is not everybody's
    from flowengine.releases.postgresql import PostgresqlTurn  # noqa: PLC0415

    return PostgresqlTurn(where)
