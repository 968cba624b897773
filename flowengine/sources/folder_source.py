"""Flows that people edit: a folder, or a single file, on disk."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable
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


class FolderSource:
    """A folder, or a single file, on disk."""

    def __init__(self, path: Path) -> None:
        self.origin = FlowOrigin(str(path))
        self._folder = ProjectFolder(path)
        self._read_lock = threading.Lock()
        self._last_files: dict[str, bytes] | None = None
        self._last_warning = ""

    def read(self) -> SourceSnapshot | None:
        """The store may lie in this folder: what is written there, of a refusal too, is no change
        of the flows.
        """
        with self._read_lock:
            files = self._folder.read()
            if files == self._last_files:
                return None
            self._last_files = files
        return SourceSnapshot(files, self.origin)

    def forget_last_read(self) -> None:
        self._last_files = None

    async def watch_changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            try:
                async for changes in watch_folder(self._folder):
                    yield changes
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

    def _warn_unwatchable(self, why: str) -> None:
        if why != self._last_warning:
            self._last_warning = why
            log.warning(
                "%s cannot be watched, and is read %g times a second instead: %s",
                self.origin.place,
                1 / FOLLOW_POLL_SECONDS,
                why,
            )


async def watch_folder(folder: ProjectFolder) -> AsyncIterator[object]:
    """Changes in the folders that have files of a project, not below them, until other folders
    count: a link that leads elsewhere now, or a folder of tables where there was none.
    """
    reader = AbandonableRead[dict[Path, tuple[int, int]]](str(folder.path))
    first = await reader.run(partial(read_watch_identities, folder))
    step = {
        "debounce": 8 * WATCH_STEP_MILLIS,
        "step": WATCH_STEP_MILLIS,
        "rust_timeout": WATCH_TIMEOUT_MILLIS,
        "yield_on_timeout": True,
    }
    again = 0.0
    # all of them fit
    async for changes in awatch(*first, watch_filter=None, recursive=False, **step):  # type: ignore[arg-type]
        if (
            changes or time.monotonic() > again
        ):  # what changed before the watch stood shows in no change
            again = time.monotonic() + FULL_READ_SECONDS
            yield changes
        if any(
            Path(path) in first for _, path in changes
        ):  # one that was deleted and made again may look the same
            return
        if (
            await reader.run(partial(read_watch_identities, folder, () if changes else first))
            != first
        ):
            return


def read_watch_identities(
    folder: ProjectFolder, places: Iterable[Path] = ()
) -> dict[Path, tuple[int, int]]:
    """The folders that count, or these ones, each with the device and inode by which another folder
    in its place is noticed.
    """
    found = {place: place.stat() for place in places or folder.list_watched_folders()}
    return {place: (of.st_dev, of.st_ino) for place, of in found.items()}
