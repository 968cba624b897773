"""Writes the journal off the answers' path: callbacks are noted in a list, and a thread makes rows of them, many in one commit."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from flowengine.compile import Release
from flowengine.journal.answers import FRESH_SECONDS, Answers
from flowengine.journal.database import writable
from flowengine.journal.row import REPEATED, Noted, Row, row
from flowengine.journal.seal import Sealer
from flowengine.runtime.engine import Record
from flowengine.states.fields import period_seconds

GATHERING_SECONDS = 0.05  # the longest that a row waits to share a commit
HURRY_SECONDS = 0.002  # the same for one that is waited for: nobody is on the line, and others come to share its commit
LARGEST_BATCH = 500  # rows in one commit, some 20 ms of work
MOST_WAITING = 50_000  # callbacks; on a disk that hangs, memory must not grow for ever
PURGE_EVERY = 60.0
PURGE_BATCH = 500
PATIENCE_SECONDS = 2.0  # the platform waits for an answer; a disk that hangs must not cost it
COMPLAIN_EVERY = 60.0
NOTHING = "none"  # as a project says that it wants no journal
log = logging.getLogger(__name__)
_COLUMNS, _VALUES = ", ".join(Row._fields), ", ".join("?" * len(Row._fields))
_AT_ONCE = 16  # rows in one statement: each statement hands the interpreter to the thread that answers, and must get it back
_INSERTS = {rows: f"INSERT INTO callbacks ({_COLUMNS}) VALUES {', '.join([f'({_VALUES})'] * rows)}" for rows in (1, _AT_ONCE)}  # noqa: S608
_INSERT_UNLESS_KNOWN = (
    f"INSERT INTO callbacks ({_COLUMNS}) SELECT {_VALUES} WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE call = ? AND digest = ?)"  # noqa: S608
)
_PURGE = "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks WHERE at < ? LIMIT ?)"
Counted = Callable[[str, int], None]
"""Told of rows that were `kept` or `lost`, and how many"""


class Writer:
    """One per worker. `release` finds the release that a callback was answered by."""

    def __init__(self, path: Path, release: Callable[[str], Release], sealer: Sealer | None, counted: Counted) -> None:
        self._path = path
        self._release = release
        self._sealer = sealer
        self._counted = counted
        self._waiting: deque[tuple[Noted, asyncio.Future[None] | None]] = deque()
        self._wake = threading.Event()
        self._answers = Answers()
        self._connection: sqlite3.Connection | None = None
        self._closing = self._hurried = False
        self._purged = self._complained = float("-inf")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write; before that, and without an event loop, nothing can be noted."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        self._wake.set()

    def note(self, record: Record, body: bytes, answer: bytes) -> None:
        """Keep this soon."""
        if self._release(record.release).journal.keep != NOTHING:
            self._add(Noted(record, body, answer), None)

    async def kept(self, record: Record, body: bytes, answer: bytes) -> None:
        """Keep this at once; on return it survives a killed process, or could not be kept."""
        if self._loop is None or self._closing or self._release(record.release).journal.keep == NOTHING:
            return
        done = self._loop.create_future()
        timer = self._loop.call_later(PATIENCE_SECONDS, _settle, done)
        self._add(Noted(record, body, answer), done)
        if not self._hurried:
            self._hurried = True
            self._loop.call_later(HURRY_SECONDS, self._hurry)
        await done
        timer.cancel()

    def _hurry(self) -> None:
        self._hurried = False
        self._wake.set()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        self._closing = True
        self._wake.set()
        if self._loop is not None:
            self._thread.join()

    def _add(self, noted: Noted, done: asyncio.Future[None] | None) -> None:
        if not self._waiting and self._loop is not None:
            self._loop.call_later(GATHERING_SECONDS, self._wake.set)
        elif len(self._waiting) >= MOST_WAITING:
            with suppress(IndexError):  # the thread may have come
                self._lost([self._waiting.popleft()], "the disk is too slow")
        self._waiting.append((noted, done))

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._wake.wait(PURGE_EVERY)
            self._wake.clear()
            while batch := self._taken():
                self._write(batch)
            self._purge_sometimes()
        if self._connection is not None:
            self._connection.close()

    def _taken(self) -> list[tuple[Noted, asyncio.Future[None] | None]]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]

    def _write(self, batch: list[tuple[Noted, asyncio.Future[None] | None]]) -> None:
        try:
            self._counted("kept", self._commit([noted for noted, _ in batch]))
        except Exception as error:  # noqa: BLE001  # whatever it is, no caller may feel it
            self._lost(batch, str(error))
        waited = [done for _, done in batch if done is not None]
        if waited and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, *waited)

    def _commit(self, batch: list[Noted]) -> int:
        connection = self._connection = self._connection or writable(self._path)
        connection.execute("BEGIN IMMEDIATE")
        kept = 0
        try:
            for start in range(0, len(batch), _AT_ONCE):
                rows = [self._answers.shared(connection, made) for noted in batch[start : start + _AT_ONCE] if (made := self._made(noted))]
                insert(connection, rows)
                kept += len(rows)
            connection.execute("COMMIT")
        except BaseException:
            self._answers.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return kept

    def _made(self, noted: Noted) -> Row | None:
        try:
            return row(noted, self._release(noted.record.release), self._sealer)
        except Exception:  # one row that cannot be made must not cost the others
            log.exception("a callback of call %s is not in the call journal", noted.record.event.call_id)
            self._counted("lost", 1)
            return None

    def _lost(self, batch: list[tuple[Noted, asyncio.Future[None] | None]], why: str) -> None:
        self._counted("lost", len(batch))
        if time.monotonic() - self._complained > COMPLAIN_EVERY:  # a full disk must not be filled by saying so
            self._complained = time.monotonic()
            log.error("callbacks are answered, but not written to the call journal: %s", why)

    def _purge_sometimes(self) -> None:
        if time.monotonic() - self._purged < PURGE_EVERY:
            return
        self._purged = time.monotonic()
        keep = self._release("").journal.keep
        if keep == NOTHING and not self._path.exists():
            return
        try:
            self.purge(time.time() - period_seconds(keep))
        except (OSError, sqlite3.Error) as error:
            log.error("old calls cannot be dropped from the call journal: %s", error)  # noqa: TRY400  # its text says it all

    def purge(self, before: float) -> None:
        """Drop what is older, in pieces, so that other workers can write in between."""
        connection = self._connection = self._connection or writable(self._path)
        while connection.execute(_PURGE, (before, PURGE_BATCH)).rowcount == PURGE_BATCH:
            pass
        connection.execute("DELETE FROM answers WHERE at < ?", (before - 2 * FRESH_SECONDS,))


def insert(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write rows, many in one statement. Of a repeated delivery the first has its row, unless that worker died just before."""
    if len(rows) == _AT_ONCE and not any(made.outcome == REPEATED for made in rows):
        connection.execute(_INSERTS[_AT_ONCE], [*chain.from_iterable(rows)])
        return
    for made in rows:
        if made.outcome == REPEATED:
            connection.execute(_INSERT_UNLESS_KNOWN, (*made, made.call, made.digest))
        else:
            connection.execute(_INSERTS[1], made)


def _settle(*waited: asyncio.Future[None]) -> None:
    for done in waited:
        if not done.done():
            done.set_result(None)
