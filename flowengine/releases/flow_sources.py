"""Follows the place that flows live in: a folder that people edit, or a branch that they push to.
One worker does, for all.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from msgspec.structs import replace
from watchfiles import awatch

from flowengine.model import ProjectFolder
from flowengine.problems import to_text
from flowengine.releases.abandonable_read import AbandonableRead
from flowengine.releases.archive import ReleaseOrigin
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.git import GitError, Repository
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.publisher import format_source_name as named

log = logging.getLogger(__name__)
WATCH_STEP_MILLIS = 25  # an editor that writes in several steps is done by then
WATCH_TIMEOUT_MILLIS = 250  # of looking whether the same folders are still there
# of reading a folder of which nothing is told: a network disk does not tell what other machines
# write
FULL_READ_SECONDS = 5.0
BRANCH_POLL_SECONDS = 0.1  # of looking at a branch, which costs 0.1 ms
# of looking whether the worker that follows is still there, or a folder that was moved away is back
FOLLOW_POLL_SECONDS = 0.25
SERVER_ACTOR = "the server"


class SourceSnapshot(NamedTuple):
    """What a place has now."""

    files: dict[str, bytes]
    origin: ReleaseOrigin


class FlowSource(Protocol):
    """Where flows live."""

    @property
    def origin(self) -> ReleaseOrigin:
        """What it is called."""
        ...

    def read(self) -> SourceSnapshot | None:
        """What is there now; None where that is what was there before. Raises OSError or GitError."""
        ...

    def forget_last_read(self) -> None:
        """What was read came to nothing: it is news again."""
        ...

    def watch_changes(self) -> AsyncIterator[object]:
        """Something whenever it may be worth to read again."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FolderSource:
    """A folder, or a single file, on disk."""

    def __init__(self, path: Path) -> None:
        self.origin = ReleaseOrigin(str(path))
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
            await asyncio.sleep(FOLLOW_POLL_SECONDS)

    def close(self) -> None:
        """Nothing is held."""

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
    apart = AbandonableRead[dict[Path, tuple[int, int]]](str(folder.path))
    first = await apart.run(partial(read_watch_identities, folder))
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
            await apart.run(partial(read_watch_identities, folder, () if changes else first))
            != first
        ):
            return


def read_watch_identities(
    folder: ProjectFolder, places: Iterable[Path] = ()
) -> dict[Path, tuple[int, int]]:
    """The places of a folder that count (or those that are known), with what another one in the
    stead of one would have otherwise.
    """
    found = {place: place.stat() for place in places or folder.list_watched_folders()}
    return {place: (of.st_dev, of.st_ino) for place, of in found.items()}


class BranchSource:
    """A branch of a repository, local or bare."""

    def __init__(self, repository: Path, ref: str, path: str) -> None:
        self.origin = ReleaseOrigin(str(repository), ref)
        self._repository = Repository(repository)
        self._path = path
        self._read_lock = threading.Lock()
        self._last_commit = ""

    def read(self) -> SourceSnapshot | None:
        with self._read_lock:
            commit = self._repository.find_commit(self.origin.ref)
            if commit.id == self._last_commit:
                return None
            files = self._repository.read_files(commit, self._path)
            self._last_commit = commit.id
        return SourceSnapshot(
            files,
            replace(self.origin, commit=commit.id, author=commit.author, message=commit.message),
        )

    def forget_last_read(self) -> None:
        self._last_commit = ""

    def close(self) -> None:
        self._repository.close()

    async def watch_changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            await asyncio.sleep(BRANCH_POLL_SECONDS)


def read_and_publish(place: FlowSource, publisher: Publisher) -> PublishResult | None:
    """Publish what a place has, if that is news. Raises OSError or GitError where it cannot be
    read.
    """
    found = place.read()
    return publish_snapshot(found, place, publisher) if found else None


def publish_snapshot(
    found: SourceSnapshot, place: FlowSource, publisher: Publisher
) -> PublishResult:
    try:
        return publisher.publish_if_new(
            found.files, found.origin, found.origin.author or SERVER_ACTOR
        )
    except BaseException:
        place.forget_last_read()
        raise


async def follow_source(
    place: FlowSource,
    publisher: Publisher,
    workshop: CompileWorker,
    published: Callable[[PublishResult], None],
) -> None:
    """Publish whatever changes, for ever. What cannot be read or has errors is reported, and all
    stays as it was.
    """
    follower = SourceFollower(place, publisher, workshop)
    async for _ in place.watch_changes():
        made = await follower.publish_with_retries()
        if made is not None:
            published(made)


class SourceFollower:
    """Reads a place apart and publishes in the workshop, which so has time for everything else
    while a disk hangs.
    """

    def __init__(self, place: FlowSource, publisher: Publisher, workshop: CompileWorker) -> None:
        self._place = place
        self._publisher = publisher
        self._workshop = workshop
        self._reading = AbandonableRead[SourceSnapshot | None](named(place.origin))
        self._reported_error = ""

    async def publish_with_retries(self) -> PublishResult | None:
        """What is in the way, a full disk or a branch that is gone, is reported once, and tried
        until it is over.
        """
        while True:
            try:
                made = await self._publish_once()
            # whatever it is, calls go on with what they have
            except Exception as error:  # noqa: BLE001
                await self._report_error(error)
            else:
                if self._reported_error:
                    log.info("the flows can be published again")
                    self._reported_error = ""
                return made
            await asyncio.sleep(FOLLOW_POLL_SECONDS)

    async def _publish_once(self) -> PublishResult | None:
        try:
            found = await self._reading.run(self._place.read)
        except (OSError, GitError) as error:
            self._place.forget_last_read()  # what comes next is news, even where it is what was there before
            raise UnreadableSourceError(error) from error
        return (
            await self._workshop.run(lambda: publish_snapshot(found, self._place, self._publisher))
            if found
            else None
        )

    async def _report_error(self, error: Exception) -> None:
        if (why := repr(error)) == self._reported_error:
            return
        foreseen = isinstance(error, (UnreadableSourceError, OSError, ArchiveError))
        log.error(
            "the flows cannot be published, and stay as they were: %s",
            error,
            exc_info=None if foreseen else error,
        )
        if isinstance(error, UnreadableSourceError):
            with suppress(ArchiveError):  # which the next one is told of, or this one the next time
                await self._workshop.run(
                    lambda: self._publisher.reject_unreadable(self._place.origin, error.cause)
                )
        self._reported_error = why


class UnreadableSourceError(Exception):  # it says what went wrong elsewhere
    """A place could not be read."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


def log_problems(what: str, made: PublishResult) -> None:
    """Say what is wrong with flows, each line as a report of its own: of any report the log of a
    server has the first line alone.
    """
    log.error("%s:", what)
    for line in to_text(made.problems, made.sources).splitlines():
        log.error("%s", line)


def log_publish_result(made: PublishResult) -> None:
    """Say what became of a change."""
    if not made.release:
        log_problems("the flows have errors, and stay as they were", made)
    elif made.changed:
        log.info("release %s is live", made.release)
