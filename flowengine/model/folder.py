"""The files of a project on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from time import time_ns

from flowengine.limits import MAX_PROJECT_FILES
from flowengine.pace import paced, pause

PROJECT_FILE = "project.yaml"
PARTS = ("calendars", "tables", "messages")
SETTLED_NANOSECONDS = 2_000_000_000  # the coarsest clock of a disk that is in use (FAT) ticks every two seconds
PATTERNS = ("*.yaml", "*.yml", *(f"{part}/*.y*ml" for part in PARTS))


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it was read. `settled` tells that whoever wrote it was done: a later change would show in its stamp."""

    stamp: tuple[int, ...]
    content: bytes
    settled: bool


class Folder:
    """A folder of flows, or a single one, that is read again and again: only what has changed since is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Path, Reading] = {}

    def read(self) -> dict[str, bytes]:
        """The YAML files by their path in the project. A single file is a project of one flow, unless a project file lies beside it.

        A file that vanishes meanwhile is left out. Raises OSError where the folder, or a file in it, cannot be read.
        """
        base, files = listed(self.path)
        self._known = {file: reading for file in files if (reading := self._reading(file))}
        return {file.relative_to(base).as_posix(): reading.content for file, reading in paced(self._known.items())}

    def _reading(self, file: Path) -> Reading | None:
        pause()
        known = self._known.get(file)
        try:
            before = file.stat()
            if known and known.settled and known.stamp == stamp(before):
                return known
            content = file.read_bytes()
            return read(before, file.stat(), content, known)
        except FileNotFoundError:
            return None


def read(before: stat_result, after: stat_result, content: bytes, known: Reading | None) -> Reading:
    """A clock of the disk may tick slowly: a file changed just now may change again without its stamp showing it."""
    still = stamp(before) == stamp(after) and after.st_size == len(content)
    settled = still and time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > SETTLED_NANOSECONDS
    same = known is not None and known.content == content
    return Reading(stamp(after), known.content if known and same else content, settled)


def stamp(found: stat_result) -> tuple[int, ...]:
    """What a change leaves a trace in: the time of the change itself, too, as tools may set back that of the content."""
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def listed(path: Path) -> tuple[Path, list[Path]]:
    """The folder of a project and its files."""
    if path.is_file():
        return listed(path.parent) if (path.parent / PROJECT_FILE).is_file() else (path.parent, [path])
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder or file {path}")
    return path, sorted(paced(found(path)))[:MAX_PROJECT_FILES]


def found(folder: Path) -> Iterator[Path]:
    return (path for pattern in PATTERNS for path in folder.glob(pattern))


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a project, read once; see `Folder.read`."""
    return Folder(folder).read()
