"""What a server serves, for people and programs of its own network."""

import logging
import os
import sqlite3
import time
from datetime import UTC, datetime

import msgspec
from starlette.types import Receive, Scope, Send

from flowengine.expr import ZONE_DATA
from flowengine.journal import Writer
from flowengine.journal.database import JournalError
from flowengine.journal.size_limit import JournalUsage
from flowengine.releases import Registry
from flowengine.releases.database import ArchiveError
from flowengine.releases.overview import FollowingSeen, RejectedSeen, SideBySide, overview
from flowengine.runtime.store import Store, StoreError
from flowengine.server.callback import respond
from flowengine.server.live import Live

log = logging.getLogger(__name__)
COUNTED_SECONDS = 5.0


class Worker(msgspec.Struct, frozen=True):
    """The worker that answered: what its new calls begin on, and the releases that it has in
    memory.
    """

    pid: int
    current: str
    releases: tuple[str, ...]


class Zones(msgspec.Struct, frozen=True):
    """The time zones that opening hours go by; `outdated` when they are more than a year old."""

    version: str
    outdated: bool


class JournalSeen(msgspec.Struct, frozen=True):
    """The bytes that the call journal takes and may take, and the share of that in percent. From a
    hundred on, or shortly before, the oldest calls are dropped.
    """

    bytes: int
    limit: int
    percent: int


class State(msgspec.Struct, frozen=True):
    """Of drafts only the names: whose phones they are for is nobody's business. `draining` are
    releases that are no longer live, but have calls; null while the session store fails. `canary`
    is how the candidate does, a few seconds ago; null where that cannot be told. `journal` is null
    where this worker has written nothing yet. `fallback_from` is the release that was live and no
    longer compiles, where the server has gone back to `current` by itself; else "".
    """

    following: FollowingSeen | None
    current: str
    candidate: str
    share: float
    drafts: tuple[str, ...]
    canary: SideBySide | None
    draining: tuple[str, ...] | None
    rejected: tuple[RejectedSeen, ...]
    worker: Worker
    zones: Zones
    journal: JournalSeen | None
    fallback_from: str


class Status:
    """The releases of a server as JSON."""

    def __init__(self, live: Live, registry: Registry, store: Store, journal: Writer) -> None:
        self._journal = journal
        self._live = live
        self._registry = registry
        self._store = store
        self._canary: SideBySide | None = None
        self._again = 0.0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """200, or 503 while it cannot be told what is live."""
        try:
            await respond(send, 200, msgspec.json.encode(await self._state()))
        except ArchiveError as error:
            await respond(
                send,
                503,
                msgspec.json.encode({"message": str(error), "current": self._registry.current.id}),
            )

    async def _state(self) -> State:
        needed = await in_use(self._store)
        desk = self._live.desk
        found = await self._live.workshop.run(
            lambda: overview(desk.archive, desk.ledger, needed or (), time.time())
        )
        live = {found.current, found.candidate, *(draft.release for draft in found.drafts)}
        return State(
            found.following,
            found.current,
            found.candidate,
            found.share,
            tuple(draft.name for draft in found.drafts),
            await self._figures() if found.candidate else None,
            None if needed is None else tuple(sorted(needed - live)),
            found.rejected,
            Worker(
                os.getpid(),
                self._registry.current.id,
                tuple(release.id for release in self._registry.known),
            ),
            Zones(ZONE_DATA.version, ZONE_DATA.is_outdated(datetime.now(UTC).date())),
            journal_seen(self._journal.usage),
            found.fallback_from,
        )

    async def _figures(self) -> SideBySide | None:
        """Whoever asks often does not have all calls counted each time."""
        if time.monotonic() >= self._again:
            self._again = time.monotonic() + COUNTED_SECONDS
            try:
                self._canary = await self._live.figures()
            except (
                JournalError,
                ArchiveError,
                sqlite3.Error,
            ):  # a project without a journal, say; the rest can be told
                self._canary = None
        return self._canary


def journal_seen(usage: JournalUsage | None) -> JournalSeen | None:
    if usage is None:
        return None
    return JournalSeen(usage.bytes, usage.limit, usage.bytes * 100 // usage.limit)


async def in_use(store: Store) -> set[str] | None:
    """The releases that calls under way need, if the store can say."""
    try:
        return await store.releases()
    except StoreError:
        log.exception("the session store does not say which releases have calls")
        return None
