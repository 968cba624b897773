"""The archive of releases in a file: shared by all workers and commands of a machine."""

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

from flowengine.releases.database import SCHEMA_VERSION, ArchiveError, later_tables, tables
from flowengine.runtime.complaints import Complaints
from flowengine.runtime.store.place import Place, cure, make, put_back

_complaints = Complaints(
    logging.getLogger(__name__)
)  # one for all connections, as each finds out for itself
_latest: dict[Path, Place] = {}  # by path: the file that this process has opened last
AGAIN_SECONDS = 1.0  # before a file that could not be put back is tried again
LOST = (
    "who changed what when, candidate and drafts, and the releases to go back to: "
    "calls on those go on in the flows of now, where they fit"
)
BUSY_SECONDS = 5.0  # whoever writes here writes some kilobytes; longer than this is a hung process


class SqliteDatabase:
    """A connection to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = opened(path)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(
                f"cannot open the archive of releases {path}: {error}{cure(error, LOST)}"
            ) from error
        self._place, self._places = Place(path), 1
        _latest[path] = self._place
        self._again = 0.0

    def rows(self, sql: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        if not self._place.kept() and not self._connection.in_transaction:
            self._go_on()
        with spoken():
            return self._connection.execute(sql, values).fetchall()

    def run_all(self, sql: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        with spoken():
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has taken it back already
                self.rows("ROLLBACK")
            raise

    def version(self) -> int:
        number = int(self.rows("PRAGMA data_version")[0][0])
        return number + (self._places << 32)  # each connection counts for itself

    def close(self) -> None:
        self._connection.close()

    def _go_on(self) -> None:
        """Put the file back that was taken away, or go on with the one in its place; where neither
        can be, with what nobody else finds.

        A connection that has slept through an earlier loss knows less than those that have not, and
        leaves it to them.
        """
        if not self._place.same(_latest[self._path]) and not self._path.exists():
            raise ArchiveError(
                "the archive of releases was taken away, and is about to be put back: try again"
            )
        if time.monotonic() < self._again:
            return
        self._again = time.monotonic() + AGAIN_SECONDS
        try:
            if put_back(self._connection, self._path):
                _complaints.error(
                    "%s was taken away while it was used, and has been put back: to begin anew, "
                    "end the server first",
                    self._path,
                )
            self._place.leave()
            connection = opened(self._path)
        except (OSError, sqlite3.Error, ArchiveError) as error:
            _complaints.error(
                "the archive of releases was taken away and cannot be put back; what is live goes "
                "on until the server ends: %s",
                error,
            )
            return
        self._connection.close()
        self._connection, self._place, self._places, self._again = (
            connection,
            Place(self._path),
            self._places + 1,
            0.0,
        )
        _latest[self._path] = self._place


@contextmanager
def spoken() -> Iterator[None]:
    """What fails is said in one way, wherever the archive lies."""
    try:
        yield
    except sqlite3.Error as error:
        raise ArchiveError(f"the archive of releases fails: {error}{cure(error, LOST)}") from error


def opened(path: Path) -> sqlite3.Connection:
    """The file, made where there is none. Raises OSError, sqlite3.Error or ArchiveError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    make(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    _prepare(connection, path)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (made,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and made == 0:
        for statement in tables({}):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        connection.close()
        raise ArchiveError(
            f"{path} is not an archive of releases of version {SCHEMA_VERSION} (its version is "
            f"{version}): name another file, "
            f"or move this one away; what is lost then is {LOST}"
        )
    for statement in later_tables({}):
        connection.execute(statement)
    connection.execute("COMMIT")
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(
        "SELECT count(*) FROM sqlite_schema"
    ).fetchone()  # opens the log as well, while it is ours
