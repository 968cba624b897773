"""The status of a server, for people and programs of its own network."""

import asyncio
import logging
import os
import sqlite3
import time
from datetime import UTC, datetime

import msgspec
from starlette.types import Receive, Scope, Send

from flowengine.expr import ZONE_DATA
from flowengine.journal import JournalWriter
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.releases import Registry
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.release_overview import (
    CanaryComparison,
    LeaderOverview,
    RejectedOverview,
    build_overview,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import LIVE_KIND
from flowengine.runtime.parkings import PARKING_KIND
from flowengine.runtime.placements import RUNNING_KIND, WAITING_KIND
from flowengine.runtime.queue_overview import Groups, QueueOverview, load_queue_overviews
from flowengine.runtime.rooms import ROOM_KIND
from flowengine.server.callback import send_response
from flowengine.server.release_service import ReleaseService
from flowengine.storage.sessions import Store, StoreError

_log_once = LogOnce(logging.getLogger(__name__))  # a monitoring system may ask every second
FIGURES_CACHE_SECONDS = 5.0
STATUS_SECONDS = 20.0  # a large project may be compiled meanwhile; a database may never answer


class WorkerStatus(msgspec.Struct, frozen=True):
    """The worker that answers: the release of its new calls, and the releases in its memory."""

    pid: int
    current: str
    releases: tuple[str, ...]


class ZoneStatus(msgspec.Struct, frozen=True):
    """The time zone data of opening hours; `outdated` when it is more than a year old."""

    version: str
    outdated: bool


class JournalStatus(msgspec.Struct, frozen=True):
    """The size of the journal and its limit in bytes, and their ratio in percent. From about a
    hundred on, the journal deletes the oldest calls.
    """

    bytes: int
    limit: int
    percent: int


class RingStatus(msgspec.Struct, frozen=True):
    """The rings under way in the session store, for how many seconds the oldest of the tasks there
    (a timer, or a request to send) is overdue, and in how many conferences with a moderator or keys
    somebody is. `parked` are the codes under which calls are parked, or were picked up and go on.
    """

    under_way: int
    overdue_seconds: float
    conferences: int
    parked: int


class PlacedStatus(msgspec.Struct, frozen=True):
    """The calls that flows or commands place: how many wait for their time, and how many are under
    way.
    """

    waiting: int
    under_way: int


class ReleaseStatus(msgspec.Struct, frozen=True):
    """The releases of a server. Of drafts it has only the names, as their callers are private.
    `draining` are releases that are not live and have calls; null while the session store fails.
    `canary` compares the candidate with the current release, as of some seconds ago; null where the
    journal cannot tell. `journal` is null where this worker has written no row yet. `fallback_from`
    is the release that no longer compiles, where the server has fallen back to `current`, else "".
    `rings`, `queues` and `placements` are null without a store, and while it fails.
    """

    following: LeaderOverview | None
    current: str
    candidate: str
    share: float
    drafts: tuple[str, ...]
    canary: CanaryComparison | None
    draining: tuple[str, ...] | None
    rejected: tuple[RejectedOverview, ...]
    worker: WorkerStatus
    zones: ZoneStatus
    journal: JournalStatus | None
    fallback_from: str
    rings: RingStatus | None
    queues: tuple[QueueOverview, ...] | None
    placements: PlacedStatus | None


class StatusEndpoint:
    """Answers with the releases of a server as JSON."""

    def __init__(
        self, live: ReleaseService, registry: Registry, store: Store, journal: JournalWriter
    ) -> None:
        self._journal = journal
        self._release_service = live
        self._registry = registry
        self._store = store
        self._canary: CanaryComparison | None = None
        self._refresh_at = 0.0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """200, or 503 while the ledger cannot be read."""
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                found = await self._build_status()
        except (ArchiveError, TimeoutError) as error:
            reason = str(error) or f"the archive of releases gave no answer in {STATUS_SECONDS:g} s"
            failure = {"message": reason, "current": self._registry.current.id}
            await send_response(send, 503, msgspec.json.encode(failure))
        else:
            await send_response(send, 200, msgspec.json.encode(found))

    async def _build_status(self) -> ReleaseStatus:
        needed = await try_find_needed_releases(self._store)
        commands = self._release_service.release_commands
        found = await self._release_service.compile_worker.run(
            lambda: build_overview(commands.archive, commands.ledger, needed or (), time.time())
        )
        live = {found.current, found.candidate, *(draft.release for draft in found.drafts)}
        return ReleaseStatus(
            found.following,
            found.current,
            found.candidate,
            found.share,
            tuple(draft.name for draft in found.drafts),
            await self._load_figures() if found.candidate else None,
            None if needed is None else tuple(sorted(needed - live)),
            found.rejected,
            WorkerStatus(
                os.getpid(),
                self._registry.current.id,
                tuple(release.id for release in self._registry.loaded_releases),
            ),
            ZoneStatus(ZONE_DATA.version, ZONE_DATA.is_outdated(datetime.now(UTC).date())),
            to_journal_status(self._journal.usage),
            found.fallback_from,
            await try_load_ring_status(self._store),
            await try_load_queues(self._store, self._registry.current.groups),
            await try_load_placed_status(self._store),
        )

    async def _load_figures(self) -> CanaryComparison | None:
        """The canary comparison, cached for some seconds: counting reads many calls."""
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + FIGURES_CACHE_SECONDS
            try:
                self._canary = await self._release_service.load_canary_figures()
            except (
                JournalError,
                ArchiveError,
                sqlite3.Error,
            ):  # the project may have no journal; the rest of the status is known
                self._canary = None
        return self._canary


def to_journal_status(usage: JournalUsage | None) -> JournalStatus | None:
    if usage is None:
        return None
    return JournalStatus(usage.bytes, usage.limit, usage.bytes * 100 // usage.limit)


async def try_find_needed_releases(store: Store) -> set[str] | None:
    """The releases that calls need; None while the session store fails."""
    try:
        return await store.find_needed_releases()
    except StoreError as error:
        _log_once.error("the session store cannot tell which releases have calls: %s", error)
        return None


async def try_load_ring_status(store: Store) -> RingStatus | None:
    """How rings are getting on; None while the session store fails, or without one."""
    rings = store.orchestrations
    if rings is None:
        return None
    try:
        under_way, due = await rings.count_orchestrations(LIVE_KIND), await rings.find_next_due()
        conferences = await rings.count_orchestrations(ROOM_KIND)
        parked = await rings.count_orchestrations(PARKING_KIND)
    except StoreError as error:
        _log_once.error("the session store cannot tell which calls ring: %s", error)
        return None
    overdue = 0.0 if due is None else max(0.0, rings.clock() - due)
    return RingStatus(under_way, round(overdue, 3), conferences, parked)


async def try_load_queues(store: Store, groups: Groups) -> tuple[QueueOverview, ...] | None:
    """How queues stand; None while the session store fails, or without one."""
    if store.orchestrations is None:
        return None
    try:
        return tuple(await load_queue_overviews(store.orchestrations, store.clock(), groups))
    except StoreError as error:
        _log_once.error("the session store cannot tell who waits in queues: %s", error)
        return None


async def try_load_placed_status(store: Store) -> PlacedStatus | None:
    """How placed calls are getting on; None as above."""
    rows = store.orchestrations
    if rows is None:
        return None
    try:
        waiting = await rows.count_orchestrations(WAITING_KIND)
        return PlacedStatus(waiting, await rows.count_orchestrations(RUNNING_KIND))
    except StoreError as error:
        _log_once.error("the session store cannot tell which calls are placed: %s", error)
        return None
