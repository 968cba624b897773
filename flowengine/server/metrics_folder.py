"""The folder in which the workers of a server share their metrics. It goes with the server; that of a
server which was killed goes when the next one starts.
"""

import os
import shutil
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
# a server locks its folder a moment after it has made it
MIN_STALE_SECONDS = 60.0


@contextmanager
def make_metrics_folder() -> Iterator[str]:
    """A folder for the time of the server, whose processes keep it locked."""
    delete_stale_folders(Path(tempfile.gettempdir()), time.time())
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
