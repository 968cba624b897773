"""The session store of the server, for the time of one request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import run_sync

from flowengine.console.console_settings import ConsoleSettings
from flowengine.storage.sessions import Store, StoreError, open_store


class MissingSessionsError(StoreError):
    """There is no session store to look into."""


def check_store_exists(url: str) -> None:
    """Raises MissingSessionsError."""
    kind, _, path = url.partition(":")
    if kind in ("none", "memory"):
        raise MissingSessionsError(
            "the server keeps no calls: it has no session store. Serve with "
            "--store sqlite:.flowengine/calls.db"
        )
    if kind == "sqlite" and not (Path(path).exists() and Path(path).stat().st_size):
        raise MissingSessionsError(f"there is no session store at {path}: no server has used it")


@asynccontextmanager
async def open_sessions(settings: ConsoleSettings) -> AsyncIterator[Store]:
    """The store. Raises StoreError where no server has used it: to look must not create it."""
    url = settings.server.store
    check_store_exists(url)
    store = await run_sync(open_store, url)  # it waits for who has locked it, or for the network
    try:
        yield store
    finally:
        await store.close()
