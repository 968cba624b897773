"""The releases of a worker: loads, follows and unloads them."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from flowengine.compile import Release
from flowengine.compile.release_id import compute_release_id
from flowengine.environment import VARIABLES
from flowengine.limits import (
    DRAIN_SECONDS,
    LEDGER_POLL_SECONDS,
    UNLOAD_DELAY_SECONDS,
)
from flowengine.releases import Registry, draft_follower
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.archive_location import build_leader_lock
from flowengine.releases.compile_worker import CompileWorker, LoadedFlows
from flowengine.releases.leadership import Leadership
from flowengine.releases.ledger import Ledger
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.registry import ChangeSignal
from flowengine.releases.registry import follow_ledger as show
from flowengine.releases.release_commands import ReleaseCommands
from flowengine.releases.release_overview import (
    CanaryComparison,
    CountCalls,
    build_journal_counter,
    compare_canary,
    find_canary,
)
from flowengine.releases.release_retention import ReleaseRetention
from flowengine.releases.source_follower import (
    SERVER_ACTOR,
    follow_source,
    log_publish_result,
    read_and_publish,
)
from flowengine.server.background_tasks import start_background_task
from flowengine.server.canary_upload import CanaryUploader
from flowengine.server.followed_flows import (
    create_flow_source,
    format_owner,
    format_rival,
    format_takeover,
    list_source_names,
)
from flowengine.server.renewal import has_outgrown_parent
from flowengine.server.server_settings import (
    ServerSettings,
    SettingsError,
)
from flowengine.sources.abandonable_read import AbandonableRead
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, SourceSnapshot
from flowengine.sources.git import GitError
from flowengine.storage.sessions import MemoryStore, Store, StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")
RIVALRY_LOG_SECONDS = 10.0
# polling a server, which answers within a millisecond and may serve many machines
SHARED_POLL_SECONDS = 0.25


class ReleaseService:
    """What a process needs to serve releases and to change what is live. Raises ArchiveError where
    the archive cannot be opened.
    """

    def __init__(
        self,
        settings: ServerSettings,
        loaded: LoadedFlows | None = None,
        environment: Mapping[str, str] = VARIABLES,
    ) -> None:
        self.is_shared = settings.is_shared
        self.settings = settings
        self.compile_worker = CompileWorker(
            settings.archive, environment, cookies_only=settings.is_cookies_only, loaded=loaded
        )
        self._inherited = loaded.release if loaded else None
        self._is_renewable = False
        self._rival_logged_at = 0.0
        self._change_signal = ChangeSignal(
            SHARED_POLL_SECONDS if self.is_shared else LEDGER_POLL_SECONDS
        )
        # for the event loop; the publisher's is for the compile worker
        self.ledger = Ledger(settings.archive)
        self._writing_ledger = Ledger(settings.archive, self._change_signal.notify)
        self.publisher = Publisher(
            self.compile_worker.archive,
            self._writing_ledger,
            self.compile_worker.compile,
            compute_id=self.compile_worker.compute_release_id,
        )
        self.release_commands = ReleaseCommands(
            self.compile_worker.archive, self._writing_ledger, self.publisher
        )
        self._drafts = draft_follower.DraftFollower(self.publisher, self._writing_ledger)
        self.flow_source = create_flow_source(settings)
        self._leader_lock = build_leader_lock(settings.archive)
        self.leader_record = Leadership(
            self.compile_worker.archive,
            self._writing_ledger,
            list_source_names(settings),
            format_owner(settings),
            machines=self.is_shared,
        )
        self._is_retiring = False
        self._has_changed = asyncio.Event()
        self._canary_uploader: CanaryUploader | None = None
        self._count_canary: CountCalls = build_journal_counter(settings.journal_location)
        if settings.has_journal_per_machine:
            uploader = CanaryUploader(settings, self.compile_worker, self._writing_ledger)
            self._canary_uploader = uploader
            self._count_canary = uploader.canary_table.sum_figures

    async def load_canary_figures(self) -> CanaryComparison | None:
        """Compare the canary with the current release; None where there is no canary. Raises
        JournalError or ArchiveError.
        """
        canary = await self.compile_worker.run(partial(find_canary, self._writing_ledger))
        if canary is None:
            return None
        count = partial(
            compare_canary, canary, self._count_canary
        )  # the journal is read over a connection of its own
        return await (
            self.compile_worker.run(count) if self._canary_uploader else asyncio.to_thread(count)
        )

    def try_lead(self) -> bool:
        """Whether this process may follow the flow source; one does, of all servers that share an
        archive.
        """
        return self._leader_lock.try_acquire()

    @property
    def lease_seconds(self) -> float:
        """The seconds for which the leader lock may seem held after its owner has ended."""
        return self._leader_lock.lease_seconds

    def retire(self) -> None:
        """Stop following the flow source, so that another process can. Callbacks are still
        answered.
        """
        self._is_retiring = True

    def is_renewable(self) -> bool:
        """Whether a worker that is forked from newly loaded flows would serve the same calls with
        much less memory of its own.
        """
        return self._is_renewable

    def publish(self) -> PublishResult | None:
        """Publish the content of the flow source if it is new, before there are workers. Raises
        OSError or GitError.
        """
        return read_and_publish(self.flow_source, self.publisher)

    def republish(self, snapshot: SourceSnapshot) -> Release | None:
        """Publish the snapshot even if an operator has rolled back from it: the release that was
        live instead cannot be loaded.
        """
        made = self.publisher.publish_always(
            snapshot.files, snapshot.origin, snapshot.origin.author or SERVER_ACTOR
        )
        return self.compile_worker.load_release(made.release) if made.release else None

    def create_registry(self) -> Registry:
        """The registry that a worker begins with. Raises SettingsError."""
        release = self.load_live_release()
        gc.collect()
        # flows stay: the collector need not scan them again and again while callers wait
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # and need not run often: callbacks leave no cycles
        registry = Registry(release, self.compile_worker.find_release)
        if self._inherited is not None:  # calls may have begun on it since it was loaded
            registry.add([self._inherited])
        return registry

    def load_live_release(self) -> Release:
        """The live release, or the present flows where it cannot be loaded. Raises SettingsError."""
        live = self.ledger.get_live()
        release = self.compile_worker.load_release(live.current)
        if release is not None and live.fallback_from:
            log.error(
                "release %s, which was live, no longer compiles: release %s, the newest that does, "
                "is served until the flows are mended",
                live.fallback_from,
                release.id,
            )
        is_lost = release is None and not self.is_shared
        if is_lost and (found := self.flow_source.read()) is not None:
            log.error(
                "the live release cannot be loaded any more, perhaps because its file was removed: the "
                "current flows go live"
            )
            self.flow_source.forget_last_read()
            release = self.republish(found)
        if release is None:
            raise SettingsError("no release is live: start the server anew")
        return release

    def create_tasks(
        self, registry: Registry, store: Store, on_change: Callable[[str], None]
    ) -> Iterable[asyncio.Task[None]]:
        """Start the background tasks. `on_change` is called with the release that new calls begin on."""
        yield start_background_task(
            "the change to the live release",
            partial(
                show,
                registry,
                partial(self._run_query, self.ledger.get_live),
                self._change_signal,
                partial(self._note_change, on_change),
            ),
        )
        yield start_background_task(
            "the following of the flows", partial(self._run_as_leader, store)
        )
        yield start_background_task(
            "the unloading of releases", partial(self._forget_releases, registry, store)
        )
        if self._canary_uploader:
            yield start_background_task("the upload of canary figures", self._canary_uploader.run)

    def _note_change(self, on_change: Callable[[str], None], release: str) -> None:
        self._is_renewable = False
        self._has_changed.set()
        on_change(release)

    async def _run_as_leader(self, store: Store) -> None:
        """Follow the flow source and delete old releases, while this worker has the leader lock."""
        while await self._wait_for_leadership():
            async with asyncio.TaskGroup() as group:
                works = [group.create_task(work) for work in self._list_leader_work(store)]
                # the lock of a lost machine goes to another one
                while await self._is_leader():  # noqa: ASYNC110
                    await asyncio.sleep(FOLLOW_POLL_SECONDS)
                for work in works:
                    work.cancel()
        self._leader_lock.close()

    async def _wait_for_leadership(self) -> bool:
        """Poll for the leader lock: a leader that ends notifies nobody. False when this worker
        retires.
        """
        look = 0.0
        while not self._is_retiring and not await self._is_leader():
            if time.monotonic() > look:
                look = time.monotonic() + RIVALRY_LOG_SECONDS
                await self._log_rivalry()
            await asyncio.sleep(FOLLOW_POLL_SECONDS)
        return not self._is_retiring

    async def _is_leader(self) -> bool:
        return not self._is_retiring and await self._run_query(self._leader_lock.try_acquire)

    async def _log_rivalry(self) -> None:
        """Log that another server follows other flows: two servers that started at the same moment
        may have missed each other.
        """
        with suppress(ArchiveError):  # the leader reports this error
            holder = await self.compile_worker.run(self.leader_record.load_leader)
            if (
                holder is not None
                and not self.leader_record.has_common_name(holder)
                and holder.at > self._rival_logged_at
            ):
                self._rival_logged_at = holder.at
                log.error("%s", format_rival(holder, self.settings))

    def _list_leader_work(self, store: Store) -> Iterable[Coroutine[Any, Any, None]]:
        yield self._follow_source()
        yield draft_follower.follow_drafts(self._drafts, self.compile_worker)
        yield self._drain_releases(
            ReleaseRetention(self.compile_worker.archive, self._writing_ledger, time.time), store
        )

    async def _follow_source(self) -> None:
        if self.is_shared:
            log.info("this machine now follows its flows, for all servers that share the store")
        await self._take_over_source()
        await follow_source(
            self.flow_source, self.publisher, self.compile_worker, log_publish_result
        )

    async def _take_over_source(self) -> None:
        """Begin to follow. The release of the previous leader stays, as this machine's copy of the
        flows may be older.
        """
        with suppress(OSError, GitError, ArchiveError):  # following the source reports this error
            found = await self._read_source()
            self.flow_source.forget_last_read()
            if found is not None:
                await self.compile_worker.run(partial(self._begin_following, found))

    async def _read_source(self) -> SourceSnapshot | None:
        """Read the flow source when this worker takes over, and retry until that succeeds."""
        reading = AbandonableRead[SourceSnapshot | None](self.flow_source.origin.place)
        while True:
            try:
                return await reading.run(self.flow_source.read)
            except TimeoutError as error:
                # the message says it all
                log.error("the flows cannot be followed yet: %s", error)  # noqa: TRY400

    def _begin_following(self, snapshot: SourceSnapshot) -> None:
        before = self.leader_record.take_over(compute_release_id(snapshot.files), time.time())
        if before is not None:
            log.warning("%s", format_takeover(before, self.leader_record.source))
        if self.is_shared:
            self.publisher.skip_known_release(snapshot.files)

    async def _run_query(self, question: Callable[[], T]) -> T:
        """Run a query of the ledger; in a thread where a database server answers, as callbacks must
        not wait for that.
        """
        return await asyncio.to_thread(question) if self.is_shared else question()

    async def _drain_releases(self, drain: ReleaseRetention, store: Store) -> None:
        while True:
            try:
                await self.compile_worker.run(
                    partial(drain.run, await store.find_needed_releases())
                )
                await self.compile_worker.run(self.compile_worker.save_last_compile)
            # on a full disk for example: other tasks must continue
            except (ArchiveError, StoreError) as error:
                # the message says it all
                log.error("old releases stay, for calls that may need them: %s", error)  # noqa: TRY400
            except Exception:
                log.exception("old releases stay, for calls that may need them")
            await asyncio.sleep(DRAIN_SECONDS)

    async def _forget_releases(self, registry: Registry, store: Store) -> None:
        """Unload releases without calls, after each change and at intervals: each edit of shared
        definitions makes a release as large as the whole project.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._has_changed.wait()
            self._has_changed.clear()
            await asyncio.sleep(UNLOAD_DELAY_SECONDS)
            try:
                needed = set(await self._find_releases_to_keep(store))
                registry.unload_except(needed)
                await self._decide_renewal(registry, needed)
            except (ArchiveError, StoreError) as error:
                # the message says it all
                log.error("old releases stay in memory: %s", error)  # noqa: TRY400

    async def _decide_renewal(self, registry: Registry, needed: set[str]) -> None:
        """Find out whether this worker may be renewed: not while a call needs another release, which
        a successor would not have in memory.
        """
        current = registry.current
        can_be = len(registry.loaded_releases) == 1 and needed <= {current.id}
        # in the thread, as no callback should wait for that
        gains = can_be and await self.compile_worker.run(
            partial(has_outgrown_parent, current, self._inherited)
        )
        if registry.current is current:
            self._is_renewable = gains

    async def _find_releases_to_keep(self, store: Store) -> Iterable[str]:
        """The releases of calls in progress. A release that is unloaded too early is compiled again
        when a late notify needs it. Without a session store a worker knows only its own calls, so
        it keeps all archived releases.
        """
        if isinstance(store, MemoryStore):
            listing = await self.compile_worker.run(self.compile_worker.archive.list_releases)
            return [kept.id for kept in listing]
        return await store.find_needed_releases()

    def close(self) -> None:
        self._leader_lock.close()
        self.flow_source.close()
        self.compile_worker.close()
        if self.compile_worker.is_working:  # it may use what is left
            return
        if self._canary_uploader:
            self._canary_uploader.close()
        self._drafts.close()
        self.ledger.close()
        self._writing_ledger.close()
