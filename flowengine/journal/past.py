"""The releases of callbacks that were answered earlier, perhaps by a process that was killed."""

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import msgspec

from flowengine.compile import Release

_LOOK_SECONDS = 0.1  # how often whoever waits for a release looks whether the loop is ending
Load = Callable[[str], Awaitable[Release | None]]


class Past:
    """Asked from another thread than that of the loop. `release` finds a release, or the current
    one; `load` has it fetched.
    """

    def __init__(
        self, release: Callable[[str], Release], load: Load | None, closing: threading.Event
    ) -> None:
        self._release = release
        self._load = load
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on releases can be fetched."""
        self._loop = loop

    def releases(self, names: Iterable[str]) -> dict[str, Release] | None:
        """The releases of these names, a strict one in place of each that is gone. None where one
        cannot be had now, as the loop is ending.
        """
        found = {name: self._release(name) for name in set(names)}
        for name, release in found.items():
            if release.id != name and self._load is not None:
                loaded = self._loaded(name, self._load)
                if loaded is None:
                    return None
                found[name] = loaded
        return found

    def _loaded(self, name: str, load: Load) -> Release | None:
        """None once the loop is ending, as nothing can be loaded any more."""
        assert self._loop is not None  # noqa: S101  # the thread is started with it
        loading = (
            None
            if self._closing.is_set()
            else asyncio.run_coroutine_threadsafe(_awaited(load(name)), self._loop)
        )
        while loading is not None and not self._closing.is_set():
            with suppress(TimeoutError):
                return loading.result(_LOOK_SECONDS) or strict(self._release(name))
        return None


async def _awaited(release: Awaitable[Release | None]) -> Release | None:
    return await release


def strict(release: Release) -> Release:
    """For callbacks of a release that is gone: nobody knows any more what was secret there, so that
    no variable may be read.
    """
    return dataclasses.replace(
        release, journal=msgspec.structs.replace(release.journal, numbers="masked", words="masked")
    )
