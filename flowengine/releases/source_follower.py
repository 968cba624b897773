"""Publishes the content of a flow source whenever it changes. One worker does it for all."""

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


def read_and_publish(source: FlowSource, publisher: Publisher) -> PublishResult | None:
    """Publish the content of a source if it is new. Raises OSError or GitError where the source
    cannot be read.
    """
    snapshot = source.read()
    return publish_snapshot(snapshot, source, publisher) if snapshot else None


def publish_snapshot(
    snapshot: SourceSnapshot, source: FlowSource, publisher: Publisher
) -> PublishResult:
    try:
        return publisher.publish_if_new(
            snapshot.files, snapshot.origin, snapshot.origin.author or SERVER_ACTOR
        )
    except BaseException:
        source.forget_last_read()
        raise


async def follow_source(
    source: FlowSource,
    publisher: Publisher,
    compile_worker: CompileWorker,
    on_publish: Callable[[PublishResult], None],
) -> None:
    """Publish each change of a source, for ever. Errors are reported, and the live state stays."""
    follower = SourceFollower(source, publisher, compile_worker)
    async for _ in source.watch_changes():
        result = await follower.publish_with_retries()
        if result is not None:
            on_publish(result)


class SourceFollower:
    """Reads a source in a thread of its own and publishes in the compile worker, so that a hanging
    disk blocks neither.
    """

    def __init__(
        self, source: FlowSource, publisher: Publisher, compile_worker: CompileWorker
    ) -> None:
        self._source = source
        self._publisher = publisher
        self._compile_worker = compile_worker
        self._reading = AbandonableRead[SourceSnapshot | None](format_source_name(source.origin))
        self._reported_error = ""

    async def publish_with_retries(self) -> PublishResult | None:
        """Publish the content of the source. An error, such as a full disk or a deleted branch, is
        reported once, and retried until it is over.
        """
        while True:
            try:
                result = await self._publish_once()
            # whatever the error is, calls continue on their releases
            except Exception as error:  # noqa: BLE001
                await self._report_error(error)
            else:
                if self._reported_error:
                    log.info("the flows can be published again")
                    self._reported_error = ""
                return result
            await asyncio.sleep(FOLLOW_POLL_SECONDS)

    async def _publish_once(self) -> PublishResult | None:
        try:
            snapshot = await self._reading.run(self._source.read)
        except (OSError, GitError) as error:
            # the next read must return the content even where it is unchanged
            self._source.forget_last_read()
            raise UnreadableSourceError(error) from error
        return (
            await self._compile_worker.run(
                lambda: publish_snapshot(snapshot, self._source, self._publisher)
            )
            if snapshot
            else None
        )

    async def _report_error(self, error: Exception) -> None:
        if (why := repr(error)) == self._reported_error:
            return
        is_expected = isinstance(error, (UnreadableSourceError, OSError, ArchiveError))
        log.error(
            "the flows cannot be published, and are unchanged: %s",
            error,
            exc_info=None if is_expected else error,
        )
        if isinstance(error, UnreadableSourceError):
            with suppress(ArchiveError):  # the next error, or the next attempt, reports it
                await self._compile_worker.run(
                    lambda: self._publisher.reject_unreadable(self._source.origin, error.cause)
                )
        self._reported_error = why


class UnreadableSourceError(Exception):
    """The flow source could not be read."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


def log_problems(title: str, result: PublishResult) -> None:
    """Log the problems of flows, one record per line: the log of a server shows only the first line
    of a record.
    """
    log.error("%s:", title)
    for problem in result.problems:
        level = logging.ERROR if problem.severity == "error" else logging.WARNING
        for line in to_text([problem], result.sources).splitlines():
            log.log(level, "%s", line)


def log_publish_result(result: PublishResult) -> None:
    """Log the result of a publication."""
    if not result.release:
        log_problems("the flows have errors, and stay as they were", result)
    elif result.changed:
        log.info("release %s is live", result.release)
