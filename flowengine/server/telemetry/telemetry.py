"""OpenTelemetry of one worker: its exporters, the hooks that feed them, and its end."""

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flowengine.limits import TELEMETRY_FLUSH_SECONDS
from flowengine.runtime.requester import FetchFunction
from flowengine.runtime.task_loop import HandleTask
from flowengine.server.callback import CallbackHandler
from flowengine.server.metrics import Metrics
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.server.telemetry.correlated_log import CorrelatedLogWriter, LogExport
from flowengine.server.telemetry.current_trace import (
    CURRENT_TRACE,
    CurrentTrace,
    create_timed_trace,
)
from flowengine.server.telemetry.exporters import SpanQueue, quieten_sdk
from flowengine.server.telemetry.registry_export import RegistryExport
from flowengine.server.telemetry.span_builder import SpanBuilder
from flowengine.server.telemetry.telemetry_settings import TelemetrySettings
from flowengine.server.telemetry.traced_parts import (
    TracedCallbackHandler,
    TracedLookups,
    TracedRequests,
    TracedStore,
)
from flowengine.server.telemetry_hooks import TelemetryHooks
from flowengine.storage.sessions import ScheduledTask, Store
from flowengine.storage.sessions.store_url import is_postgresql_url

SERVICE_NAME = "flowengine"
NAME_KEY, INSTANCE_KEY = "service.name", "service.instance.id"
UNKNOWN_NAME = "unknown_service"  # what the SDK calls a service without a name
log = logging.getLogger(__name__)


class Telemetry:
    """The exporters of one worker. Made after the fork, as their threads do not survive one."""

    def __init__(
        self, settings: TelemetrySettings, metrics: Metrics, route: str, store: str
    ) -> None:
        quieten_sdk()
        self._metrics = metrics
        self._resource = create_resource()
        self._store_system = "postgresql" if is_postgresql_url(store) else "sqlite"
        self._has_store = store != "none"
        count = metrics.count_telemetry
        scope = InstrumentationScope("flowengine", version("flowengine"))
        self._spans, self._builder = None, None
        if settings.traces:
            self._spans = SpanQueue(count)
            sampler = TracerProvider(resource=self._resource, shutdown_on_exit=False).sampler
            self._builder = SpanBuilder(
                self._resource, sampler, scope, route, self._spans.add_span,
                metrics.keep_exemplars(),
            )  # fmt: skip
        self._logs = LogExport(self._resource, count) if settings.logs else None
        self._registry = None
        if settings.metrics:
            self._registry = RegistryExport(metrics.registry, self._resource, scope, count)

    def create_hooks(self) -> TelemetryHooks:
        """What the worker is built with."""
        if self._logs is not None:
            logging.getLogger().addHandler(self._logs.handler)
        has_traces, has_metrics = self._builder is not None, self._registry is not None
        if not has_traces and self._logs is None:
            return TelemetryHooks(has_metrics=has_metrics, close=self.close)
        emit = self._builder.emit_callback if self._builder is not None else None
        return TelemetryHooks(
            create_handler=TracedCallbackHandler if has_traces else CallbackHandler,
            create_requests=TracedRequests if has_traces else OrchestrationRequests,
            create_log=lambda: CorrelatedLogWriter(emit, self._logs),
            create_trace=create_timed_trace if has_traces else list,
            wrap_store=self._wrap_store,
            wrap_lookups=self._wrap_lookups,
            wrap_tasks=self._wrap_tasks,
            has_metrics=has_metrics,
            close=self.close,
        )

    async def close(self) -> None:
        """Export what waits, for at most TELEMETRY_FLUSH_SECONDS: a collector that is away must not
        keep a worker.
        """
        if self._logs is not None:
            logging.getLogger().removeHandler(self._logs.handler)
        self._metrics.count_pending()
        parts = [part for part in (self._spans, self._logs, self._registry) if part is not None]
        ends = [run_in_thread(part.close) for part in parts]
        try:
            async with asyncio.timeout(TELEMETRY_FLUSH_SECONDS):
                await asyncio.gather(*ends)
        except TimeoutError:
            log.warning(
                "OpenTelemetry: what was not exported within %g seconds is lost",
                TELEMETRY_FLUSH_SECONDS,
            )

    def _wrap_store(self, store: Store) -> Store:
        if self._builder is None or not self._has_store:
            return store
        return TracedStore(store, self._store_system)

    def _wrap_lookups(self, lookups: FetchFunction) -> FetchFunction:
        if self._builder is None:
            return lookups
        return TracedLookups(lookups, self._builder.is_sampled)

    def _wrap_tasks(self, handle: HandleTask) -> HandleTask:
        builder = self._builder
        if builder is None:
            return handle

        async def handle_traced(task: ScheduledTask) -> float | None:
            current, error = CurrentTrace(task.orchestration), ""
            CURRENT_TRACE.set(current)  # each task has a context of its own
            try:
                return await handle(task)
            except BaseException as failure:
                error = type(failure).__name__
                raise
            finally:
                builder.emit_task(current, task, time.perf_counter_ns(), error)

        return handle_traced


def run_in_thread(work: Callable[[], object]) -> asyncio.Future[None]:
    """Run something in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(settle, done)

    threading.Thread(target=run, name="telemetry flush", daemon=True).start()
    return done


def settle(done: asyncio.Future[None]) -> None:
    """Say that it is done to the coroutine that may still wait."""
    if not done.done():
        done.set_result(None)


def create_resource() -> Resource:
    """What the collector is told of this worker. Workers share no instance: the collector would mix
    their counters.
    """
    found = Resource.create()
    given = found.attributes.get(INSTANCE_KEY)
    own: dict[str, str | int] = {
        INSTANCE_KEY: f"{given}/{os.getpid()}" if given else str(uuid.uuid4()),
        "service.version": version("flowengine"),
        "process.pid": os.getpid(),
    }
    if str(found.attributes.get(NAME_KEY, UNKNOWN_NAME)).startswith(UNKNOWN_NAME):
        own[NAME_KEY] = SERVICE_NAME
    return found.merge(Resource(own))
