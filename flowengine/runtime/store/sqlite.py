"""The default store: one SQLite file, shared by the workers of a machine."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from flowengine.runtime.store.carry import carry
from flowengine.runtime.store.commit import PATIENCE_SECONDS, PAUSE_SECONDS, GroupCommit
from flowengine.runtime.store.connect import LOST, connect, is_busy
from flowengine.runtime.store.endings import Endings
from flowengine.runtime.store.housekeeping import Housekeeper
from flowengine.runtime.store.place import Place, cure
from flowengine.runtime.store.probe import check_writable
from flowengine.runtime.store.protocol import RECEIVER_BYTES, Letter, Saved, StoreError
from flowengine.runtime.store.recent import Recent

_LOAD = "SELECT counter, state, digest, answer, claimed, release FROM calls WHERE id = ?"
_SAVE = (
    "INSERT INTO calls (id, counter, state, digest, answer, claimed, release, expires) VALUES (?, "
    "?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET counter = excluded.counter, state = excluded.state, digest = "
    "excluded.digest, "
    "answer = excluded.answer, claimed = excluded.claimed, release = excluded.release, expires = "
    "excluded.expires "
    "WHERE excluded.counter > calls.counter"
)
_CLAIM = (
    "INSERT INTO claims (id, digest, deadline) VALUES (?, ?, ?) "
    "ON CONFLICT (id, digest) DO UPDATE SET deadline = excluded.deadline WHERE claims.deadline <= ?"
)

_POST = "INSERT OR IGNORE INTO outbox (id, content, tries, expires, due) VALUES (?, ?, ?, ?, ?)"
_CLAIM_LETTER = (
    "UPDATE outbox SET tries = tries + 1, due = ? WHERE id = (SELECT id FROM outbox WHERE due <= ? "
    "AND instr(?, substr(id, 1, ?)) = 0 ORDER BY due LIMIT 1) "
    "RETURNING id, content, tries, expires"
)
_TRY_AGAIN = "UPDATE outbox SET due = ? WHERE id = ? AND tries = ?"
_FORGET_LETTER = "DELETE FROM outbox WHERE id = ?"
CATCH_UP_SECONDS = 0.3  # workers look for their file ten times a second
UNSETTLED_SECONDS = 1.0
Row = tuple[int, bytes, bytes, bytes, float, str]


class SqliteStore:
    """Holds bytes in a file that only its owner may read. Open it in the process that uses it,
    after any fork.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._path = path
        self._connection = connect(
            path, busy_seconds=0
        )  # the event loop never sleeps in SQLite; it tries again later
        self._execute = self._connection.execute
        self._write = (
            self._connection.cursor().execute
        )  # one cursor for all saves, as making one takes a tenth of a save
        self._housekeeper = Housekeeper(path)
        self._recent = Recent(self._connection)
        self._endings = Endings(self._connection)
        self._commit = GroupCommit(self._connection, self._housekeeper.committed, self._forget)
        self._place = Place(path)
        self._moved_at = float("-inf")

    async def load(self, call_id: str) -> Saved | None:
        key = _key(call_id)
        try:
            if (known := self._recent.get(key)) is not None:
                return known
            row = self._execute(_LOAD, (key,)).fetchone()
        except sqlite3.Error as error:
            row = await self._load_later(call_id, error)
        return self._read(row) if row else None

    def save(self, call_id: str, saved: Saved, expires: float) -> asyncio.Future[Saved]:
        return self._commit.run(partial(self._save, _key(call_id), saved, expires))

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        return await self._commit.run(
            partial(_claim, (_key(call_id), key, deadline, self._clock()))
        )

    async def catch_up(self) -> bool:
        """Workers notice one after the other that the file was taken away or replaced. What one of
        them has saved meanwhile the others find once it has noticed, too.
        """
        is_settled = time.monotonic() - self._moved_at > UNSETTLED_SECONDS
        if is_settled and self._place.kept():
            return False
        await asyncio.sleep(CATCH_UP_SECONDS)
        return True

    async def check_writable(self) -> None:
        await asyncio.to_thread(check_writable, self._path)

    async def post(self, letter: Letter, due: float) -> None:
        await self._commit.run(lambda connection: connection.execute(_POST, (*letter, due)))

    async def claim_letter(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> Letter | None:
        values = (now + lease, now, b",".join(busy), RECEIVER_BYTES)
        row = await self._commit.run(
            lambda connection: connection.execute(_CLAIM_LETTER, values).fetchone()
        )
        return Letter._make(row) if row else None

    async def settle(self, letter: Letter, due: float | None) -> None:
        sql, values = (
            (_FORGET_LETTER, (letter.id,))
            if due is None
            else (_TRY_AGAIN, (due, letter.id, letter.tries))
        )
        await self._commit.run(lambda connection: connection.execute(sql, values))

    async def releases(self) -> set[str]:
        try:
            return await self._housekeeper.releases()
        except sqlite3.Error as error:
            raise StoreError(
                f"the session store cannot be read: {error}{cure(error, LOST)}"
            ) from error

    async def drop_expired(self, now: float) -> int:
        try:
            return await self._housekeeper.drop_expired(now)
        except sqlite3.Error as error:
            raise StoreError(f"the session store cannot be purged: {error}") from error

    async def look(self) -> bool:
        """Go on in the file that is there now, with all calls, where ours was taken away or
        replaced; whether that was so.

        Raises StoreError where that cannot be; then calls go on in the one that nobody else can
        find.
        """
        if self._place.kept():
            return False
        begun = self._clock()
        try:
            self._place.leave()
            beside = await self._housekeeper.carried(_SAVE, begun)
            try:
                connection = connect(self._path, busy_seconds=0)
                carry(
                    self._connection, beside, _SAVE, begun, since=begun - 1.0
                )  # what came meanwhile
            except BaseException:
                beside.close()
                raise
        except (StoreError, sqlite3.Error) as error:
            raise StoreError(
                f"{self._path} was taken away under the running server, and cannot be made anew: "
                f"{error}"
            ) from error
        self._go_on(connection)
        await self._housekeeper.go_on(beside)
        return True

    async def close(self) -> None:
        await self._commit.drain()
        await self._housekeeper.close()
        self._connection.close()

    def _go_on(self, connection: sqlite3.Connection) -> None:
        old, self._connection = self._connection, connection
        self._execute, self._write = connection.execute, connection.cursor().execute
        self._recent, self._endings = Recent(connection), Endings(connection)
        self._commit.go_on(connection)
        self._place = Place(self._path)
        self._moved_at = time.monotonic()
        old.close()

    def _save(
        self, key: bytes, saved: Saved, expires: float, _connection: sqlite3.Connection
    ) -> Saved:
        kept = saved
        counter, state, deliveries, answer, claimed, release = saved
        answer = self._endings.shortened(answer, self._clock())
        if (
            self._write(
                _SAVE, (key, counter, state, deliveries, answer, claimed, release, expires)
            ).rowcount
            != 1
        ):
            kept = self._read(self._execute(_LOAD, (key,)).fetchone())
        self._recent.note(key, kept)
        return kept

    def _read(self, row: Row) -> Saved:
        saved = Saved._make(row)
        return saved._replace(answer=self._endings.whole(saved.answer)) if saved.answer else saved

    def _forget(self) -> None:
        """What was written was taken back."""
        self._recent.forget()
        self._endings.forget()

    async def _load_later(self, call_id: str, error: sqlite3.Error) -> Row | None:
        """Readers wait only while another worker recovers or closes the file."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while is_busy(error) and time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                return self._execute(_LOAD, (_key(call_id),)).fetchone()  # type: ignore[no-any-return]
            except sqlite3.Error as again:
                error = again
        raise StoreError(f"the session store cannot be read: {error}{cure(error, LOST)}") from error


def _key(call_id: str) -> bytes:
    # Bytes, as SQLite refuses some texts that JSON may carry, and one such id would spoil the
    # commit of all others.
    return call_id.encode("utf-8", "surrogatepass")


def _claim(parameters: tuple[bytes, bytes, float, float], connection: sqlite3.Connection) -> bool:
    return connection.execute(_CLAIM, parameters).rowcount == 1
