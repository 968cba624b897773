"""Flows that people edit: a folder, or a single file, on disk."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from watchfiles import awatch

from flowengine.sources.abandonable_read import AbandonableRead
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, FlowOrigin, SourceSnapshot
from flowengine.sources.project_folder import ProjectFolder

log = logging.getLogger(__name__)
WATCH_STEP_MILLIS = 25  # an editor that writes in several steps is done by then
WATCH_TIMEOUT_MILLIS = 250  # of looking whether the same folders are still there
# of reading a folder of which nothing is told: a network disk does not tell what other machines
# write
FULL_READ_SECONDS = 5.0
# of the time may pass in such readings, as a change that is told meanwhile has to wait
MAX_FULL_READ_SHARE = 0.02


class UnreadChanges:
    """The paths that have changed since they were read; at first, and after an error, all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: frozenset[str] | None = None

    def add(self, paths: Iterable[str]) -> None:
        with self._lock:
            if self._paths is not None:
                self._paths |= frozenset(paths)

    def add_all(self) -> None:
        """Everything may have changed."""
        with self._lock:
            self._paths = None

    def take(self) -> frozenset[str] | None:
        """What has changed; None for all. A reading that no change has led to reads all."""
        with self._lock:
            taken, self._paths = self._paths, frozenset()
        return taken or None


class FolderSource:
    """A folder, or a single file, on disk."""

    def __init__(self, path: Path) -> None:
        self.origin = FlowOrigin(str(path))
        self._folder = ProjectFolder(path)
        self._unread = UnreadChanges()
        self._full_read_seconds = 0.0
        self._read_lock = threading.Lock()
        self._last_files: dict[str, bytes] | None = None
        self._last_warning = ""

    def read(self) -> SourceSnapshot | None:
        """The store may lie in this folder: what is written there, of a refusal too, is no change
        of the flows.
        """
        with self._read_lock:
            files = self._read_files()
            if files == self._last_files:
                return None
            self._last_files = files
        return SourceSnapshot(files, self.origin)

    def _read_files(self) -> dict[str, bytes]:
        changed = self._unread.take()
        try:
            if changed is not None:
                return self._folder.read_changes(changed)
            begun = time.monotonic()
            files = self._folder.read()
        except BaseException:
            self._unread.add_all()
            raise
        self._full_read_seconds = time.monotonic() - begun
        return files

    def forget_last_read(self) -> None:
        self._last_files = None
        self._unread.add_all()

    async def watch_changes(self) -> AsyncIterator[object]:
        while True:
            self._unread.add_all()
            yield None
            try:
                async for paths in watch_folder(self._folder, self._get_full_read_pause):
                    if paths:
                        self._unread.add(paths)
                    else:
                        self._unread.add_all()
                    yield paths
            except FileNotFoundError:  # moved away, to be replaced by another one perhaps
                pass
            except (OSError, RuntimeError) as error:  # too many watches on this machine, say
                self._warn_unwatchable(str(error))
            # an error while it waits, such as of a name that is not UTF-8, comes out of a task group
            except ExceptionGroup as group:
                self._warn_unwatchable("; ".join(map(str, group.exceptions)))
            await asyncio.sleep(FOLLOW_POLL_SECONDS)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _get_full_read_pause(self) -> float:
        return max(FULL_READ_SECONDS, self._full_read_seconds / MAX_FULL_READ_SHARE)

    def _warn_unwatchable(self, why: str) -> None:
        if why != self._last_warning:
            self._last_warning = why
            log.warning(
                "%s cannot be watched, and is read %g times a second instead: %s",
                self.origin.place,
                1 / FOLLOW_POLL_SECONDS,
                why,
            )


async def watch_folder(
    folder: ProjectFolder, get_full_read_pause: Callable[[], float]
) -> AsyncIterator[frozenset[str]]:
    """The paths that have changed in the folders that have files of a project, not below them, until
    other folders count: a link that leads elsewhere now, or a folder of tables where there was none.
    None of them, now and then, is for all.
    """
    reader = AbandonableRead[dict[Path, tuple[int, int]]](str(folder.path))
    first = await reader.run(partial(read_watch_identities, folder))
    step = {
        "debounce": 8 * WATCH_STEP_MILLIS,
        "step": WATCH_STEP_MILLIS,
        "rust_timeout": WATCH_TIMEOUT_MILLIS,
        "yield_on_timeout": True,
    }
    due = 0.0  # when all is to be read: what changed before the watch stood shows in no change
    # all of them fit
    async for changes in awatch(*first, watch_filter=None, recursive=False, **step):  # type: ignore[arg-type]
        paths = frozenset(path for _, path in changes)
        # that waits for a moment in which nothing changes, though not for ever
        if time.monotonic() - due > (get_full_read_pause() if paths else 0):
            yield frozenset()
            due = time.monotonic() + get_full_read_pause()
        elif paths:
            yield paths
        if any(Path(path) in first for path in paths):
            return  # one that was deleted and made again may look the same
        if await reader.run(partial(read_watch_identities, folder, first, paths)) != first:
            return


def read_watch_identities(
    folder: ProjectFolder, known: Iterable[Path] = (), changed: Collection[str] = ()
) -> dict[Path, tuple[int, int]]:
    """The folders that count, each with the device and inode by which another folder in its place
    is noticed. They are those that are known where what has changed is a file and no link.
    """
    places = known
    if not known or (changed and folder.may_watch_others(changed)):
        places = folder.list_watched_folders()
    found = {place: place.stat() for place in places}
    return {place: (of.st_dev, of.st_ino) for place, of in found.items()}
