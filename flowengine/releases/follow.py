"""Follows the place that flows live in: a folder that people edit, or a branch that they push to. One worker does, for all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from watchfiles import awatch

from flowengine.model import Folder
from flowengine.problems import to_text
from flowengine.releases.archive import Origin
from flowengine.releases.database import ArchiveError
from flowengine.releases.git import GitError, Repository
from flowengine.releases.publisher import Made, Publisher
from flowengine.releases.workshop import Workshop

log = logging.getLogger(__name__)
QUIET_MILLIS = 25  # an editor that writes in several steps is done by then
LOOK_SECONDS = 0.1  # of looking at a branch, which costs 0.1 ms
TURN_SECONDS = 0.25  # of looking whether the worker that follows is still there, or a folder that was moved away is back
WHO = "the server"


class Found(NamedTuple):
    """What a place has now."""

    files: dict[str, bytes]
    origin: Origin


class Place(Protocol):
    """Where flows live."""

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
        self._path = path
        self._folder = Folder(path)
        self._seen: dict[str, bytes] | None = None
        self._told = ""

    def read(self) -> Found | None:
        """The store may lie in this folder: what is written there, of a refusal too, is no change of the flows."""
        files = self._folder.read()
        if files == self._seen:
            return None
        self._seen = files
        return Found(files, Origin(str(self._path)))

    def forget(self) -> None:
        self._seen = None

    async def changes(self) -> AsyncIterator[object]:
        folder = self._path.parent if self._path.is_file() else self._path
        while True:
            yield None
            try:
                async for changes in watched(folder):
                    yield changes
            except FileNotFoundError:  # moved away, to be replaced by another one perhaps
                pass
            except (OSError, RuntimeError) as error:  # too many watches on this machine, say
                self._complain(folder, str(error))
            await asyncio.sleep(TURN_SECONDS)

    def close(self) -> None:
        """Nothing is held."""

    def _complain(self, folder: Path, why: str) -> None:
        if why != self._told:
            self._told = why
            log.warning("%s cannot be watched, and is read %g times a second instead: %s", folder, 1 / TURN_SECONDS, why)


async def watched(folder: Path) -> AsyncIterator[object]:
    """Changes in a folder, until another one stands in its place: a link that leads elsewhere now, say."""
    first, begun = identity(folder), False
    async for changes in awatch(folder, debounce=8 * QUIET_MILLIS, step=QUIET_MILLIS, rust_timeout=500, yield_on_timeout=True):
        if identity(folder) != first:
            return
        if changes or not begun:  # what changed before the watch stood shows in no change
            begun = True
            yield changes


def identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


class Branch:
    """A branch of a repository, local or bare."""

    def __init__(self, repository: Path, ref: str, path: str) -> None:
        self._repository = Repository(repository)
        self._ref, self._path = ref, path
        self._seen = ""

    def read(self) -> Found | None:
        commit = self._repository.commit(self._ref)
        if commit.id == self._seen:
            return None
        files = self._repository.files(commit, self._path)
        self._seen = commit.id
        return Found(files, Origin(str(self._repository.path), self._ref, commit.id, commit.author, commit.message))

    def forget(self) -> None:
        self._seen = ""

    def close(self) -> None:
        self._repository.close()

    async def changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            await asyncio.sleep(LOOK_SECONDS)


def publish_now(place: Place, publisher: Publisher) -> Made | None:
    """Publish what a place has, if that is news. Raises OSError or GitError where it cannot be read."""
    found = place.read()
    try:
        return publisher.follow(found.files, found.origin, found.origin.author or WHO) if found else None
    except BaseException:
        place.forget()
        raise


async def follow(place: Place, publisher: Publisher, workshop: Workshop, published: Callable[[Made], None]) -> None:
    """Publish whatever changes, for ever. What cannot be read or has errors is reported, and all stays as it was."""
    async for _ in place.changes():
        made = await at_last(place, publisher, workshop)
        if made is not None:
            published(made)


async def at_last(place: Place, publisher: Publisher, workshop: Workshop) -> Made | None:
    """The same in the workshop. What is in the way, a full disk or a branch that is gone, is reported once, and tried until it is over."""
    told = ""
    while True:
        try:
            return await workshop.run(lambda: publish_now(place, publisher))
        except Exception as error:  # whatever it is, calls go on with what they have
            if (why := repr(error)) != told:
                foreseen = isinstance(error, (OSError, GitError, ArchiveError))
                log.error("the flows cannot be published, and stay as they were: %s", error, exc_info=not foreseen)  # noqa: TRY400
                told = why
        await asyncio.sleep(TURN_SECONDS)


def report(made: Made) -> None:
    """Say what became of a change."""
    if not made.release:
        log.error("the flows have errors, and stay as they were:\n%s", to_text(made.problems, made.sources))
    elif made.changed:
        log.info("release %s is live", made.release)
