"""Writes the journal off the answers' path: callbacks are noted in a list, and a thread writes them
down, many in one commit.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from flowengine.compile import Release
from flowengine.journal.inbox_of_version_2 import InboxDrain
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.losses import record_losses
from flowengine.journal.release_lookup import LoadRelease, ReleaseLookup
from flowengine.journal.retention import JOURNAL_PURGE_SECONDS, KEEP_NOTHING, Retention
from flowengine.journal.row_writer import RowCounter, RowWriter
from flowengine.journal.size_limit import JournalUsage, SizeLimit
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sqlite_errors import is_busy

BATCH_DELAY_SECONDS = 0.05  # the longest that a row waits to share a commit
# the same for one that is waited for: nobody is on the line, and others come to share its commit
AWAITED_BATCH_DELAY_SECONDS = 0.005
MAX_BATCH_CALLBACKS = 500  # rows in one commit, some 20 ms of work
# How much may be written, and how much time pass, until the size of the journal is seen again:
# that takes as long as some rows.
SIZE_CHECK_BYTES, SIZE_CHECK_SECONDS = 250_000, 1.0
MAX_BATCH_BYTES = 500_000  # of what came and what was answered; rows have two to three times that
# to go on trying at the end where another process is writing; a worker has 30 to end
CLOSING_SECONDS = 15.0
MAX_WAITING_CALLBACKS = 50_000  # callbacks; on a disk that hangs, memory must not grow for ever
MAX_COMMIT_WAIT_SECONDS = (
    2.0  # the platform waits for an answer; a disk that hangs must not cost it
)
log = logging.getLogger(__name__)
WaitingRecord = tuple[JournalRecord, asyncio.Future[None] | None]
"""A callback, and who waits for it to be kept"""


class JournalWriter:
    """One per worker. `release` finds the release that a callback was answered by, or the current
    one where this worker does not have it; `load` has it fetched for callbacks of a process that
    was killed.
    """

    def __init__(
        self,
        path: Path,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
        load: LoadRelease | None = None,
        observe: Callable[[JournalUsage], None] | None = None,
        observe_waiting: Callable[[int], None] | None = None,
    ) -> None:
        self._observe_waiting = observe_waiting
        self._find_release = release
        self._count_rows = counted
        self._closing = threading.Event()
        self._file = JournalFile(path)
        self._release_lookup = ReleaseLookup(release, load, self._closing)
        self._row_writer = RowWriter(release, encryption, counted)
        self._inbox = InboxDrain(self._file, self._row_writer, self._release_lookup, encryption)
        self._retention = Retention(self._file, lambda: release(""))
        self._size_limit = SizeLimit(self._file, lambda: release(""), counted, self._note_usage)
        self._observe = observe
        self._unchecked_bytes, self._next_size_check = 0, float("-inf")
        self.usage: JournalUsage | None = None
        self._log_once = LogOnce(log)
        self._waiting: deque[WaitingRecord] = deque()
        self._losses: deque[int] = deque()  # that are not written down yet
        self._give_up_at = float("inf")
        self._wake = threading.Event()
        self._gathering: list[asyncio.Future[None]] = []  # that are awaited and share a commit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run_thread, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write; before that, and without an event loop, nothing can be noted."""
        self._loop = asyncio.get_running_loop()
        self._release_lookup.start(self._loop)
        self._thread.start()
        self._wake.set()

    def enqueue_record(self, record: CallbackRecord, body: bytes, answer: bytes) -> None:
        """Keep this soon."""
        if self._get_release(record).journal.keep != KEEP_NOTHING:
            self._enqueue(JournalRecord(record, body, answer), None)

    async def save_record(self, record: CallbackRecord, body: bytes, answer: bytes) -> None:
        """Keep this at once; on return it survives a killed process, or could not be kept."""
        if (
            self._loop is None
            or self._closing.is_set()
            or self._get_release(record).journal.keep == KEEP_NOTHING
        ):
            return
        done = self._loop.create_future()
        self._enqueue(JournalRecord(record, body, answer), done)
        if not self._gathering:
            # One timer for all that share the commit; they are settled by then, but for a slow disk.
            gathered: list[asyncio.Future[None]] = []
            self._gathering = gathered
            self._loop.call_later(AWAITED_BATCH_DELAY_SECONDS, self._wake_early)
            self._loop.call_later(MAX_COMMIT_WAIT_SECONDS, lambda: _settle_futures(*gathered))
        self._gathering.append(done)
        await done

    def _get_release(self, record: CallbackRecord) -> Release:
        found = record.located
        return self._find_release(record.release) if found is None else found.release

    def _wake_early(self) -> None:
        self._gathering = []
        self._wake.set()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        self._give_up_at = time.monotonic() + CLOSING_SECONDS
        self._closing.set()
        self._wake.set()
        if self._loop is not None:
            self._thread.join()

    def _enqueue(self, noted: JournalRecord, done: asyncio.Future[None] | None) -> None:
        if not self._waiting and self._loop is not None:
            self._loop.call_later(BATCH_DELAY_SECONDS, self._wake.set)
        elif len(self._waiting) >= MAX_WAITING_CALLBACKS:
            with suppress(IndexError):  # the thread may have come
                self._note_lost([self._waiting.popleft()], "the disk is too slow")
        self._waiting.append((noted, done))

    def _run_thread(self) -> None:
        while not (self._closing.is_set() and not self._waiting):
            self._wake.wait(JOURNAL_PURGE_SECONDS)
            self._wake.clear()
            if self._observe_waiting is not None:
                self._observe_waiting(len(self._waiting))
            if not self._write_waiting():
                self._wake.set()
                continue
            self._drain_inbox()
            self._retention.purge_if_due()
            self._enforce_size_limit_if_due()
        self._file.close()

    def _write_waiting(self) -> bool:
        """Write all that waits; False where another process keeps the journal from being written."""
        while batch := self._take_batch():
            if not self._write_batch(batch):
                return False
            self._enforce_size_limit_if_due()
        return True

    def _enforce_size_limit_if_due(self) -> None:
        if self._unchecked_bytes < SIZE_CHECK_BYTES and time.monotonic() < self._next_size_check:
            return
        self._unchecked_bytes = 0
        self._next_size_check = time.monotonic() + SIZE_CHECK_SECONDS
        try:
            self._size_limit.enforce()
        except Exception as error:  # noqa: BLE001  # writing goes on, and it is tried again
            self._log_once.error(
                "the call journal may outgrow its size: %s", self._file.format_error(error)
            )

    def _note_usage(self, usage: JournalUsage) -> None:
        self.usage = usage
        if self._observe is not None:
            self._observe(usage)

    def _take_batch(self) -> list[WaitingRecord]:
        """What goes into the next commit: bounded in bytes, too, as the file has a size to keep."""
        batch: list[WaitingRecord] = []
        room = MAX_BATCH_BYTES
        for _ in range(min(len(self._waiting), MAX_BATCH_CALLBACKS)):
            batch.append(self._waiting.popleft())
            room -= len(batch[-1][0].body) + len(batch[-1][0].answer)
            if room <= 0:
                break
        self._unchecked_bytes += MAX_BATCH_BYTES - room
        return batch

    def _write_batch(self, batch: list[WaitingRecord]) -> bool:
        """Write these callbacks. They wait on where another process writes for too long, such as a
        worker that saturates the disk: then False.
        """
        try:
            losses, noted = len(self._losses), [noted for noted, _ in batch]
            kept = self._file.run_transaction(partial(self._write_noted, noted, losses))
            self._count_rows("kept", kept)
            for _ in range(losses):
                self._losses.popleft()
        except Exception as error:  # noqa: BLE001  # whatever it is, no caller may feel it
            if is_busy(error) and time.monotonic() < self._give_up_at:
                self._waiting.extendleft(reversed(batch))
                self._log_once.error(
                    "callbacks wait to be written to the call journal: another process is writing "
                    "to %s",
                    self._file.path,
                )
                return False
            self._note_lost(batch, self._file.format_error(error))
        waited = [done for _, done in batch if done is not None]
        if waited and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(_settle_futures, *waited)
        return True

    def _write_noted(
        self, noted: list[JournalRecord], losses: int, connection: sqlite3.Connection
    ) -> int:
        """Write callbacks, and the first `losses` that were counted; how many could be written."""
        if losses:
            lost = sum(self._losses[index] for index in range(losses))
            record_losses(connection, time.time(), lost)
        return self._row_writer.write(connection, self._file, noted)

    def _drain_inbox(self) -> None:
        """Make rows of what version 2 has left, a piece each time while callbacks come."""
        try:
            while self._inbox.make_rows():
                self._size_limit.enforce()
                if self._waiting and not self._closing.is_set():
                    self._wake.set()
                    return
        except Exception as error:  # noqa: BLE001  # it stays where it is, to be tried again
            self._log_once.error(
                "callbacks wait in the inbox of the call journal: %s",
                self._file.format_error(error),
            )

    def _note_lost(self, batch: list[WaitingRecord], why: str) -> None:
        """Count these callbacks as lost: in the metrics now, in the journal once it can be written."""
        self._count_rows("lost", len(batch))
        self._losses.append(len(batch))
        self._log_once.error("callbacks are answered, but not written to the call journal: %s", why)


def _settle_futures(*waited: asyncio.Future[None]) -> None:
    for done in waited:
        if not done.done():
            done.set_result(None)
