"""The releases of one worker. Publishing swaps one reference, so that no callback ever sees two
releases.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import msgspec

from flowengine.compile import Release
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.ledger import LiveState
from flowengine.runtime.log_once import LogOnce
from flowengine.sinch import CallbackEvent, Ice
from flowengine.sinch.caller_identity import get_caller_identity

log = logging.getLogger(__name__)
UNREADABLE = "the live releases cannot be looked up; those in memory are served: %s"
RELOAD_PAUSE_SECONDS = 10.0  # before the server tries again to load a release
FindRelease = Callable[[str], Awaitable[Release | None]]
"""Finds a release that the worker does not have in memory"""


async def find_nothing(_release_id: str) -> None:
    """The `find` of a registry that has all releases in memory."""


class ServedReleases(msgspec.Struct, frozen=True):
    """The releases that new calls begin on, as one immutable value."""

    current: Release
    candidate: Release | None = None
    share: float = 0.0
    drafts: Mapping[str, Release] = msgspec.field(default_factory=dict)
    """By the digits of the callers"""

    def select_release(self, event: CallbackEvent) -> Release:
        """The release of a new call. A caller gets the same one each time, as long as the candidate
        is the same.
        """
        # the usual case: no need to parse the caller's number
        if self.candidate is None and not self.drafts:
            return self.current
        caller = get_caller_identity(event).number.lstrip("+") if type(event) is Ice else ""
        # a draft comes before the canary: its testers must get it in every call
        if caller in self.drafts:
            return self.drafts[caller]
        if (
            self.candidate is not None
            and compute_share_position(caller or event.call_id, self.candidate.id) < self.share
        ):
            return self.candidate
        return self.current


def compute_share_position(caller: str, candidate: str) -> float:
    """A number from 0 to 1 for a caller and a candidate: the same on every machine, and independent
    for each candidate.
    """
    # with the candidate in the digest, each canary gets other callers
    digest = hashlib.blake2b(f"{caller}\0{candidate}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Registry:
    """The releases of a worker by id: those for new calls, and those of calls in progress.
    `loaded_releases` are all in memory; `hosts` are the hosts that their lookups may reach, and
    whether each may be in a private network.
    """

    def __init__(self, current: Release, find: FindRelease = find_nothing) -> None:
        self.serving = ServedReleases(current)
        self.loaded_releases: tuple[Release, ...] = ()
        self.hosts: Mapping[str, bool] = {}
        self._releases_by_id: dict[str, Release] = {}
        self.add([current])
        self._find = find
        self._loading: dict[str, asyncio.Task[Release | None]] = {}

    @property
    def current(self) -> Release:
        """The release of new calls that are for no candidate and no draft."""
        return self.serving.current

    def select_release(self, event: CallbackEvent) -> Release:
        """The release of a new call."""
        return self.serving.select_release(event)

    def get(self, release_id: str) -> Release | None:
        """The release of this id, or None where this worker has not loaded it."""
        return self._releases_by_id.get(release_id)

    async def load(self, release_id: str) -> Release | None:
        """Load the release of this id, from the archive where it is not in memory; None where the
        archive does not have it.
        """
        if (known := self._releases_by_id.get(release_id)) is not None:
            return known
        if release_id not in self._loading:
            self._loading[release_id] = asyncio.create_task(self._load(release_id))
        # shielded: several calls may wait for one load, and the deadline of one must not cancel it
        return await asyncio.shield(self._loading[release_id])

    async def serve_live_state(self, live: LiveState) -> bool:
        """Serve the live state. False where a release could not be loaded: new calls then stay on
        the earlier release, and the log says so.
        """
        found = {name: await self.load(name) for name in live.releases}
        for name in (name for name, release in found.items() if release is None):
            log.error(
                "release %s is live, but cannot be loaded; calls begin on %s", name, self.current.id
            )
        self.serving = ServedReleases(
            found.get(live.current) or self.current,
            found.get(live.candidate),
            live.share,
            {
                caller: release
                for draft in live.drafts.values()
                if (release := found[draft.release])
                for caller in draft.callers
            },
        )
        return all(found.values())

    def serve(self, release: Release) -> None:
        """Let new calls begin on this release; calls in progress stay on theirs."""
        self.add([release])
        self.serving = ServedReleases(release)

    def add(self, releases: Iterable[Release]) -> None:
        """Add releases that were compiled elsewhere in this worker."""
        self._set_releases(
            {**self._releases_by_id, **{release.id: release for release in releases}}
        )

    def unload_except(self, needed_ids: Iterable[str]) -> None:
        """Unload all releases except these and those for new calls."""
        serving = self.serving
        needed = {
            serving.current.id,
            *needed_ids,
            *(release.id for release in serving.drafts.values()),
        }
        needed |= {serving.candidate.id} if serving.candidate else set()
        self._set_releases(
            {name: release for name, release in self._releases_by_id.items() if name in needed}
        )

    def _set_releases(self, releases: dict[str, Release]) -> None:
        """Set the loaded releases. A lookup may reach the hosts of any of them, as a call stays on
        its release.
        """
        # never changed in place, so that readers need no lock
        self._releases_by_id = releases
        self.loaded_releases = tuple(releases.values())
        self.hosts = {
            host: private
            for release in self.loaded_releases
            for host, private in release.hosts.items()
        }

    async def _load(self, release_id: str) -> Release | None:
        try:
            release = await self._find(release_id)
        # the call is handled like one whose release is deleted, and other calls continue
        except Exception:
            log.exception("release %s cannot be loaded", release_id)
            return None
        finally:
            del self._loading[release_id]
        if release is not None:
            self.add([release])
        return release


class ChangeSignal:
    """Wakes the task that follows the ledger: at once for a change of this process, at the next
    poll for one of another process.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def notify(self) -> None:
        """Report a change. May be called in any thread, and when no task waits."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self) -> None:
        """Wait for a change, at most until the next poll."""
        self._loop = asyncio.get_running_loop()
        over = self._loop.call_later(self._pause, self._changed.set)
        await self._changed.wait()
        over.cancel()
        self._changed.clear()


async def follow_ledger(
    registry: Registry,
    load_live_state: Callable[[], Awaitable[LiveState]],
    change_signal: ChangeSignal,
    on_change: Callable[[str], None],
) -> None:
    """Follow the ledger for ever, and serve each live state."""
    number, retry_at, failures = -1, 0.0, LogOnce(log)
    while True:
        try:
            live = await load_live_state()
            # the same live state is tried again where a release could not be loaded
            if live.number != number or 0 < retry_at < time.monotonic():
                retry_at = (
                    0.0
                    if await registry.serve_live_state(live)
                    else time.monotonic() + RELOAD_PAUSE_SECONDS
                )
                on_change(registry.current.id)
                number = live.number
            failures.end(UNREADABLE, "the releases can be read again")
        except ArchiveError as error:  # a full disk, for example
            failures.error(UNREADABLE, error)
        await change_signal.wait()
