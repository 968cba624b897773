"""The releases of a worker as they live: found at the start, followed while it serves, let go of
when their calls are over.
"""

import asyncio
import gc
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from flowengine.compile import Release
from flowengine.compile.release import release_id
from flowengine.journal.database import FILE as JOURNAL
from flowengine.limits import DRAINED_EVERY_SECONDS, LEDGER_PAUSE_SECONDS
from flowengine.releases import Registry, drafts
from flowengine.releases.apart import Apart
from flowengine.releases.archive import Following
from flowengine.releases.database import ArchiveError
from flowengine.releases.desk import Desk
from flowengine.releases.drain import Drain
from flowengine.releases.follow import (
    TURN_SECONDS,
    WHO,
    Branch,
    FolderPlace,
    Found,
    Place,
    follow,
    publish_now,
    report,
)
from flowengine.releases.following import Post
from flowengine.releases.git import GitError
from flowengine.releases.ledger import Ledger
from flowengine.releases.overview import Count, SideBySide, canary_of, of_journal, side_by_side
from flowengine.releases.publisher import Made, Publisher
from flowengine.releases.registry import News
from flowengine.releases.registry import follow as show
from flowengine.releases.where import turn_of
from flowengine.releases.workshop import Workshop
from flowengine.runtime.store import MemoryStore, Store, StoreError
from flowengine.runtime.store.address import shown
from flowengine.server.settings import DEFAULT_STORE, OWN_FOLDER, Settings, SettingsError
from flowengine.server.teller import Teller

log = logging.getLogger(__name__)
T = TypeVar("T")
COMPLAIN_SECONDS = 10.0
# of a server, which answers in a part of a millisecond and may have many machines to answer
LOOK_SECONDS = 0.25


