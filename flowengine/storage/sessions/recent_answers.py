"""What this process has written last, so that the next callback of a call need not ask the file."""

import asyncio
import sqlite3

from flowengine.storage.sessions.store_protocol import SavedCall

_MAX_RECENT_CALLS = 4096  # calls; some megabytes


class RecentAnswers:
    """True as long as no other connection has written: SQLite counts that, and is asked once per
    turn of the loop.

    So what is known is as old as the turn at the most, just like what is read in it. A save
    compares with the file in any case.
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
        """What stands in the file once the transaction under way is committed. If it fails, all
        must be forgotten.
        """
        self._calls.pop(key, None)  # the latest stand last
        if (
            not saved.release
        ):  # it has ended; what is needed no more would only keep memory from what is
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
