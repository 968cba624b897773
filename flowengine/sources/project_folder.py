"""The files of a project on disk."""

import errno
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from os import stat_result
from pathlib import Path
from time import time_ns

import msgspec

from flowengine.cooperative import iterate_with_pauses
from flowengine.limits import MAX_PROJECT_FILES, MAX_READ_BYTES
from flowengine.problems import Problem, Span

PROJECT_FILE = "project.yaml"
PROJECT_PARTS = ("calendars", "tables", "messages", "groups")
SCENARIO_FOLDER = "scenarios"
SETTLED_NANOSECONDS = (
    2_000_000_000  # the coarsest clock of a disk that is in use (FAT) ticks every two seconds
)
# nearly all files have less, and room for the most would be asked of the system for each
USUAL_READ_BYTES = 64_000
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
YAML_SUFFIXES = (".yaml", ".yml")
UNPRINTABLE_NAME = "has a name that cannot be shown: use letters, digits and -"
# how a flow can be told from the YAML files of other programs, where no project file lies beside it
FLOW_KEY = re.compile(rb"^(?:flow|states)[ \t]*:", re.MULTILINE)
FILE_TYPES = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


class UnreadableFilesError(OSError):
    """Files of a project that cannot be read, by name with the reason; `files` are the others."""

    def __init__(self, reasons: Mapping[str, str], files: Mapping[str, bytes]) -> None:
        self.reasons = reasons
        self.files = files
        super().__init__("; ".join(f"{name} {why}" for name, why in reasons.items()))

    def to_problems(self) -> list[Problem]:
        return [Problem("FE508", Span.for_file(name), why) for name, why in self.reasons.items()]


class FileSnapshot(msgspec.Struct, frozen=True):
    """A file as it was read. `is_stable` tells that its writer was done: a later change would
    show in its stamp. `is_linked` tells that it may change by another name.
    """

    stamp: tuple[int, ...]
    content: bytes
    is_stable: bool
    is_linked: bool = False


