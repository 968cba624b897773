"""Endpoints for operators and load balancers: alive, ready, metrics."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from starlette.types import Receive, Scope, Send

from flowengine.releases.archive_database import ArchiveError
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.queue_overview import count_waiting
from flowengine.server.callback import send_response
from flowengine.server.metrics import (
    METRICS_CONTENT_TYPE,
    OPENMETRICS_CONTENT_TYPE,
    OPENMETRICS_TYPE,
    Metrics,
)
from flowengine.server.release_service import ReleaseService
from flowengine.storage.sessions import Store, StoreError

log = logging.getLogger(__name__)
NOT_READY = "not ready: %s"
NO_QUEUES = "metrics do not say who waits in queues: %s"
NO_REJECTIONS = "metrics do not say which flows are rejected: %s"
STORE_SILENT_MESSAGE = "the session store does not answer"
CHECK_CACHE_SECONDS = 1.0  # load balancers ask once a second or less often
CHECK_LIMIT_SECONDS = 3.0  # load balancers wait about five seconds, and the store two for a lock
METRICS_POLL_SECONDS = 15.0  # collectors are sent metrics once a minute, if not told otherwise
TEXT_HEADER = (b"content-type", b"text/plain; charset=utf-8")


class Healthz:
    """Answers 200 while the event loop runs."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Always 200."""
        await send_response(send, 200, b"ok\n", TEXT_HEADER)


class Readyz:
    """Answers whether the platform may send callbacks here: not while the server shuts down, nor
    while the store cannot be written. `file_problem` is the problem of the store's file. Requests
    within a second share one trial write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._log_once = LogOnce(log)
        self._check: asyncio.Task[str] | None = None
        self._checked_at = float("-inf")
        self.is_draining = False
        self.file_problem = ""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """200 or 503, with the reason."""
        problem = (
            "shutting down"
            if self.is_draining
            else self.file_problem or await self._find_store_problem()
        )
        await send_response(
            send, 503 if problem else 200, f"{problem or 'ready'}\n".encode(), TEXT_HEADER
        )

    async def _find_store_problem(self) -> str:
        """The reason why the store cannot be written, at most a second old; "" where it can."""
        now = time.monotonic()
        if self._check is None or (
            self._check.done() and now - self._checked_at >= CHECK_CACHE_SECONDS
        ):
            self._checked_at = now
            self._check = asyncio.create_task(self._check_store())
        return await asyncio.shield(self._check)

    async def _check_store(self) -> str:
        try:
            async with asyncio.timeout(CHECK_LIMIT_SECONDS):
                await self._store.check_writable()
        except StoreError as error:
            self._log_once.error(NOT_READY, error)
            return str(error)
        except TimeoutError:
            self._log_once.error(NOT_READY, STORE_SILENT_MESSAGE)
            return STORE_SILENT_MESSAGE
        except Exception:  # whatever the error is, this server cannot save calls
            log.exception("the session store fails")
            return "the session store fails"
        self._log_once.end(NOT_READY, "ready again: the session store can be written")
        return ""


class MetricsEndpoint:
    """Answers with the metrics of all workers. `observe` sets those that are read at a scrape only."""

    def __init__(self, metrics: Metrics, observe: Callable[[], Awaitable[None]]) -> None:
        self._metrics = metrics
        self._observe = observe

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Prometheus text; OpenMetrics for a reader that takes it, where there are exemplars."""
        await self._observe()
        body = self._metrics.render_openmetrics() if accepts_openmetrics(scope["headers"]) else None
        kind = METRICS_CONTENT_TYPE if body is None else OPENMETRICS_CONTENT_TYPE
        await send_response(
            send,
            200,
            self._metrics.render_text() if body is None else body,
            (b"content-type", kind),
        )


def accepts_openmetrics(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the reader takes the format that has exemplars, as Prometheus does."""
    accepted = (value for name, value in headers if name == b"accept")
    return any(
        kind.partition(b";")[0].strip() == OPENMETRICS_TYPE
        for value in accepted
        for kind in value.split(b",")
    )


class PolledMetrics:
    """The metrics that no callback sets, and that are read from the store and the archive: callers
    who wait in queues, overdue tasks, rejected sources of flows.
    """

    def __init__(self, metrics: Metrics, store: Store, releases: ReleaseService) -> None:
        self._metrics = metrics
        self._store = store
        self._releases = releases
        self._log_once = LogOnce(log)
        self._counting: asyncio.Task[int] | None = None  # rejections, on a database server

    async def observe(self) -> None:
        """Read them now. What cannot be read, or not in time, stays as it was."""
        try:
            await self._observe_queues()
            self._log_once.end(NO_QUEUES, "metrics say again who waits in queues")
        except StoreError as error:
            self._log_once.error(NO_QUEUES, error)
        try:
            self._metrics.observe_rejections(await self._count_rejections())
            self._log_once.end(NO_REJECTIONS, "metrics say again which flows are rejected")
        except ArchiveError as error:
            self._log_once.error(NO_REJECTIONS, error)

    async def observe_periodically(self) -> None:
        """Read them again and again, where metrics are exported and nobody scrapes them."""
        while True:
            await self.observe()
            await asyncio.sleep(METRICS_POLL_SECONDS)

    async def _observe_queues(self) -> None:
        if (rows := self._store.orchestrations) is not None:
            self._metrics.observe_waiting(await count_waiting(rows))
            due = await rows.find_next_due()
            self._metrics.observe_due(0.0 if due is None else max(0.0, rows.clock() - due))

    async def _count_rejections(self) -> int:
        archive = self._releases.release_commands.archive
        if not self._releases.is_shared:
            return archive.count_rejections()
        # In a thread, as callbacks must not wait for a database server. One that hangs occupies a
        # single thread, however often metrics are asked for.
        counting = self._counting or asyncio.create_task(
            asyncio.to_thread(archive.count_rejections)
        )
        self._counting = counting
        await asyncio.wait([counting], timeout=CHECK_LIMIT_SECONDS)
        if not counting.done():
            raise ArchiveError("the archive of releases does not answer")
        self._counting = None
        return counting.result()
