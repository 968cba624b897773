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

from flowengine.model import Folder
from flowengine.problems import to_text
from flowengine.releases.apart import Apart
from flowengine.releases.archive import Origin
from flowengine.releases.database import ArchiveError
from flowengine.releases.git import GitError, Repository
from flowengine.releases.publisher import Made, Publisher
from flowengine.releases.publisher import place as named
from flowengine.releases.workshop import Workshop

log = logging.getLogger(__name__)
QUIET_MILLIS = 25  # an editor that writes in several steps is done by then
LOOK_MILLIS = 250  # of looking whether the same folders are still there
# of reading a folder of which nothing is told: a network disk does not tell what other machines
# write
SURE_SECONDS = 5.0
LOOK_SECONDS = 0.1  # of looking at a branch, which costs 0.1 ms
# of looking whether the worker that follows is still there, or a folder that was moved away is back
TURN_SECONDS = 0.25
WHO = "the server"


class Found(NamedTuple):
    """What a place has now."""

    files: dict[str, bytes]
    origin: Origin


class Place(Protocol):
    """Where flows live."""

    @property
    def origin(self) -> Origin:
        """What it is called."""
        ...

    def read(self) -> Found | None:
        """What is there now; None where that is what was there before. Raises OSError or GitError."""
        ...

    def forget(self) -> None:
        """What was read came to nothing: it is news again."""
        ...

    def changes(self) -> AsyncIterator[object]:
        """Something whenever it may be worth to read again."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FolderPlace:
    """A folder, or a single file, on disk."""

    def __init__(self, path: Path) -> None:
        self.origin = Origin(str(path))
        self._folder = Folder(path)
        self._reading = threading.Lock()
        self._seen: dict[str, bytes] | None = None
        self._told = ""

    def read(self) -> Found | None:
        """The store may lie in this folder: what is written there, of a refusal too, is no change
        of the flows.
        """
        with self._reading:
            files = self._folder.read()
            if files == self._seen:
                return None
            self._seen = files
        return Found(files, self.origin)

    def forget(self) -> None:
        self._seen = None

    async def changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            try:
                async for changes in watched(self._folder):
                    yield changes
            except FileNotFoundError:  # moved away, to be replaced by another one perhaps
                pass
            except (OSError, RuntimeError) as error:  # too many watches on this machine, say
                self._complain(str(error))
            await asyncio.sleep(TURN_SECONDS)

    def close(self) -> None:
        """Nothing is held."""

    def _complain(self, why: str) -> None:
        if why != self._told:
            self._told = why
            log.warning(
                "%s cannot be watched, and is read %g times a second instead: %s",
                self.origin.place,
                1 / TURN_SECONDS,
                why,
            )


async def watched(folder: Folder) -> AsyncIterator[object]:
    """Changes in the folders that have files of a project, not below them, until other folders
    count: a link that leads elsewhere now, or a folder of tables where there was none.
    """
    apart = Apart[dict[Path, tuple[int, int]]](str(folder.path))
    first = await apart.done(partial(identities, folder))
    step = {
        "debounce": 8 * QUIET_MILLIS,
        "step": QUIET_MILLIS,
        "rust_timeout": LOOK_MILLIS,
        "yield_on_timeout": True,
    }
    again = 0.0
    # all of them fit
    async for changes in awatch(*first, watch_filter=None, recursive=False, **step):  # type: ignore[arg-type]
        if (
            changes or time.monotonic() > again
        ):  # what changed before the watch stood shows in no change
            again = time.monotonic() + SURE_SECONDS
            yield changes
        if any(
            Path(path) in first for _, path in changes
        ):  # one that was deleted and made again may look the same
            return
        if await apart.done(partial(identities, folder, () if changes else first)) != first:
            return


def identities(folder: Folder, places: Iterable[Path] = ()) -> dict[Path, tuple[int, int]]:
    """The places of a folder that count (or those that are known), with what another one in the
    stead of one would have otherwise.
    """
    found = {place: place.stat() for place in places or folder.places()}
    return {place: (of.st_dev, of.st_ino) for place, of in found.items()}


class Branch:
    """A branch of a repository, local or bare."""

    def __init__(self, repository: Path, ref: str, path: str) -> None:
        self.origin = Origin(str(repository), ref)
        self._repository = Repository(repository)
        self._path = path
        self._reading = threading.Lock()
        self._seen = ""

    def read(self) -> Found | None:
        with self._reading:
            commit = self._repository.commit(self.origin.ref)
            if commit.id == self._seen:
                return None
            files = self._repository.files(commit, self._path)
            self._seen = commit.id
        return Found(
            files,
            replace(self.origin, commit=commit.id, author=commit.author, message=commit.message),
        )

    def forget(self) -> None:
        self._seen = ""

    def close(self) -> None:
        self._repository.close()

    async def changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            await asyncio.sleep(LOOK_SECONDS)


def publish_now(place: Place, publisher: Publisher) -> Made | None:
    """Publish what a place has, if that is news. Raises OSError or GitError where it cannot be
    read.
    """
    found = place.read()
    return publish(found, place, publisher) if found else None


def publish(found: Found, place: Place, publisher: Publisher) -> Made:
    try:
        return publisher.follow(found.files, found.origin, found.origin.author or WHO)
    except BaseException:
        place.forget()
        raise


async def follow(
    place: Place, publisher: Publisher, workshop: Workshop, published: Callable[[Made], None]
) -> None:
    """Publish whatever changes, for ever. What cannot be read or has errors is reported, and all
    stays as it was.
    """
    follower = Follower(place, publisher, workshop)
    async for _ in place.changes():
        made = await follower.made()
        if made is not None:
            published(made)


class Follower:
    """Reads a place apart and publishes in the workshop, which so has time for everything else
    while a disk hangs.
    """

    def __init__(self, place: Place, publisher: Publisher, workshop: Workshop) -> None:
        self._place = place
        self._publisher = publisher
        self._workshop = workshop
        self._reading = Apart[Found | None](named(place.origin))
        self._told = ""

    async def made(self) -> Made | None:
        """What is in the way, a full disk or a branch that is gone, is reported once, and tried
        until it is over.
        """
        while True:
            try:
                made = await self._now()
            # whatever it is, calls go on with what they have
            except Exception as error:  # noqa: BLE001
                await self._tell(error)
            else:
                if self._told:
                    log.info("the flows can be published again")
                    self._told = ""
                return made
            await asyncio.sleep(TURN_SECONDS)

    async def _now(self) -> Made | None:
        try:
            found = await self._reading.done(self._place.read)
        except (OSError, GitError) as error:
            self._place.forget()  # what comes next is news, even where it is what was there before
            raise Unread(error) from error
        return (
            await self._workshop.run(lambda: publish(found, self._place, self._publisher))
            if found
            else None
        )

    async def _tell(self, error: Exception) -> None:
        if (why := repr(error)) == self._told:
            return
        foreseen = isinstance(error, (Unread, OSError, ArchiveError))
        log.error(
            "the flows cannot be published, and stay as they were: %s",
            error,
            exc_info=None if foreseen else error,
        )
        if isinstance(error, Unread):
            with suppress(ArchiveError):  # which the next one is told of, or this one the next time
                await self._workshop.run(
                    lambda: self._publisher.unread(self._place.origin, error.cause)
                )
        self._told = why


class Unread(Exception):  # noqa: N818  # it says what went wrong elsewhere
    """A place could not be read."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


def log_problems(what: str, made: Made) -> None:
    """Say what is wrong with flows, each line as a report of its own: of any report the log of a
    server has the first line alone.
    """
    log.error("%s:", what)
    for line in to_text(made.problems, made.sources).splitlines():
        log.error("%s", line)


def report(made: Made) -> None:
    """Say what became of a change."""
    if not made.release:
        log_problems("the flows have errors, and stay as they were", made)
    elif made.changed:
        log.info("release %s is live", made.release)
