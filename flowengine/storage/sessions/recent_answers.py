"""A cache of the calls that this process has saved last, so that their next callbacks need not read
the file.
"""

import asyncio
import sqlite3

from flowengine.storage.sessions.store_protocol import SavedCall

_MAX_RECENT_CALLS = 4096  # calls; some megabytes


class RecentAnswers(dict[str, SavedCall]):
    """A cache by call id that is valid while no other connection has written. SQLite counts the writes, and
    the cache reads the count once per turn of the event loop, so an entry is at most one turn old,
    as a read would be. A save compares with the file in any case.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection
        self._version = -1
        self.is_checked = False
        """Whether the cache has read the count in this turn: check it before you read an entry"""

    def put(self, call_id: str, saved: SavedCall) -> None:
        """Add what the file holds after the present transaction. If the transaction fails, the
        caller clears the cache.
        """
        if not saved.release:  # the call has ended: its entry would only take the room of others
            self.pop(call_id, None)
            return
        self[call_id] = saved
        if len(self) > _MAX_RECENT_CALLS:
            del self[next(iter(self))]

    def check_version(self) -> None:
        """Drop all entries where another connection has written."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self.clear()
            self._version = version
        self.is_checked = True
        asyncio.get_running_loop().call_soon(self._reset_check)

    def _reset_check(self) -> None:
        self.is_checked = False
