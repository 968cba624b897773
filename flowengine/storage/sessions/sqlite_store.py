"""The default session store: one SQLite file, shared by the workers of a machine."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from flowengine.sinch.call_id import encode_call_id
from flowengine.storage.sessions.common_endings import WHOLE_ANSWER, CommonEndings
from flowengine.storage.sessions.copy_live_rows import copy_live_rows
from flowengine.storage.sessions.group_commit import (
    BUSY_RETRY_SECONDS,
    COMMIT_TIMEOUT_SECONDS,
    GroupCommit,
)
from flowengine.storage.sessions.housekeeping import MAIN_BUSY_SECONDS, Housekeeper
from flowengine.storage.sessions.orchestration_rows import OrchestrationChange
from flowengine.storage.sessions.session_file import SESSION_LOSS_TEXT, open_session_file
from flowengine.storage.sessions.sqlite_orchestrations import SqliteOrchestrations, write_change
from flowengine.storage.sessions.store_protocol import (
    RECEIVER_BYTES,
    PendingReport,
    SavedCall,
    StoreError,
)
from flowengine.storage.sessions.write_probe import check_writable
from flowengine.storage.sqlite_errors import is_busy, suggest_remedy
from flowengine.storage.sqlite_file import SqliteFile

_LOAD = f"SELECT counter, state, digest, {WHOLE_ANSWER}, claimed, release FROM calls WHERE id = ?"  # noqa: S608
_SAVE = (
    "INSERT INTO calls (id, counter, state, digest, answer, claimed, release, expires, ending) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET counter = excluded.counter, state = excluded.state, digest = "
    "excluded.digest, "
    "answer = excluded.answer, claimed = excluded.claimed, release = excluded.release, expires = "
    "excluded.expires, ending = excluded.ending "
    "WHERE excluded.counter > calls.counter"
)
_CLAIM = (
    "INSERT INTO claims (id, digest, deadline) VALUES (?, ?, ?) "
    "ON CONFLICT (id, digest) DO UPDATE SET deadline = excluded.deadline WHERE claims.deadline <= ?"
)

_ADD_REPORT = (
    "INSERT OR IGNORE INTO outbox (id, content, tries, expires, due) VALUES (?, ?, ?, ?, ?)"
)
_CLAIM_REPORT = (
    "UPDATE outbox SET tries = tries + 1, due = ? WHERE id = (SELECT id FROM outbox WHERE due <= ? "
    "AND instr(?, substr(id, 1, ?)) = 0 ORDER BY due LIMIT 1) "
    "RETURNING id, content, tries, expires"
)
_RETRY_REPORT = "UPDATE outbox SET due = ? WHERE id = ? AND tries = ?"
_DELETE_REPORT = "DELETE FROM outbox WHERE id = ?"
CATCH_UP_SECONDS = 0.3  # workers check ten times a second whether their file is in place
UNSETTLED_SECONDS = 1.0
_MAX_RECENT_CALLS = 4096  # calls; some megabytes
SavedRow = tuple[int, bytes, bytes, bytes, float, str]


class RecentAnswers:
    """A cache by call id that is valid while no other connection has written. SQLite counts the
    writes, and the cache reads the count once per turn of the event loop, so an entry is at most
    one turn old, as a read would be. A save compares with the file in any case.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._answers: dict[str, SavedCall] = {}
        self._version = -1
        self._is_checked = False

    def find(self, call_id: str) -> SavedCall | None:
        """What the file holds of a call, where the cache knows it. Raises sqlite3.Error."""
        if not self._is_checked:
            self._check_version()
        return self._answers.get(call_id)

    def put(self, call_id: str, saved: SavedCall) -> None:
        """Add what the file holds after the present transaction. If the transaction fails, the
        caller clears the cache.
        """
        answers = self._answers
        if not saved.release:  # the call has ended: its entry would only take the room of others
            answers.pop(call_id, None)
            return
        answers[call_id] = saved
        if len(answers) > _MAX_RECENT_CALLS:
            del answers[next(iter(answers))]

    def clear(self) -> None:
        self._answers.clear()

    def _check_version(self) -> None:
        """Drop all entries where another connection has written."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._answers.clear()
            self._version = version
        self._is_checked = True
        asyncio.get_running_loop().call_soon(self._reset_check)

    def _reset_check(self) -> None:
        self._is_checked = False


class SqliteStore:
    """Keeps calls in a file that only its owner may read. Open the store after any fork, in the
    process that uses it.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._housekeeper = Housekeeper(path)
        self._use_file(open_session_file(path, MAIN_BUSY_SECONDS))
        self._commit = GroupCommit(
            self._file.connection,
            self._housekeeper.count_writes,
            self._clear_caches,
        )
        self.orchestrations = SqliteOrchestrations(self._commit, clock)
        self._moved_at = float("-inf")

    async def load(self, call_id: str) -> SavedCall | None:
        try:
            if (known := self._recent.find(call_id)) is not None:
                return known
            row = self._execute(_LOAD, (encode_call_id(call_id),)).fetchone()
        except sqlite3.Error as error:
            row = await self._load_with_retries(call_id, error)
        return SavedCall(*row) if row else None

    def save(
        self,
        call_id: str,
        saved: SavedCall,
        expires: float,
        changes: Sequence[OrchestrationChange] = (),
    ) -> Awaitable[SavedCall]:
        save = partial(self._save_call, call_id, saved, expires)
        return self._save_with_changes(save, saved, changes) if changes else self._commit.run(save)

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        return await self._commit.run(
            partial(_insert_claim, (encode_call_id(call_id), key, deadline, self.clock()))
        )

    async def catch_up(self) -> bool:
        """Give other workers time to notice that the file was deleted or replaced: each copies
        what it has saved meanwhile.
        """
        is_settled = time.monotonic() - self._moved_at > UNSETTLED_SECONDS
        if is_settled and self._file.is_in_place():
            return False
        await asyncio.sleep(CATCH_UP_SECONDS)
        return True

    async def update_clock(self) -> None:
        """The clock of the machine is read directly."""

    async def check_writable(self) -> None:
        await asyncio.to_thread(check_writable, self._file.path)

    async def add_report(self, report: PendingReport, due: float) -> None:
        await self._commit.run(lambda connection: connection.execute(_ADD_REPORT, (*report, due)))

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        values = (now + lease, now, b",".join(busy), RECEIVER_BYTES)
        row = await self._commit.run(
            lambda connection: connection.execute(_CLAIM_REPORT, values).fetchone()
        )
        return PendingReport._make(row) if row else None

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        sql, values = (
            (_DELETE_REPORT, (report.id,))
            if due is None
            else (_RETRY_REPORT, (due, report.id, report.tries))
        )
        await self._commit.run(lambda connection: connection.execute(sql, values))

    async def find_needed_releases(self) -> set[str]:
        try:
            return await self._housekeeper.find_needed_releases()
        except sqlite3.Error as error:
            raise StoreError(
                f"the session store cannot be read: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
            ) from error

    async def drop_expired(self, now: float) -> int:
        try:
            return await self._housekeeper.drop_expired(now)
        except sqlite3.Error as error:
            raise StoreError(f"the session store cannot be purged: {error}") from error

    async def reopen_if_replaced(self) -> bool:
        """Switch to the successor where the file was deleted or replaced, and copy all calls;
        returns whether it was. Raises StoreError where the successor cannot be opened: the server
        then continues with the lost file, which no other process can open.
        """
        if self._file.is_in_place():
            return False
        begun, path = self.clock(), self._file.path
        try:
            file, beside = await self._housekeeper.open_successors(self._file, _SAVE, begun)
            try:
                # copy again, for saves during the first copy
                copy_live_rows(
                    self._file.connection, beside.connection, _SAVE, begun, since=begun - 1.0
                )
            except BaseException:
                file.connection.close()
                beside.connection.close()
                raise
        except (StoreError, sqlite3.Error) as error:
            raise StoreError(
                f"{path} was taken away under the running server, and cannot be made anew: {error}"
            ) from error
        old = self._file
        self._use_file(file)
        self._commit.switch_connection(file.connection)
        self._moved_at = time.monotonic()
        old.connection.close()
        await self._housekeeper.switch_file(beside)
        return True

    async def close(self) -> None:
        await self._commit.drain()
        await self._housekeeper.close()
        self._file.connection.close()

    def _use_file(self, file: SqliteFile) -> None:
        self._file = file
        self._execute = file.connection.execute
        # One cursor for all saves: creating one takes a tenth of a save.
        self._write = file.connection.cursor().execute
        self._recent = RecentAnswers(file.connection)
        self._endings = CommonEndings(file.connection, self.clock)

    def _save_call(
        self, call_id: str, saved: SavedCall, expires: float, _connection: sqlite3.Connection
    ) -> SavedCall:
        key = encode_call_id(call_id)
        answer, ending = self._endings.split_answer(saved.answer, expires)
        # bytearrays: for each `bytes` sqlite3 looks for an adapter, which takes as long as the copy
        # of ten kilobytes
        row = (
            bytearray(key), saved.counter, bytearray(saved.state), bytearray(saved.deliveries),
            bytearray(answer), saved.claimed, saved.release, expires, ending,
        )  # fmt: skip
        kept = saved
        if self._write(_SAVE, row).rowcount != 1:
            kept = SavedCall(*self._execute(_LOAD, (key,)).fetchone())
        self._recent.put(call_id, kept)
        return kept

    async def _save_with_changes(
        self,
        save: Callable[[sqlite3.Connection], SavedCall],
        saved: SavedCall,
        changes: Sequence[OrchestrationChange],
    ) -> SavedCall:
        def save_all(connection: sqlite3.Connection) -> SavedCall:
            kept = save(connection)
            if kept is saved:
                for change in changes:
                    write_change(connection, change)
            return kept

        kept = await self._commit.run(save_all)
        if kept is saved:
            self.orchestrations.announce(changes)
        return kept

    def _clear_caches(self) -> None:
        """Clear the caches after a rollback."""
        self._recent.clear()
        self._endings.clear()

    async def _load_with_retries(self, call_id: str, error: sqlite3.Error) -> SavedRow | None:
        """Load again while another worker recovers or closes the file; readers wait for nothing
        else.
        """
        deadline = time.monotonic() + COMMIT_TIMEOUT_SECONDS
        while is_busy(error) and time.monotonic() < deadline:
            await asyncio.sleep(BUSY_RETRY_SECONDS)
            try:
                return self._execute(_LOAD, (encode_call_id(call_id),)).fetchone()  # type: ignore[no-any-return]
            except sqlite3.Error as again:
                error = again
        raise StoreError(
            f"the session store cannot be read: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
        ) from error


def _insert_claim(
    parameters: tuple[bytes, bytes, float, float], connection: sqlite3.Connection
) -> bool:
    return connection.execute(_CLAIM, parameters).rowcount == 1
