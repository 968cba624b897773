"""Where the state of calls lives between callbacks, for platforms that do not bring the cookie
back.
"""

from pathlib import Path

from flowengine.runtime.store.address import NO_DRIVER, on_postgresql
from flowengine.runtime.store.memory import MemoryStore
from flowengine.runtime.store.protocol import RECEIVER_BYTES, Letter, Saved, Store, StoreError
from flowengine.runtime.store.sqlite import SqliteStore

__all__ = [
    "RECEIVER_BYTES",
    "Letter",
    "MemoryStore",
    "Saved",
    "SqliteStore",
    "Store",
    "StoreError",
    "open_store",
]


def open_store(url: str) -> Store:
    """`sqlite:PATH`, shared by all workers of a machine; `postgresql://…`, shared by several
    machines; or `none`, where cookies are known to come back.

    With `none`, each worker still remembers its latest answers, so that a repeated delivery which
    reaches it does nothing twice.
    """
    kind, _, path = url.partition(":")
    if kind == "sqlite" and path:
        return SqliteStore(Path(path))
    if on_postgresql(url):
        return _postgresql(url)
    if url == "none":
        return MemoryStore()
    raise StoreError(
        f'unknown session store "{url}": write sqlite:PATH, postgresql://USER@HOST/DATABASE or none'
    )


def _postgresql(url: str) -> Store:
    try:
        # its driver is not everybody's
        from flowengine.runtime.store.postgresql import PostgresqlStore  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(NO_DRIVER) from error
    return PostgresqlStore(url)
