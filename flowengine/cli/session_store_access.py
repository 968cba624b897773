"""What the commands share that read or change the session store of a server, running or not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from flowengine.storage.sessions import OrchestrationStore, StoreError, open_store

T = TypeVar("T")


def run_on_store(url: str, work: Callable[[OrchestrationStore], Awaitable[T]]) -> T:
    """Open the store, do this, and close it. What the store refuses ends the command."""

    async def run() -> T:
        store = open_store(url)
        try:
            if store.orchestrations is None:
                raise StoreError("this store keeps no queues: other workers would not find them")
            return await work(store.orchestrations)
        finally:
            await store.close()

    kind, _, path = url.partition(":")
    if kind == "sqlite" and not Path(path).exists():
        raise click.ClickException(f"there is no session store at {path}: no server has used it")
    try:
        return asyncio.run(run())
    except StoreError as error:
        raise click.ClickException(str(error)) from error