class ProjectFolder:
    """A folder of flows, or a single one, that is read again and again: only what has changed since
    is opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._snapshots: dict[str, FileSnapshot] = {}
        # of the last reading, where a change of a file is told by its own name
        self._contents: dict[str, bytes] | None = None

    def read(self) -> dict[str, bytes]:
        """The YAML files by their path in the project. A single file is a project of one flow,
        unless a project file lies beside it.

        A file that vanishes meanwhile is left out. Raises OSError where the folder, or a file in
        it, cannot be read.
        """
        self._contents = None
        base, names = list_project_names(self.path)
        within, reasons = base.resolve(), dict[str, str]()
        known, self._snapshots = self._snapshots, {}
        for name in iterate_with_pauses(names):
            try:
                if reading := reread_file(
                    f"{base}/{name}",
                    None if base != self.path and name == self.path.name else within,
                    known.get(name),
                ):
                    self._snapshots[name] = reading
            except OSError as error:
                reasons[format_name(name)] = str(error)
        contents = {name: reading.content for name, reading in self._snapshots.items()}
        if reasons:
            raise UnreadableFilesError(reasons, contents)
        if base == self.path and not any(one.is_linked for one in self._snapshots.values()):
            self._contents = contents
        return dict(contents)

    def read_changes(self, paths: Collection[str]) -> dict[str, bytes]:
        """The same, where nothing can have changed since the last time but what has these paths.
        What costs time are these alone.
        """
        names = self.list_changed_names(paths)
        contents, self._contents = self._contents, None
        if names is None or contents is None or not names <= contents.keys():
            return self.read()
        within = self.path.resolve()
        contents = dict(contents)
        for name in names:
            try:
                found = reread_file(f"{self.path}/{name}", within, self._snapshots[name])
            except OSError:
                return self.read()
            if found is None or found.is_linked:
                return self.read()
            self._snapshots[name], contents[name] = found, found.content
        self._contents = contents
        return dict(contents)

    def list_changed_names(self, paths: Iterable[str]) -> set[str] | None:
        """The names of the files of the project that have these paths; None where one of these is
        that of a folder, or leads elsewhere.
        """
        names, base = set[str](), str(self.path.absolute())
        for path in paths:
            folder, _, own = path.rpartition("/")
            part = folder.removeprefix(base).removeprefix("/")
            if not folder.startswith(base) or part not in ("", *PROJECT_PARTS):
                return None
            if is_project_file(own):
                names.add(f"{part}/{own}" if part else own)
            elif not part and own in PROJECT_PARTS:
                return None
        return names

    def list_watched_folders(self) -> set[Path]:
        """The folders in which a change may be one of this project: its own, those of tables and
        the like, and where links lead.
        """
        base, files = list_project_files(self.path)
        parts = (
            {base / part for part in PROJECT_PARTS if (base / part).is_dir()}
            if base == self.path
            else set()
        )
        return {
            base,
            *parts,
            *(
                resolve_link(file).parent
                for file in iterate_with_pauses(files.values())
                if file.is_symlink()
            ),
        }

    def may_watch_others(self, paths: Collection[str]) -> bool:
        """Whether other folders than before may have to be watched, as what has these paths has
        changed.
        """
        return (
            self._contents is None
            or self.list_changed_names(paths) is None
            or any(map(os.path.islink, paths))
        )


def reread_file(file: str, within: Path | None, known: FileSnapshot | None) -> FileSnapshot | None:
    """What a file has now; None where it has vanished. Raises OSError, whose text goes on after the
    name of the file.
    """
    is_link = False
    try:
        before = os.lstat(file)
        if is_link := stat.S_ISLNK(before.st_mode):
            before = os.stat(file)  # noqa: PTH116  # a Path for each takes twice the time
        if (
            known
            and known.is_stable
            and known.stamp == get_stamp(before)
            and (known.is_linked or not is_link)
        ):
            return known
        check_readable(file, within, before, is_link=is_link)
        content = read_content(file)
        after = os.stat(file)  # noqa: PTH116
        return take_snapshot(before, after, content, known, is_link=is_link)
    except FileNotFoundError as error:
        if not is_link:
            return None
        raise OSError("is a link that leads nowhere") from error
    except PermissionError as error:
        raise OSError(
            "may not be read by the user that this runs as: change its permissions"
        ) from error
    except OSError as error:
        raise OSError(
            "is a link in a loop of links"
            if error.errno == errno.ELOOP
            else error.strerror or str(error)
        ) from error


def check_readable(file: str, within: Path | None, found: stat_result, *, is_link: bool) -> None:
    """Raises OSError for what is no file of the project: reading a named pipe, say, would never
    end. Links lead nowhere outside `within`, except to the requested file itself.
    """
    folder, _, name = file.rpartition("/")
    if not name.isprintable():
        raise OSError(UNPRINTABLE_NAME)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"is {FILE_TYPES.get(stat.S_IFMT(found.st_mode), 'a device')}, not a file")
    if found.st_size > MAX_READ_BYTES:
        raise OSError(f"has {found.st_size:,} bytes, which are too many for a file of flows")
    # following the whole path of each file would take longer than reading it
    is_linked = is_link or os.path.islink(folder)  # noqa: PTH114  # as above
    if within and is_linked and not resolve_link(file).is_relative_to(within):
        raise OSError(
            "is a link that leads out of the folder, where changes would not be seen: put the file "
            "itself here"
        )


def resolve_link(file: str | Path) -> Path:
    """Where a link leads to; `Path.resolve` fails on a loop of links."""
    return Path(os.path.realpath(file))


def read_content(file: str | Path) -> bytes:
    """Read a file without blocking, even if it has become a pipe meanwhile."""
    # a file object takes longer to make than a file of flows to read
    descriptor = os.open(file, _READ_FLAGS)
    try:
        pieces, left = [], MAX_READ_BYTES + 1
        while piece := os.read(descriptor, min(left, USUAL_READ_BYTES)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def take_snapshot(
    before: stat_result,
    after: stat_result,
    content: bytes,
    known: FileSnapshot | None,
    *,
    is_link: bool,
) -> FileSnapshot:
    """A clock of the disk may tick slowly: a file changed just now may change again without its
    stamp showing it.
    """
    still = get_stamp(before) == get_stamp(after) and after.st_size == len(content)
    settled = still and time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > SETTLED_NANOSECONDS
    same = known is not None and known.content == content
    return FileSnapshot(
        get_stamp(after),
        known.content if known and same else content,
        settled,
        is_link or after.st_nlink > 1,
    )


def get_stamp(found: stat_result) -> tuple[int, ...]:
    """What a change leaves a trace in: the time of the change itself, too, as tools may set back
    that of the content.
    """
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def list_project_files(path: Path) -> tuple[Path, dict[str, Path]]:
    """The folder of a project, and its files by their path in it."""
    base, names = list_project_names(path)
    return base, {name: base / name for name in iterate_with_pauses(names)}


def list_project_names(path: Path) -> tuple[Path, list[str]]:
    """The folder of a project, and the paths of its files in it."""
    if not path.is_dir():
        if not os.path.lexists(path):
            raise FileNotFoundError(f"there is no folder or file {path}")
        return (
            list_project_names(path.parent)
            if (path.parent / PROJECT_FILE).is_file()
            else (path.parent, [path.name])
        )
    names = sorted(iterate_file_names(path))
    if len(names) > MAX_PROJECT_FILES:
        raise OSError(
            f"{path} has {len(names):,} files of flows; up to {MAX_PROJECT_FILES:,} are possible"
        )
    return path, ["/".join(name) for name in names]


def iterate_file_names(folder: Path) -> Iterator[tuple[str, ...]]:
    """The names of the files, each behind that of the part of the project that it is in."""
    for part in ((), *((part,) for part in PROJECT_PARTS)):
        place = folder.joinpath(*part)
        if not part or place.is_dir():
            yield from (
                (*part, name)
                for entry in iterate_with_pauses(os.scandir(place))
                if is_project_file(name := entry.name)
            )


def is_project_file(name: str) -> bool:
    """Whether a file of this name belongs to a project. Hidden ones do not: editors keep locks and
    copies in them.
    """
    return name.endswith(YAML_SUFFIXES) and not name.startswith(".")


def is_flow_content(content: bytes) -> bool:
    """Whether this looks like a flow, by its content alone."""
    return FLOW_KEY.search(content) is not None


def list_scenario_paths(folder: Path) -> list[Path]:
    """The files of scenarios beside the flows of a project."""
    return sorted((folder / SCENARIO_FOLDER).glob("*.y*ml"))


def read_scenario_files(folder: Path) -> dict[str, bytes]:
    """The files of scenarios beside the flows of a project, by their path in it; for a single flow,
    those beside its file. Raises OSError, which names the file that cannot be read.
    """
    root, contents = folder.parent if folder.is_file() else folder, dict[str, bytes]()
    for path in list_scenario_paths(root):
        name = path.relative_to(root).as_posix()
        try:
            reading = reread_file(str(path), None, None)
        except OSError as error:
            raise OSError(f"{format_name(name)} {error}") from error
        if reading:
            contents[name] = reading.content
    return contents


def format_name(name: str) -> str:
    """A name that may hold anything, in a message."""
    return name if name.isprintable() else ascii(name)


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a project, read once; see `Folder.read`."""
    return ProjectFolder(folder).read()
