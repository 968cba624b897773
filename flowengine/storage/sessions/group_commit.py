"""Group commit: one transaction holds the writes of all callbacks of one turn of the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from flowengine.storage.sessions.session_file import SESSION_LOSS_TEXT
from flowengine.storage.sessions.store_protocol import StoreError
from flowengine.storage.sqlite_errors import is_busy, suggest_remedy

# a process that locks the file for longer has hung; the platform waits for an answer
COMMIT_TIMEOUT_SECONDS = 2.0
BUSY_RETRY_SECONDS = 0.001  # a commit of another worker takes a fraction of this
# turns of the loop, some hundred microseconds in all: halves the cost for two busy workers
EAGER_TRIES = 50

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


class GroupCommit:
    """Runs writes in the event loop's thread: each takes some microseconds, and another thread
    would cost more than that.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        committed: Callable[[int], None],
        failed: Callable[[], None],
    ) -> None:
        self.connection = connection
        self._on_commit = committed
        self._on_failure = failed
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []

    def run(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Run the work, and return its result after its commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((work, future))
        return future

    def switch_connection(self, connection: sqlite3.Connection) -> None:
        """Write the waiting work, and all later work, to another file."""
        self.connection = connection

    async def drain(self) -> None:
        if self._waiting:
            await asyncio.wait([future for _, future in self._waiting])

    def _commit(self, deadline: float | None = None, tries: int = 1) -> None:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            now = asyncio.get_running_loop().time()
            deadline = now + COMMIT_TIMEOUT_SECONDS if deadline is None else deadline
            if is_busy(error) and now < deadline:
                self._retry_commit(deadline, tries)
                return
            batch, self._waiting = self._waiting, []
            self._fail_batch(batch, error)
        else:
            batch, self._waiting = self._waiting, []
            self._run_batch(batch)

    def _retry_commit(self, deadline: float, tries: int) -> None:
        """Try again while another worker writes. The batch grows meanwhile, so that the next commit
        holds more.
        """
        loop = asyncio.get_running_loop()
        if tries % EAGER_TRIES:
            loop.call_soon(self._commit, deadline, tries + 1)
        else:
            loop.call_later(BUSY_RETRY_SECONDS, self._commit, deadline, tries + 1)

    def _run_batch(self, batch: list[tuple[Work, asyncio.Future[Any]]]) -> None:
        connection = self.connection
        try:
            results = [work(connection) for work, _ in batch]
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, the transaction must end and nobody may wait for ever
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._fail_batch(batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():  # the caller may have been cancelled
                future.set_result(result)
        self._on_commit(len(batch))

    def _fail_batch(self, batch: list[tuple[Work, asyncio.Future[Any]]], error: Exception) -> None:
        self._on_failure()
        for _, future in batch:
            if not future.done():
                failure = StoreError(
                    f"the session store cannot be written: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
                )
                failure.__cause__ = error
                future.set_exception(failure)
