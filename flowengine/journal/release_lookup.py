"""The releases of callbacks that were answered earlier, perhaps by a process that was killed."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from msgspec.structs import replace

from flowengine.compile import Release

_CLOSING_POLL_SECONDS = (
    0.1  # how often a thread that waits for a release looks whether the loop is ending
)
LoadRelease = Callable[[str], Awaitable[Release | None]]


class ReleaseLookup:
    """Asked from another thread than that of the loop. `release` finds a release, or the current
    one; `load` has it fetched.
    """

    def __init__(
        self, release: Callable[[str], Release], load: LoadRelease | None, closing: threading.Event
    ) -> None:
        self._find_release = release
        self._load = load
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on releases can be fetched."""
        self._loop = loop

    def find_releases(self, names: Iterable[str]) -> dict[str, Release] | None:
        """The releases of these names, a strict one in place of each that is gone. None where one
        cannot be had now, as the loop is ending.
        """
        found = {name: self._find_release(name) for name in set(names)}
        for name, release in found.items():
            if release.id != name and self._load is not None:
                loaded = self._load_release(name, self._load)
                if loaded is None:
                    return None
                found[name] = loaded
        return found

    def _load_release(self, name: str, load: LoadRelease) -> Release | None:
        """None once the loop is ending, as nothing can be loaded any more."""
        assert self._loop is not None  # noqa: S101  # the thread is started with it
        loading = (
            None
            if self._closing.is_set()
            else asyncio.run_coroutine_threadsafe(_await_release(load(name)), self._loop)
        )
        while loading is not None and not self._closing.is_set():
            with suppress(TimeoutError):
                return loading.result(_CLOSING_POLL_SECONDS) or mask_everything(
                    self._find_release(name)
                )
        return None


async def _await_release(release: Awaitable[Release | None]) -> Release | None:
    return await release


def mask_everything(release: Release) -> Release:
    """For callbacks of a release that is gone: nobody knows any more what was secret there, so that
    no variable may be read.
    """
    return replace(release, journal=replace(release.journal, numbers="masked", words="masked"))
