"""What this process has written last, so that the next callback of a call need not ask the file."""

import asyncio
import sqlite3

from flowengine.runtime.store.protocol import Saved

_CAPACITY = 4096  # calls; some megabytes


class Recent:
    """True as long as no other connection has written: SQLite counts that, and is asked once per
    turn of the loop.

    So what is known is as old as the turn at the most, just like what is read in it. A save
    compares with the file in any case.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[bytes, Saved] = {}
        self._version = -1
        self._looked = False

    def get(self, key: bytes) -> Saved | None:
        if not self._looked:
            self._look()
        return self._known.get(key)

    def note(self, key: bytes, saved: Saved) -> None:
        """What stands in the file once the transaction under way is committed. If it fails, all
        must be forgotten.
        """
        self._known.pop(key, None)  # the latest stand last
        if (
            not saved.release
        ):  # it has ended; what is needed no more would only keep memory from what is
            return
        self._known[key] = saved
        if len(self._known) > _CAPACITY:
            del self._known[next(iter(self._known))]

    def forget(self) -> None:
        self._known.clear()

    def _look(self) -> None:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self.forget()
            self._version = version
        self._looked = True
        asyncio.get_running_loop().call_soon(self._look_again)

    def _look_again(self) -> None:
        self._looked = False
