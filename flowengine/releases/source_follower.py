"""Publishes what a source of flows has whenever that changes. One worker does, for all."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from flowengine.problems import to_text
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.sources.abandonable_read import AbandonableRead
from flowengine.sources.flow_source import (
    FOLLOW_POLL_SECONDS,
    FlowSource,
    SourceSnapshot,
    format_source_name,
)
from flowengine.sources.git import GitError

log = logging.getLogger(__name__)
SERVER_ACTOR = "the server"


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
    compile_worker: CompileWorker,
    published: Callable[[PublishResult], None],
) -> None:
    """Publish whatever changes, for ever. What cannot be read or has errors is reported, and all
    stays as it was.
    """
    follower = SourceFollower(place, publisher, compile_worker)
    async for _ in place.watch_changes():
        made = await follower.publish_with_retries()
        if made is not None:
            published(made)


class SourceFollower:
    """Reads a source in a thread of its own and publishes in the compile worker, so that both have
    time for everything else while a disk hangs.
    """

    def __init__(
        self, place: FlowSource, publisher: Publisher, compile_worker: CompileWorker
    ) -> None:
        self._place = place
        self._publisher = publisher
        self._compile_worker = compile_worker
        self._reading = AbandonableRead[SourceSnapshot | None](format_source_name(place.origin))
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
            # the next read counts, even where it finds the same
            self._place.forget_last_read()
            raise UnreadableSourceError(error) from error
        return (
            await self._compile_worker.run(
                lambda: publish_snapshot(found, self._place, self._publisher)
            )
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
                await self._compile_worker.run(
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
