"""The folder in which the workers of a server share their metrics. It goes with the server; that of a
server which was killed goes when the next one starts.
"""

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on every system
    fcntl = None  # type: ignore[assignment]

FOLDER_PREFIX = "flowengine-metrics-"
LOCK_FILE = "lock"
# Versions before the lock named their folders so. There is nothing in one but files of workers.
OLD_FOLDERS = "flowengine-" + "[a-z0-9_]" * 8
OLD_FILE_PATTERN = re.compile(r"(?:counter|gauge_[a-z]+|histogram|summary)_[0-9]+\.db")
MIN_OLD_FOLDER_SECONDS = 3600.0
# a server locks its folder a moment after it has made it
MIN_STALE_SECONDS = 60.0


@contextmanager
def make_metrics_folder() -> Iterator[str]:
    """A folder for the time of the server, whose processes keep it locked."""
    place, now = Path(tempfile.gettempdir()), time.time()
    delete_stale_folders(place, now)
    delete_old_folders(place, now)
    with (
        tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder,
        (Path(folder) / LOCK_FILE).open("w") as file,
    ):
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield folder


def delete_stale_folders(place: Path, now: float) -> None:
    """Delete the folders of servers that have ended without doing so. A process id would not tell
    whether one has: containers that share a disk have the same ones.
    """
    if fcntl is None:
        return
    for folder in place.glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError):  # it is locked, or of another user
            file = os.open(folder / LOCK_FILE, os.O_RDWR)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if now - os.fstat(file).st_mtime > MIN_STALE_SECONDS:
                    shutil.rmtree(folder)
            finally:
                os.close(file)


def delete_old_folders(place: Path, now: float) -> None:
    """Delete the folders of killed servers of versions before the lock: those that nobody has written to
    for an hour, and none of whose files a process has open or mapped, in whatever container.
    """
    if not hasattr(fcntl, "F_SETLEASE"):  # Linux alone can tell
        return
    # whoever opens a file while this holds its lease has this signal sent, which ends a process
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        for folder in place.glob(OLD_FOLDERS):
            with suppress(OSError):  # it is another's
                if is_old_and_unused(folder, now):
                    shutil.rmtree(folder)
    finally:
        signal.signal(signal.SIGIO, before)


def is_old_and_unused(folder: Path, now: float) -> bool:
    """Whether this is a folder of metrics that no process uses. Raises OSError."""
    files = [*folder.iterdir()]
    return bool(files) and all(
        OLD_FILE_PATTERN.fullmatch(file.name)
        and now - file.stat().st_mtime > MIN_OLD_FOLDER_SECONDS
        and is_unused(file)
        for file in files
    )


def is_unused(path: Path) -> bool:
    """Whether no process has a file open or mapped: only then the system gives out its lease."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(file)
