"""Where the file of a database lies. While it is open somebody may take it away, or put another one
in its place; SQLite does not look, and goes on with a file that nobody else can find.
"""

import errno
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # where a file that is open cannot be taken away
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)
_COMPANION_SUFFIXES = ("-wal", "-shm")
_OTHERS = 0o077
InodeIdentity = tuple[int, int]


def suggest_remedy(error: Exception, lost: str) -> str:
    """What to do about a file that cannot be used, to be said after the reason; `lost` is what
    stands in it and nowhere else.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"; move the file away, then one is made anew: what is lost then is {lost}"
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    ) or isinstance(error, OSError):
        return "; the file must be one, and the user of the server must be allowed to write it and its folder"
    return ""


def create_file(path: Path) -> None:
    """Make the file where there is none, for its owner alone, as is one that is there. Raises
    OSError.

    What a file that was taken away has left beside is no part of the new one: whoever still has
    that open goes on with it, and a new one that took it for its own would fail.
    """
    with _lock_folder(path.parent):
        # A file that is there is not opened: closing it would drop the locks of other connections.
        if os.path.lexists(path):
            restrict_to_owner(path, *(_companion_path(path, name) for name in _COMPANION_SUFFIXES))
            _check_writable(path)
            return
        for name in _COMPANION_SUFFIXES:
            _companion_path(path, name).unlink(missing_ok=True)
        os.close(
            os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        )  # SQLite's other files get the same permissions


def restrict_to_owner(*paths: Path) -> None:
    """Take away what others may do with these files, where they exist: a server of before, or a
    copy from a backup, may have left them readable. Where that cannot be done, say so.
    """
    for path in paths:
        with suppress(FileNotFoundError):
            found = path.stat().st_mode
            mode = stat.S_IMODE(found)
            if not stat.S_ISREG(found) or not mode & _OTHERS:
                continue
            try:
                path.chmod(mode & ~_OTHERS)
            except OSError as error:
                log.warning(
                    "others may read or write %s (mode %04o), and that cannot be changed: %s",
                    path, mode, error.strerror,
                )  # fmt: skip
            else:
                log.warning(
                    "others could read or write %s (mode %04o): from now on its user alone may",
                    path, mode,
                )  # fmt: skip


def restore_file(connection: sqlite3.Connection, path: Path) -> bool:
    """Put all that the connection has where there is no file any more; whether there was none.
    Raises OSError or sqlite3.Error.
    """
    with _lock_folder(path.parent):
        if os.path.lexists(path):
            return False
        for name in _COMPANION_SUFFIXES:
            _companion_path(path, name).unlink(missing_ok=True)
        whole = path.with_name(f"{path.name}-new")
        whole.unlink(missing_ok=True)
        os.close(os.open(whole, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            connection.execute("VACUUM INTO ?", (str(whole),))
        except sqlite3.Error:
            whole.unlink()
            raise
        whole.rename(path)
        return True


class FileIdentity:
    """The files that a connection to this path has opened, as they were right after that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = _read_identity(path)
        self._companions = {
            name: _read_identity(_companion_path(path, name)) for name in _COMPANION_SUFFIXES
        }

    def is_unchanged(self) -> bool:
        """Whether the file is still there, and still the same. Costs a microsecond or two."""
        return _read_identity(self.path) == self._inode

    def is_same_file(self, other: "FileIdentity") -> bool:
        """Whether both are of the same file, be it there or not."""
        return self._inode == other._inode  # noqa: SLF001  # one of its kind

    def remove_companions(self) -> None:
        """Take away what the file that was here has left beside, as it would spoil the one that has
        come, or comes, in its place.
        """
        with suppress(OSError), _lock_folder(self.path.parent):
            for name, own in self._companions.items():
                if own is not None and _read_identity(_companion_path(self.path, name)) == own:
                    _companion_path(self.path, name).unlink()


def _check_writable(path: Path) -> None:
    """SQLite would open it to read, and fail at the first call."""
    if path.exists() and not os.access(
        path, os.W_OK, effective_ids=os.access in os.supports_effective_ids
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """With no other process of ours making or clearing away files in this folder."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read_identity(path: Path) -> InodeIdentity | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # the same in a quarter of the time
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _companion_path(path: Path, name: str) -> Path:
    real = path.resolve()
    return real.with_name(real.name + name)
