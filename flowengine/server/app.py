"""Builds the ASGI application of a worker from its parts."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from flowengine.environment import VARIABLES
from flowengine.journal import JournalEncryption, JournalWriter
from flowengine.limits import REPORT_PAUSE_SECONDS
from flowengine.releases import Registry
from flowengine.releases.compile_worker import LoadedFlows
from flowengine.runtime.cookie import Codec
from flowengine.runtime.engine import Engine
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.outbox import REPORTS_READ_AGAIN, REPORTS_WAIT, Outbox
from flowengine.server import keys
from flowengine.server.access import AuthorizedEndpoint, create_status_authorizer
from flowengine.server.admin_routes import build_admin_routes
from flowengine.server.background_tasks import start_background_task
from flowengine.server.callback import SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.clock_watch import watch_clock
from flowengine.server.connections import ConnectionTable
from flowengine.server.credentials import find_secret, load_credentials
from flowengine.server.fetch import LookupClient
from flowengine.server.health import Healthz, MetricsEndpoint, PolledMetrics, Readyz
from flowengine.server.log import CallbackLog
from flowengine.server.metrics import Metrics
from flowengine.server.orchestration_service import OrchestrationService, create_service
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_identity import ServerIdentity
from flowengine.server.server_settings import DEFAULT_FOLDER, ServerSettings
from flowengine.server.status import StatusEndpoint
from flowengine.server.telemetry.load_telemetry import load_hooks
from flowengine.server.telemetry_hooks import TelemetryHooks
from flowengine.storage.sessions import SqliteStore, Store, StoreError, open_store

STORE_PURGE_SECONDS = 300.0
FILE_CHECK_SECONDS = (
    0.1  # a check takes some microseconds; until it, workers may have different steps of a call
)
log = logging.getLogger(__name__)
STORE_FILE_LOST = (
    "%s; calls go on until the server ends: see that the folder is there and can be written"
)


class WorkerParts(msgspec.Struct, frozen=True):
    """The parts of a worker, which it closes at its end."""

    store: Store
    client: LookupClient
    lines: CallbackLog
    ready: Readyz
    drain: float
    outbox: Outbox | None
    live: ReleaseService
    journal: JournalWriter
    connections: ConnectionTable
    orchestrations: OrchestrationService | None
    hooks: TelemetryHooks
    polled: PolledMetrics


def create_app(flows: LoadedFlows) -> CallbackDispatcher:
    """The application of a worker process, from the flows that its parent has loaded and the
    settings that the environment has.
    """
    settings = ServerSettings.from_environment()
    live = ReleaseService(settings, flows)
    releases = live.create_registry()
    environment = VARIABLES
    store = open_session_store(settings)
    metrics = Metrics()
    hooks = load_hooks(metrics, settings.callback_path, settings.store)
    lines = hooks.create_log()
    metrics.mark_current_release(releases.current.id)
    client = LookupClient(lambda: releases.hosts, metrics.observe_lookup, metrics.observe_circuit)
    known = load_credentials(releases.current, environment)
    codec = keys.create_codec(known, environment, settings.folder)
    sealer = JournalEncryption(keys.find_sealing_keys(known, environment, settings.folder))
    journal = open_journal(settings, releases, sealer, metrics)
    engine = create_engine(hooks, releases, store, codec, client, metrics)
    gate, identity = SignatureGate(releases, environment), ServerIdentity.from_settings(settings)
    callback = hooks.create_handler(engine, gate, metrics, lines, journal, identity)
    ready, authorizer = Readyz(store), create_status_authorizer(environment)
    polled = PolledMetrics(metrics, store, live)
    status = StatusEndpoint(live, releases, store, journal)
    figures = AuthorizedEndpoint(authorizer, MetricsEndpoint(metrics, polled.observe))
    routes = [
        Route(settings.callback_path, callback, methods=["POST"]),
        *build_page_routes(ready, figures, AuthorizedEndpoint(authorizer, status)),
        *build_admin_routes(environment, settings, live, store, engine.placements, releases),
    ]
    connections = ConnectionTable(settings.keep_alive)
    outbox, drain = engine.outbox, settings.drain
    secrets = partial(find_application_secret, releases, environment)
    requests = hooks.create_requests(secrets, settings.api_url)
    answer_result, at_once = callback.answer_result, settings.calls_at_once
    orchestrations = create_service(
        engine, store, codec, requests, answer_result, at_once, hooks.wrap_tasks
    )
    parts = WorkerParts(
        store, client, lines, ready, drain, outbox, live, journal, connections, orchestrations,
        hooks, polled,
    )  # fmt: skip
    others = Starlette(routes=routes, lifespan=create_lifespan(parts, releases, metrics))
    return CallbackDispatcher(
        settings.callback_path, callback, others, connections, live.retire, live.is_renewable
    )


def build_page_routes(ready: Readyz, figures: Any, status: Any) -> list[Route]:
    """The routes of what is only read."""
    pages = {"/healthz": Healthz(), "/readyz": ready, "/metrics": figures, "/status": status}
    return [Route(path, page, methods=["GET"]) for path, page in pages.items()]


def create_engine(
    hooks: TelemetryHooks,
    releases: Registry,
    store: Store,
    codec: Codec,
    client: LookupClient,
    metrics: Metrics,
) -> Engine:
    """The engine of a worker, with the hooks of OpenTelemetry. Metrics count what becomes of callers
    who wait, and of placements.
    """
    engine = Engine(
        releases,
        hooks.wrap_store(store),
        codec,
        hooks.wrap_lookups(client),
        create_trace=hooks.create_trace,
    )
    if engine.orchestrations is not None:
        engine.orchestrations.on_wait_end = metrics.observe_wait
    if engine.placements is not None:
        engine.placements.note_outcome = metrics.count_placement
    return engine


def find_application_secret(
    releases: Registry, environment: Mapping[str, str], application: str
) -> str:
    """The secret of an application, by the current release, else by another one that calls are
    on.
    """
    known = releases.current, *releases.loaded_releases
    return find_secret(known, environment, application)


def create_lifespan(
    parts: WorkerParts, releases: Registry, metrics: Metrics
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with run_background_tasks(parts, releases, metrics):
                yield
        except Exception:  # Starlette would answer with the text only
            log.exception("the worker cannot start or stop cleanly")
            raise

    return lifespan


def open_journal(
    settings: ServerSettings, releases: Registry, encryption: JournalEncryption, metrics: Metrics
) -> JournalWriter:
    return JournalWriter(
        settings.journal_location,
        lambda name: releases.get(name) or releases.current,
        encryption,
        metrics.count_journal_rows,
        releases.load,
        metrics.observe_journal_usage,
        metrics.observe_journal_waiting,
        f"{socket.gethostname()}:{settings.port}",
    )


def open_session_store(settings: ServerSettings) -> Store:
    if not settings.is_cookies_only:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep_out_of_git(settings.folder)
    return open_store(settings.store)


def keep_out_of_git(folder: Path) -> None:
    """Write a .gitignore into the folder: `git add .` in a repository of flows must not commit
    keys, or the words of callers.
    """
    if folder.name == DEFAULT_FOLDER.name:
        with suppress(OSError), (folder / ".gitignore").open("x") as file:
            file.write("*\n")


@asynccontextmanager
async def run_background_tasks(
    parts: WorkerParts, releases: Registry, metrics: Metrics
) -> AsyncIterator[None]:
    """The lifespan of a worker. By its end every callback in flight has been answered."""
    drain_on_sigterm(parts)
    parts.journal.start()
    store = parts.store
    tasks = [
        start_background_task("the deletion of expired calls", partial(purge_store, store)),
        start_background_task("the clock of the session store", partial(watch_clock, store)),
    ]
    if (outbox := parts.outbox) is not None:
        deliver = partial(deliver_reports, outbox)
        tasks.append(start_background_task("the delivery of reports", deliver))
    if isinstance(store, SqliteStore):
        watch = partial(watch_store_file, store, parts.ready)
        tasks.append(start_background_task("the watch on the session store", watch))
    if (service := parts.orchestrations) is not None:
        tasks += [
            start_background_task("the tasks of orchestrations", service.run_tasks),
            start_background_task("the janitor of rings", service.look_after_rings),
            start_background_task("the new members of queues", service.match_after_releases),
        ]
    if parts.hooks.has_metrics:
        poll = parts.polled.observe_periodically
        tasks.append(start_background_task("the poll of metrics", poll))

    def note_release(release: str) -> None:
        metrics.mark_current_release(release)
        if service is not None:
            service.note_release()

    tasks += parts.live.create_tasks(releases, store, note_release)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await close_parts(parts)


async def close_parts(parts: WorkerParts) -> None:
    """Close each part, even where the end of another one fails. What still has something to write
    comes before the releases, which have much to close and nothing to lose.
    """
    async with AsyncExitStack() as last_first:
        last_first.callback(parts.live.close)
        last_first.push_async_callback(parts.hooks.close)
        last_first.callback(parts.journal.close)
        last_first.push_async_callback(parts.store.close)
        last_first.callback(parts.lines.flush)
        if parts.outbox is not None:
            last_first.push_async_callback(parts.outbox.close)
        last_first.push_async_callback(parts.client.close)
        if parts.orchestrations is not None:
            last_first.push_async_callback(parts.orchestrations.stop)


def drain_on_sigterm(parts: WorkerParts) -> None:
    """On SIGTERM stop following the flow source, so that another server can, and answer "not
    ready"; stop serving when load balancers have had the time to notice.
    """
    stop: Any = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def start_draining() -> None:
        if not parts.ready.is_draining:
            parts.ready.is_draining = parts.connections.is_retiring = True
            parts.live.retire()
            loop.call_later(parts.drain, stop, signal.SIGTERM, None)

    if callable(stop):
        loop.add_signal_handler(signal.SIGTERM, start_draining)


async def deliver_reports(outbox: Outbox) -> None:
    """Deliver the reports of the outbox, for ever."""
    errors = LogOnce(log)
    while True:
        await asyncio.sleep(REPORT_PAUSE_SECONDS)
        try:
            await outbox.deliver_due_reports()
            errors.end(REPORTS_WAIT, REPORTS_READ_AGAIN)
        except StoreError as error:
            errors.error(REPORTS_WAIT, error)


async def watch_store_file(store: SqliteStore, ready: Readyz) -> None:
    """Switch to the successor when the file of the store is deleted or replaced."""
    errors = LogOnce(log)
    while True:
        await asyncio.sleep(FILE_CHECK_SECONDS)
        try:
            if await store.reopen_if_replaced():
                log.warning(
                    "the file of the session store was removed or replaced: calls under way "
                    "go on in a new file"
                )
            ready.file_problem = ""
            errors.end(STORE_FILE_LOST, "the session store has its file again")
        except StoreError as error:
            ready.file_problem = str(error)
            errors.error(STORE_FILE_LOST, error)


async def purge_store(store: Store) -> None:
    """Delete expired calls."""
    errors, failure = LogOnce(log), "expired calls cannot be deleted: %s"
    while True:
        await asyncio.sleep(STORE_PURGE_SECONDS)
        try:
            await store.drop_expired(store.clock())
            errors.end(failure, "expired calls are deleted again")
        except StoreError as error:
            errors.error(failure, error)
