"""How many callbacks the journal is missing: they were answered, but could not be written."""

import sqlite3
import threading

_RECORD = (
    "INSERT INTO losses (minute, callbacks) VALUES (?, ?) "
    "ON CONFLICT (minute) DO UPDATE SET callbacks = callbacks + excluded.callbacks"
)


class LossCount:
    """How many are missing that is not written down yet; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks = 0

    def add(self, callbacks: int) -> None:
        """Count more; fewer where it is negative, as they are written down."""
        with self._lock:
            self._callbacks += callbacks

    def get(self) -> int:
        return self._callbacks


def record_losses(connection: sqlite3.Connection, at: float, callbacks: int) -> None:
    """Add to what is missing."""
    connection.execute(_RECORD, (int(at // 60), callbacks))


def count_losses(connection: sqlite3.Connection, since: float) -> int:
    """How many callbacks are missing since then; 0 in a journal that a server of before wrote."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'losses'").fetchone():
        return 0
    query = "SELECT coalesce(sum(callbacks), 0) FROM losses WHERE minute >= ?"
    (callbacks,) = connection.execute(query, (int(since // 60),)).fetchone()
    return int(callbacks)


def drop_losses(connection: sqlite3.Connection, before: float) -> None:
    """Forget what is missing of calls that would be dropped by now."""
    connection.execute("DELETE FROM losses WHERE minute < ?", (int(before // 60),))
