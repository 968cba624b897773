"""Every store, opened for a test that all of them must pass."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from flowengine.storage.sessions import MemoryStore, SavedCall, SqliteStore, Store

LATER = 2000.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


Opener = Callable[[Clock], Store]


def step(counter: int, digest: bytes = b"digest", answer: bytes = b"answer") -> SavedCall:
    return SavedCall(counter, b"state %d" % counter, digest, answer, 1.5)


def in_memory(clock: Clock) -> Store:
    return MemoryStore(clock=clock)


def on_sqlite(path: Path) -> Opener:
    return lambda clock: SqliteStore(path, clock=clock)


def on_postgresql(address: str) -> Opener:
    from flowengine.storage.sessions.postgresql_store import PostgresqlStore

    return lambda clock: PostgresqlStore(address, clock=clock)


@asynccontextmanager
async def opened_store(opener: Opener) -> AsyncIterator[tuple[Store, Clock]]:
    clock = Clock()
    store = opener(clock)
    try:
        yield store, clock
    finally:
        await store.close()
