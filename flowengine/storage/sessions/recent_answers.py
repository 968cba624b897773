"""A cache of the calls that this process has saved last, so that their next callbacks need not read
the file.
"""

import asyncio
import sqlite3

from flowengine.storage.sessions.store_protocol import SavedCall

_MAX_RECENT_CALLS = 4096  # calls; some megabytes


class RecentAnswers:
    """A cache that is valid while no other connection has written. SQLite counts the writes, and
    the cache reads the count once per turn of the event loop, so an entry is at most one turn old,
    as a read would be. A save compares with the file in any case.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._calls: dict[bytes, SavedCall] = {}
        self._version = -1
        self._is_checked = False

    def get(self, key: bytes) -> SavedCall | None:
        if not self._is_checked:
            self._check_version()
        return self._calls.get(key)

    def put(self, key: bytes, saved: SavedCall) -> None:
        """Add what the file holds after the present transaction. If the transaction fails, the
        caller clears the cache.
        """
        self._calls.pop(key, None)  # the latest entries are last
        if not saved.release:  # the call has ended: its entry would only take the room of others
            return
        self._calls[key] = saved
        if len(self._calls) > _MAX_RECENT_CALLS:
            del self._calls[next(iter(self._calls))]

    def clear(self) -> None:
        self._calls.clear()

    def _check_version(self) -> None:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self.clear()
            self._version = version
        self._is_checked = True
        asyncio.get_running_loop().call_soon(self._reset_check)

    def _reset_check(self) -> None:
        self._is_checked = False
