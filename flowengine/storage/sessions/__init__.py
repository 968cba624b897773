"""The session store: it keeps the state of calls between callbacks, as platforms need not send the
cookie back.
"""

from pathlib import Path

from flowengine.storage.sessions.memory_store import MemoryStore
from flowengine.storage.sessions.orchestration_rows import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
)
from flowengine.storage.sessions.sqlite_store import SqliteStore
from flowengine.storage.sessions.store_protocol import (
    RECEIVER_BYTES,
    PendingReport,
    SavedCall,
    Store,
    StoreError,
)
from flowengine.storage.sessions.store_url import (
    FILE_SCHEME,
    NO_DRIVER,
    find_store_fault,
    is_postgresql_url,
)

__all__ = [
    "RECEIVER_BYTES",
    "MemoryStore",
    "OrchestrationChange",
    "OrchestrationStore",
    "PendingReport",
    "SavedAgent",
    "SavedCall",
    "SavedOrchestration",
    "ScheduledTask",
    "SqliteStore",
    "Store",
    "StoreError",
    "open_store",
]


def open_store(url: str) -> Store:
    """Open a store: `sqlite:PATH`, shared by all workers of a machine; `postgresql://…`, shared by
    several machines; or `none`, for platforms that send cookies back. With `none`, each worker
    still remembers its latest answers, so that a repeated delivery to it has no second effect.
    """
    if fault := find_store_fault(url):
        raise StoreError(fault)
    if is_postgresql_url(url):
        return _open_postgresql(url)
    if url == "none":
        return MemoryStore(is_alone=False)  # other workers and a restart would find none
    return SqliteStore(Path(url.removeprefix(FILE_SCHEME)))


def _open_postgresql(url: str) -> Store:
    try:
        # the driver is an optional dependency
        from flowengine.storage.sessions.postgresql_store import PostgresqlStore  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(NO_DRIVER) from error
    return PostgresqlStore(url)
