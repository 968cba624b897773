"""Writes the journal off the answers' path: callbacks are noted in a list, and a thread makes rows of them, many in one commit.

Making rows takes as long as answering. So while the server is busy they are only committed as they are, sealed, to the inbox of the
journal; they become rows when there is time, or when they have waited long enough.
"""

import asyncio
import dataclasses
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec

from flowengine.compile import Release
from flowengine.journal.answers import FRESH_SECONDS, Answers
from flowengine.journal.database import writable
from flowengine.journal.inbox import Packed, behind, oldest, stow, unpacked
from flowengine.journal.row import REPEATED, Noted, Row, row
from flowengine.journal.seal import Sealer
from flowengine.runtime.engine import Record
from flowengine.states.fields import period_seconds

GATHERING_SECONDS = 0.05  # the longest that a row waits to share a commit
HURRY_SECONDS = 0.002  # the same for one that is waited for: nobody is on the line, and others come to share its commit
LARGEST_BATCH = 500  # rows in one commit, some 20 ms of work
LARGEST_PIECE = 100  # callbacks that are sealed together, and made into rows together: some 4 ms of work
BUSY_PER_SECOND = 500.0  # callbacks; from here on rows can wait
LOOK_SECONDS = 0.1  # how often it is looked whether there is time for what waits
MOST_SECONDS = 30.0  # the longest that a callback waits to become a row, however busy the server is
MOST_STOWED = 50_000  # callbacks that wait, of all workers; some 150 MB
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
Load = Callable[[str], Awaitable[Release | None]]
Counted = Callable[[str, int], None]
"""Told of rows that were `kept` or `lost`, and how many"""


