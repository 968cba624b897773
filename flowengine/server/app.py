"""Puts the server together: one application per worker."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from flowengine.journal import Sealer, Writer
from flowengine.journal.database import FILE as JOURNAL
from flowengine.limits import REPORT_PAUSE_SECONDS
from flowengine.releases import Registry
from flowengine.runtime.complaints import Complaints
from flowengine.runtime.engine import Engine
from flowengine.runtime.outbox import Outbox
from flowengine.runtime.store import SqliteStore, Store, StoreError, open_store
from flowengine.server import admin, keys, log
from flowengine.server.access import Guarded, open_reading_door
from flowengine.server.callback import Callback, Gate
from flowengine.server.connections import ConnectionTable
from flowengine.server.fetch import Client
from flowengine.server.front import Front
from flowengine.server.health import Healthz, Readyz, Scrape
from flowengine.server.live import Live
from flowengine.server.metrics import Metrics
from flowengine.server.settings import OWN_FOLDER, Settings, applications
from flowengine.server.status import Status

PURGE_EVERY = 300.0
LOOK_EVERY = (
    0.1  # a look takes some microseconds, and until then workers may know different steps of a call
)
reports = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker runs on, and must let go of in the end."""

    store: Store
    client: Client
    lines: log.Lines
    ready: Readyz
    drain: float
    outbox: Outbox
    live: Live
    journal: Writer
    connections: ConnectionTable


def create() -> Front:
    """The application of a worker process, from the settings that its parent has left in the
    environment.
    """
    settings = Settings.handed_on()
    live = Live(settings)
    releases = live.registry()
    environment = dict(os.environ)
    store = opened(settings)
    metrics, lines = Metrics(), log.Lines()
    metrics.serving(releases.current.id)
    client = Client(lambda: releases.hosts, metrics.fetched, metrics.circuit)
    known = applications(releases.current, environment)
    codec = keys.codec(known, environment, settings.folder)
    sealer = Sealer(keys.texts(known, environment, settings.folder))
    journal = Writer(
        settings.folder / JOURNAL,
        lambda name: releases.get(name) or releases.current,
        sealer,
        metrics.journalled,
        releases.load,
        metrics.journal_usage,
    )
    callback = Callback(
        Engine(releases, store, codec, client), Gate(releases, environment), metrics, lines, journal
    )
    ready, door = Readyz(store), open_reading_door(environment)
    routes = [
        Route(settings.callback_path, callback, methods=["POST"]),
        Route("/healthz", Healthz(), methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", Guarded(door, Scrape(metrics)), methods=["GET"]),
        Route("/status", Guarded(door, Status(live, releases, store, journal)), methods=["GET"]),
        *admin.routes(environment, settings, live, store),
    ]
    connections = ConnectionTable(settings.keep_alive)
    outbox = Outbox(store, codec, client)
    parts = Parts(store, client, lines, ready, settings.drain, outbox, live, journal, connections)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with running(parts, releases, metrics):
                yield
        except Exception:  # Starlette hands on its text alone
            reports.exception("the worker cannot begin, or not end")
            raise

    others = Starlette(routes=routes, lifespan=lifespan)
    return Front(settings.callback_path, callback, others, connections, live.retire)


def opened(settings: Settings) -> Store:
    if not settings.cookies_only:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep_out_of_git(settings.folder)
    return open_store(settings.store)


def keep_out_of_git(folder: Path) -> None:
    """Whoever adds all files to the repository of their flows must not add keys and what callers
    said.
    """
    if folder.name == OWN_FOLDER.name:
        with suppress(OSError), (folder / ".gitignore").open("x") as file:
            file.write("*\n")


@asynccontextmanager
async def running(parts: Parts, releases: Registry, metrics: Metrics) -> AsyncIterator[None]:
    """The life of a worker. By its end every callback in flight has been answered."""
    linger(parts)
    parts.journal.start()
    tasks = [asyncio.create_task(purge(parts.store)), asyncio.create_task(report(parts.outbox))]
    if isinstance(parts.store, SqliteStore):
        tasks.append(asyncio.create_task(watch(parts.store, parts.ready)))
    tasks += parts.live.tasks(releases, parts.store, metrics.serving)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await parts.client.close()
        await parts.store.close()
        parts.live.close()
        parts.journal.close()
        parts.lines.flush()


def linger(parts: Parts) -> None:
    """On SIGTERM follow no more, for whoever comes next, and say "not ready"; stop when load
    balancers have had the time to notice.
    """
    stop: Any = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def begin() -> None:
        if not parts.ready.draining:
            parts.ready.draining = parts.connections.is_retiring = True
            parts.live.retire()
            loop.call_later(parts.drain, stop, signal.SIGTERM, None)

    if callable(stop):
        with suppress(NotImplementedError):  # not on every system
            loop.add_signal_handler(signal.SIGTERM, begin)


async def report(outbox: Outbox) -> None:
    """Deliver what could not be delivered when a call ended."""
    complaints = Complaints(reports)
    while True:
        await asyncio.sleep(REPORT_PAUSE_SECONDS)
        try:
            await outbox.deliver()
        except StoreError as error:
            complaints.error("kept reports could not be looked at: %s", error)


async def watch(store: SqliteStore, ready: Readyz) -> None:
    """Somebody may take the file of the store away, or put another one in its place."""
    complaints = Complaints(reports)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            if await store.look():
                reports.warning(
                    "the session store was taken away, or another file put in its place: calls "
                    "under way go on in a new file"
                )
            ready.trouble = ""
        except StoreError as error:
            ready.trouble = str(error)
            complaints.error(
                "%s; calls go on until the server ends: see that the folder is there and can be "
                "written",
                error,
            )


async def purge(store: Store) -> None:
    """Forget calls whose time is over."""
    while True:
        await asyncio.sleep(PURGE_EVERY)
        try:
            await store.drop_expired(time.time())
        except StoreError as error:
            reports.error("expired calls could not be dropped: %s", error)  # its text says it all