class Live:
    """What a process needs to serve releases, and to change what is live. Raises ArchiveError where
    the archive cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self.shared = settings.shared
        self.settings = settings
        self.workshop = Workshop(settings.archive, os.environ, cookies_only=settings.cookies_only)
        self._told = 0.0
        self._news = News(LOOK_SECONDS if self.shared else LEDGER_PAUSE_SECONDS)
        self.ledger = Ledger(settings.archive)  # for the loop; the other one is for the workshop
        self._written = Ledger(settings.archive, self._news.tell)
        self.publisher = Publisher(self.workshop.archive, self._written, self.workshop.compile)
        self.desk = Desk(self.workshop.archive, self._written, self.publisher)
        self._drafts = drafts.Drafts(self.publisher, self._written)
        self.place = place(settings)
        self._turn = turn_of(settings.archive)
        self.post = Post(
            self.workshop.archive,
            self._written,
            names(settings),
            whose(settings),
            machines=self.shared,
        )
        self._retiring = False
        self._teller = Teller(settings, self.workshop, self._written) if self.shared else None
        self._count: Count = (
            self._teller.tally.sum if self._teller else of_journal(settings.folder / JOURNAL)
        )

    async def figures(self) -> SideBySide | None:
        """How a canary does, if there is one. Raises JournalError or ArchiveError."""
        canary = await self.workshop.run(partial(canary_of, self._written))
        if canary is None:
            return None
        count = partial(
            side_by_side, canary, self._count
        )  # the journal is read by a connection of its own
        return await (self.workshop.run(count) if self.shared else asyncio.to_thread(count))

    def leads(self) -> bool:
        """Whether it is our turn to follow. Of servers that share their releases one follows, for
        all.
        """
        return self._turn.taken()

    @property
    def patience(self) -> float:
        """How many seconds a turn may seem taken whose owner is gone."""
        return self._turn.lost_after

    def retire(self) -> None:
        """Follow no more, though callbacks are still answered: whoever comes next may begin."""
        self._retiring = True

    def publish(self) -> Made | None:
        """Publish what the place has, if that is news; before there are workers. Raises OSError or
        GitError.
        """
        return publish_now(self.place, self.publisher)

    def anew(self, found: Found) -> Release | None:
        """Publish what the place has, though it may have been taken back: what was live instead
        cannot be had.
        """
        made = self.publisher.place_live(found.files, found.origin, found.origin.author or WHO)
        return self.workshop.release(made.release) if made.release else None

    def registry(self) -> Registry:
        """The releases that a worker begins with."""
        live = self.ledger.live()
        release = self.workshop.release(live.current)
        if release is not None and live.fallback_from:
            log.error(
                "release %s, which was live, no longer compiles: release %s, the newest that does, "
                "is served until the flows are mended",
                live.fallback_from,
                release.id,
            )
        if release is None and not self.shared and (found := self.place.read()) is not None:
            log.error(
                "what was live cannot be had any more, perhaps as its file is gone: what the flows "
                "are now goes live"
            )
            self.place.forget()
            release = self.anew(found)
        if release is None:
            raise SettingsError("no release is live: start the server anew")
        gc.collect()
        # flows stay: the collector need not walk through all of them time and again while callers
        # wait
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # nor look often: callbacks leave no cycles behind
        return Registry(release, self.workshop.find)

    def tasks(
        self, registry: Registry, store: Store, shown: Callable[[str], None]
    ) -> Iterable[asyncio.Task[None]]:
        """What goes on beside the callbacks. `shown` is told which release new calls begin on."""
        yield asyncio.create_task(
            show(registry, partial(self._asked, self.ledger.live), self._news, shown)
        )
        yield asyncio.create_task(self._lead(store))
        yield asyncio.create_task(self._forget(registry, store))
        if self._teller:
            yield asyncio.create_task(self._teller.run())

    async def _lead(self, store: Store) -> None:
        """While it is this worker's turn, follow the place and tidy the archive for all."""
        while await self._turn_comes():
            async with asyncio.TaskGroup() as group:
                works = [group.create_task(work) for work in self._works(store)]
                # that of a lost machine goes to another one
                while await self._ours():  # noqa: ASYNC110
                    await asyncio.sleep(TURN_SECONDS)
                for work in works:
                    work.cancel()
        self._turn.close()

    async def _turn_comes(self) -> bool:
        """Wait for it: the process that has it tells nobody when it ends. False when we retire."""
        look = 0.0
        while not self._retiring and not await self._ours():
            if time.monotonic() > look:
                look = time.monotonic() + COMPLAIN_SECONDS
                await self._complain()
            await asyncio.sleep(TURN_SECONDS)
        return not self._retiring

    async def _ours(self) -> bool:
        return not self._retiring and await self._asked(self._turn.taken)

    async def _complain(self) -> None:
        """Two servers that started at the same moment may not have seen each other."""
        with suppress(ArchiveError):  # which whoever follows reports
            holder = await self.workshop.run(self.post.holder)
            if holder is not None and not self.post.named_alike(holder) and holder.at > self._told:
                self._told = holder.at
                log.error("%s", format_rival(holder, self.settings))

    def _works(self, store: Store) -> Iterable[Coroutine[Any, Any, None]]:
        yield self._follow()
        yield drafts.follow(self._drafts, self.workshop)
        yield self._drain(Drain(self.workshop.archive, self._written, time.time), store)

    async def _follow(self) -> None:
        if self.shared:
            log.info("this machine follows its flows now, for all that share the store")
        await self._take_over()
        await follow(self.place, self.publisher, self.workshop, report)

    async def _take_over(self) -> None:
        """What another machine has followed is no news here: this one may be behind."""
        with suppress(OSError, GitError, ArchiveError):  # which following reports
            found = await self._had()
            self.place.forget()
            if found is not None:
                await self.workshop.run(partial(self._begin, found))

    async def _had(self) -> Found | None:
        """What the place has as it is taken over, however long that takes."""
        reading = Apart[Found | None](self.place.origin.place)
        while True:
            try:
                return await reading.done(self.place.read)
            except TimeoutError as error:
                # its text says it all
                log.error("the flows cannot be followed yet: %s", error)  # noqa: TRY400

    def _begin(self, found: Found) -> None:
        before = self.post.take(release_id(found.files), time.time())
        if before is not None:
            log.warning("%s", taken_over(before, self.post.source))
        if self.shared:
            self.publisher.leave_old(found.files)

    async def _asked(self, question: Callable[[], T]) -> T:
        """A file answers in microseconds; a server may take its time, and callbacks must not wait
        for it.
        """
        return await asyncio.to_thread(question) if self.shared else question()

    async def _drain(self, drain: Drain, store: Store) -> None:
        while True:
            try:
                await self.workshop.run(partial(drain.run, await store.releases()))
            # a store or an archive that fails, a full disk say: what goes on beside must not end
            # with it
            except Exception:
                log.exception("old releases are kept, as it cannot be told whether they are needed")
            await asyncio.sleep(DRAINED_EVERY_SECONDS)

    async def _forget(self, registry: Registry, store: Store) -> None:
        while True:
            await asyncio.sleep(DRAINED_EVERY_SECONDS)
            try:
                registry.forget(await self._find_needed(store))
            except (ArchiveError, StoreError) as error:
                # its text says it all
                log.error("old releases stay in memory: %s", error)  # noqa: TRY400

    async def _find_needed(self, store: Store) -> Iterable[str]:
        """The releases that calls are on. Others are compiled again should a late notice need one.

        Without a store a worker knows its own calls alone: then all that are archived.
        """
        if isinstance(store, MemoryStore):
            listing = await self.workshop.run(self.workshop.archive.listing)
            return [kept.id for kept in listing]
        return await store.releases()

    def close(self) -> None:
        self._turn.close()
        self.place.close()
        self.workshop.close()
        if self._teller:
            self._teller.close()
        self._drafts.close()
        self.ledger.close()
        self._written.close()


def names(settings: Settings) -> list[str]:
    """What the flows of a server go by: a folder by its path, and by where a link leads to now."""
    if settings.git:
        return [f"{settings.git}@{settings.ref}:{settings.flows}"]
    return list(dict.fromkeys([settings.flows, str(Path(settings.flows).resolve())]))


def whose(settings: Settings) -> str:
    return f"{socket.gethostname()}, port {settings.port}"


def format_rival(holder: Following, settings: Settings) -> str:
    """Why a server may not follow its flows, and what to do about it."""
    if settings.cookies_only:
        place, cure = f"the folder {settings.folder}", "start this one in another folder"
    elif settings.shared:
        place, cure = f"the store {shown(settings.store)}", "give this one another database"
    else:
        other = OWN_FOLDER / (Path(settings.flows).stem or "other") / Path(DEFAULT_STORE).name
        place, cure = (
            f"the store {settings.store}",
            f"give this one a store of its own, such as --store sqlite:{other}",
        )
    return (
        f"{place} is in use by another server ({holder.by}), which serves {holder.source}, and a "
        f"store has one set of flows: stop that server, or {cure}"
    )


def taken_over(before: Following, source: str) -> str:
    return f"With this store {before.source} was followed ({before.by}), which has ended; {source} is from now on."


def place(settings: Settings) -> Place:
    """Where the flows live."""
    if settings.git:
        return Branch(Path(settings.git), settings.ref, settings.flows)
    return FolderPlace(Path(settings.flows))