class Writer:
    """One per worker. `release` finds the release that a callback was answered by, or the current one where this worker does not have it;
    `load` has it fetched for callbacks of a process that was killed.
    """

    def __init__(
        self, path: Path, release: Callable[[str], Release], sealer: Sealer | None, counted: Counted, load: Load | None = None
    ) -> None:
        self._path = path
        self._release = release
        self._load = load
        self._sealer = sealer
        self._counted = counted
        self._waiting: deque[tuple[Noted, asyncio.Future[None] | None]] = deque()
        self._wake = threading.Event()
        self._answers = Answers()
        self._connection: sqlite3.Connection | None = None
        self._closing = self._hurried = False
        self._purged = float("-inf")
        self._complained: dict[str, float] = {}
        self._noted = self._noted_before = 0
        self._looked = time.monotonic()
        self._busy = self._pressed = False
        self._stowed = True  # whether something may be in the inbox: a process that was killed may have left it
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
        self._noted += 1
        self._waiting.append((noted, done))

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._wake.wait(LOOK_SECONDS if self._stowed else PURGE_EVERY)
            self._wake.clear()
            self._look()
            while batch := self._taken():
                self._write(batch)
            self._catch_up()
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

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = writable(self._path)
            self._connection.execute("UPDATE inbox SET unreadable = 0 WHERE unreadable")  # perhaps its key is back
        return self._connection

    def _commit(self, batch: list[Noted]) -> int:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            kept = self._stow(connection, batch) if self._sealer and self._may_wait(connection) else self._insert(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            self._answers.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return kept

    def _may_wait(self, connection: sqlite3.Connection) -> bool:
        """Whether rows can be made later; they must be, while earlier ones are to be made, as rows stand in order."""
        return self._busy or connection.execute("SELECT 1 FROM inbox WHERE NOT unreadable LIMIT 1").fetchone() is not None

    def _stow(self, connection: sqlite3.Connection, batch: list[Noted]) -> int:
        assert self._sealer is not None  # noqa: S101  # asked before
        kept, self._stowed = 0, True
        for start in range(0, len(batch), LARGEST_PIECE):
            piece = batch[start : start + LARGEST_PIECE]
            try:
                stow(connection, piece, time.time(), self._sealer)
            except (TypeError, ValueError, OverflowError):  # one of them holds what cannot be written: their rows tell which
                kept += self._insert(connection, piece)
            else:
                kept += len(piece)
        return kept

    def _insert(self, connection: sqlite3.Connection, batch: list[Noted], releases: dict[str, Release] | None = None) -> int:
        kept = 0
        for start in range(0, len(batch), _AT_ONCE):
            made = [made for noted in batch[start : start + _AT_ONCE] if (made := self._made(noted, releases))]
            rows = [self._answers.shared(connection, one) for one in made]
            insert(connection, rows)
            kept += len(rows)
        return kept

    def _look(self) -> None:
        """Whether callbacks come so fast that rows must wait, and whether what waits has waited long enough."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._busy = (self._noted - self._noted_before) / (now - self._looked) > BUSY_PER_SECOND
        self._looked, self._noted_before = now, self._noted
        if self._stowed and self._connection is not None:
            with suppress(sqlite3.Error):  # writing will tell
                callbacks, since = behind(self._connection)
                self._pressed = callbacks > MOST_STOWED or (callbacks > 0 and time.time() - since > MOST_SECONDS)

    def _catch_up(self) -> None:
        """Make rows of what waits, while there is time for it; under pressure a piece each time."""
        if self._sealer is None or not self._path.exists():
            self._stowed = False
        try:
            while self._stowed and (self._closing or self._pressed or not self._busy):
                connection = self._opened()
                if not self._digested(connection) or (self._waiting and not self._closing):
                    return
                self._look()
        except Exception as error:  # noqa: BLE001  # it stays where it is, to be tried again
            self._complain("callbacks wait in the inbox of the call journal: %s", error)

    def _digested(self, connection: sqlite3.Connection) -> bool:
        """Make rows of the oldest piece; whether to go on with the next."""
        assert self._sealer is not None  # noqa: S101  # asked before
        found = oldest(connection, self._sealer)
        if found is None:
            self._stowed = False
            return False
        number, piece = found
        if piece is None:
            log.error("%s has callbacks that no key opens; they wait for it, until they are too old", self._path)
            connection.execute("UPDATE inbox SET unreadable = 1 WHERE number = ?", (number,))
            return True
        releases = self._releases(piece)
        if releases is None:
            return False
        self._replace(connection, number, [unpacked(item, releases[item.release]) for item in piece], releases)
        return True

    def _replace(self, connection: sqlite3.Connection, number: int, piece: list[Noted], releases: dict[str, Release]) -> None:
        """Rows in place of a piece of the inbox, unless another worker was first."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            (first,) = connection.execute("SELECT min(number) FROM inbox WHERE NOT unreadable").fetchone()
            if first == number:
                connection.execute("DELETE FROM inbox WHERE number = ?", (number,))
                self._insert(connection, piece, releases)
            connection.execute("COMMIT")
        except BaseException:
            self._answers.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _releases(self, piece: Iterable[Packed]) -> dict[str, Release] | None:
        """The releases by which these were answered. None where one cannot be had now, as the loop is ending."""
        found = {name: self._release(name) for name in {item.release for item in piece}}
        for name, release in found.items():
            if release.id != name and self._load is not None:
                loaded = self._loaded(name, self._load)
                if loaded is None:
                    return None
                found[name] = loaded
        return found

    def _loaded(self, name: str, load: Load) -> Release | None:
        """The release, or where it is gone a strict one; None once the loop is ending, as nothing can be loaded any more."""
        assert self._loop is not None  # noqa: S101  # the thread is started with it
        loading = None if self._closing else asyncio.run_coroutine_threadsafe(_awaited(load(name)), self._loop)
        while loading is not None and not self._closing:
            with suppress(TimeoutError):
                return loading.result(LOOK_SECONDS) or strict(self._release(name))
        return None

    def _made(self, noted: Noted, releases: dict[str, Release] | None) -> Row | None:
        try:
            return row(noted, (releases or {}).get(noted.record.release) or self._release(noted.record.release), self._sealer)
        except Exception:  # one row that cannot be made must not cost the others
            log.exception("a callback of call %s is not in the call journal", noted.record.event.call_id)
            self._counted("lost", 1)
            return None

    def _lost(self, batch: list[tuple[Noted, asyncio.Future[None] | None]], why: str) -> None:
        self._counted("lost", len(batch))
        self._complain("callbacks are answered, but not written to the call journal: %s", why)

    def _complain(self, what: str, why: object) -> None:
        if time.monotonic() - self._complained.get(what, float("-inf")) > COMPLAIN_EVERY:  # a full disk must not be filled by saying so
            self._complained[what] = time.monotonic()
            log.error(what, why)

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
        connection = self._opened()
        while connection.execute(_PURGE, (before, PURGE_BATCH)).rowcount == PURGE_BATCH:
            pass
        connection.execute("DELETE FROM inbox WHERE at < ?", (before,))
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


async def _awaited(release: Awaitable[Release | None]) -> Release | None:
    return await release


def strict(release: Release) -> Release:
    """For callbacks of a release that is gone: nobody knows any more what was secret there, so that no variable may be read."""
    return dataclasses.replace(release, journal=msgspec.structs.replace(release.journal, numbers="masked", words="masked"))


def _settle(*waited: asyncio.Future[None]) -> None:
    for done in waited:
        if not done.done():
            done.set_result(None)
