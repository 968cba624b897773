"""Writes the journal off the answers' path: callbacks are noted in a list, and a thread writes them
down, many in one commit.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from flowengine.compile import Release
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_location import JournalLocation, open_journal_storage
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.losses import LossCount
from flowengine.journal.release_lookup import LoadRelease, ReleaseLookup
from flowengine.journal.retention import JOURNAL_PURGE_SECONDS, KEEP_NOTHING
from flowengine.journal.row_builder import RowCounter
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.log_once import LogOnce

BATCH_DELAY_SECONDS = 0.05  # the longest that a row waits to share a commit
# The same for one that is waited for. Others that come while the thread writes share the next commit;
# a longer delay slows a platform with few connections, and saves no CPU time under load.
AWAITED_BATCH_DELAY_SECONDS = 0.001
MAX_BATCH_CALLBACKS = 500  # rows in one commit, some 20 ms of work
MAX_BATCH_BYTES = 500_000  # of what came and what was answered; rows have two to three times that
# to go on trying at the end where another process is writing; a worker has 30 to end
CLOSING_SECONDS = 15.0
ABANDON_SECONDS = 20.0  # until the end does not wait any longer for a journal that does not answer
MAX_WAITING_CALLBACKS = 50_000  # while nothing can be written, memory is bounded
WRITE_RETRY_SECONDS = (
    0.25  # between two tries while another process, or the database, is waited for
)
MAX_COMMIT_WAIT_SECONDS = (
    2.0  # the platform waits for an answer; a disk that hangs must not cost it
)
HELD_UP = "callbacks wait to be written to the call journal: %s"
NOT_WRITTEN = "callbacks are answered, but not written to the call journal: %s"
WRITTEN_AGAIN = "the call journal is written again"
log = logging.getLogger(__name__)
MAY_OUTGROW = "the call journal may outgrow its size: %s"
WaitingRecord = tuple[JournalRecord, asyncio.Future[None] | None]
"""A callback, and who waits for it to be kept"""


class JournalWriter:
    """One per worker. `release` finds the release that a callback was answered by, or the current
    one where this worker does not have it; `load` has it fetched for callbacks of a process that
    was killed. `machine` is told by a journal of several machines.
    """

    def __init__(
        self,
        location: JournalLocation,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
        load: LoadRelease | None = None,
        observe: Callable[[JournalUsage], None] | None = None,
        observe_waiting: Callable[[int], None] | None = None,
        machine: str = "",
    ) -> None:
        self._observe_waiting = observe_waiting
        self._find_release = release
        self._count_rows = counted
        self._closing = threading.Event()
        self._release_lookup = ReleaseLookup(release, load, self._closing)
        self._storage = open_journal_storage(
            location, release, encryption, counted, self._note_usage, self._release_lookup, machine
        )
        self._observe = observe
        self.usage: JournalUsage | None = None
        self._log_once = LogOnce(log)
        self._waiting: deque[WaitingRecord] = deque()
        self._losses = LossCount()  # that are not written down yet
        self._in_commit = 0  # callbacks that are being written
        self._is_held_up = False  # nothing can be written now, and nobody waits for it
        self._give_up_at = float("inf")
        self._wake = threading.Event()
        self._timer: asyncio.TimerHandle | None = None  # that wakes the thread
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
        """Keep this at once; on return it survives a killed process, or could not be kept in time."""
        if (
            self._loop is None
            or self._closing.is_set()
            or self._get_release(record).journal.keep == KEEP_NOTHING
        ):
            return
        if self._is_held_up:
            self._enqueue(JournalRecord(record, body, answer), None)
            return
        done = self._loop.create_future()
        self._enqueue(JournalRecord(record, body, answer), done)
        if not self._gathering:
            gathered: list[asyncio.Future[None]] = []
            self._gathering = gathered
            self._wake_in(AWAITED_BATCH_DELAY_SECONDS, self._loop)
            # One timer for all that share the commit; they are settled by then, but for a slow disk.
            self._loop.call_later(MAX_COMMIT_WAIT_SECONDS, lambda: _settle_futures(*gathered))
        self._gathering.append(done)
        await done

    def _get_release(self, record: CallbackRecord) -> Release:
        found = record.located
        return self._find_release(record.release) if found is None else found.release

    def _wake_in(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the thread once for all that comes until then: each commit costs as much as some
        rows.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._wake_thread)

    def _wake_thread(self) -> None:
        self._timer, self._gathering = None, []
        self._wake.set()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        self._give_up_at = time.monotonic() + CLOSING_SECONDS
        self._closing.set()
        self._wake.set()
        if self._loop is not None:
            self._thread.join(ABANDON_SECONDS)
            if self._thread.is_alive():
                missing = len(self._waiting) + self._in_commit
                log.error(
                    "the call journal does not answer: %d callbacks may be missing in it", missing
                )

    def _enqueue(self, noted: JournalRecord, done: asyncio.Future[None] | None) -> None:
        if self._timer is None and self._loop is not None:
            self._wake_in(BATCH_DELAY_SECONDS, self._loop)
        if len(self._waiting) >= MAX_WAITING_CALLBACKS:
            self._give_up_oldest()
        self._waiting.append((noted, done))

    def _give_up_oldest(self) -> None:
        with suppress(IndexError):  # the other thread may have come
            self._waiting.popleft()
            self._note_lost(1, "too many wait, and the oldest are given up")

    def _run_thread(self) -> None:
        while not (self._closing.is_set() and not self._waiting):
            self._wake.wait(JOURNAL_PURGE_SECONDS)
            self._wake.clear()
            self._report_waiting()  # before a write that may hang, and after it
            if not self._write_waiting():
                time.sleep(WRITE_RETRY_SECONDS)
                self._wake.set()
                continue
            self._report_waiting()
            if self._storage.look_after(self._has_more):
                self._wake.set()
            self._limit_size(0)
        self._storage.close()

    def _report_waiting(self) -> None:
        if self._observe_waiting is not None:
            self._observe_waiting(len(self._waiting))

    def _has_more(self) -> bool:
        return bool(self._waiting) and not self._closing.is_set()

    def _write_waiting(self) -> bool:
        """Write all that waits; False where the journal cannot be written now."""
        while batch := self._take_batch():
            if not self._write_batch(batch):
                return False
            self._limit_size(sum(len(noted.body) + len(noted.answer) for noted, _ in batch))
        return True

    def _limit_size(self, written: int) -> None:
        try:
            self._storage.limit_size(written)
            self._log_once.end(MAY_OUTGROW, "the call journal keeps its size again")
        except Exception as error:  # noqa: BLE001  # writing goes on, and it is tried again
            self._log_once.error(MAY_OUTGROW, self._storage.format_error(error))

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
        return batch

    def _write_batch(self, batch: list[WaitingRecord]) -> bool:
        """Write these callbacks. They wait on where the journal cannot be written for a time, such
        as while the database restarts: then False.
        """
        losses, self._in_commit = self._losses.get(), len(batch)
        try:
            kept = self._storage.write([noted for noted, _ in batch], losses)
            self._count_rows("kept", kept)
            self._losses.add(-losses)
            self._is_held_up = False
            self._log_once.end(HELD_UP, WRITTEN_AGAIN)
            self._log_once.end(NOT_WRITTEN, WRITTEN_AGAIN)
        except Exception as error:  # noqa: BLE001  # whatever it is, no caller may feel it
            is_ending = self._closing.is_set()
            reason = self._storage.describe_wait(error, is_ending=is_ending)
            if reason and time.monotonic() < self._give_up_at:
                self._is_held_up, self._in_commit = True, 0
                self._end_waits(batch)  # nobody knows for how long the disk is full
                self._waiting.extendleft(reversed(batch))
                while len(self._waiting) > MAX_WAITING_CALLBACKS:
                    self._give_up_oldest()
                self._log_once.error(HELD_UP, reason)
                return False
            self._note_lost(len(batch), self._storage.format_error(error))
        self._in_commit = 0
        self._end_waits(batch)
        return True

    def _end_waits(self, batch: list[WaitingRecord]) -> None:
        """Let those callbacks be answered that wait for this commit."""
        waited = [done for _, done in batch if done is not None]
        if waited and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(_settle_futures, *waited)

    def _note_lost(self, callbacks: int, why: str) -> None:
        """Count callbacks as lost: in the metrics now, in the journal once it can be written."""
        self._count_rows("lost", callbacks)
        self._losses.add(callbacks)
        self._log_once.error(NOT_WRITTEN, why)


def _settle_futures(*waited: asyncio.Future[None]) -> None:
    for done in waited:
        if not done.done():
            done.set_result(None)
