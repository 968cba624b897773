"""Writes the journal off the answers' path: callbacks are noted in a list, and a thread writes them
down, many in one commit.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flowengine.compile import Release
from flowengine.journal.file import File
from flowengine.journal.later import LOOK_SECONDS, Later
from flowengine.journal.past import Load, Past
from flowengine.journal.retention import NOTHING, PURGE_EVERY, Retention
from flowengine.journal.row import Noted
from flowengine.journal.rows import Counted, Rows
from flowengine.journal.seal import Sealer
from flowengine.journal.size_limit import JournalUsage, SizeLimit
from flowengine.runtime.complaints import Complaints
from flowengine.runtime.engine import Record

GATHERING_SECONDS = 0.05  # the longest that a row waits to share a commit
# the same for one that is waited for: nobody is on the line, and others come to share its commit
HURRY_SECONDS = 0.002
LARGEST_BATCH = 500  # rows in one commit, some 20 ms of work
LARGEST_BATCH_BYTES = (
    500_000  # of what came and what was answered; rows have two to three times that
)
MOST_WAITING = 50_000  # callbacks; on a disk that hangs, memory must not grow for ever
PATIENCE_SECONDS = 2.0  # the platform waits for an answer; a disk that hangs must not cost it
log = logging.getLogger(__name__)
Waiting = tuple[Noted, asyncio.Future[None] | None]
"""A callback, and who waits for it to be kept"""


class Writer:
    """One per worker. `release` finds the release that a callback was answered by, or the current
    one where this worker does not have it; `load` has it fetched for callbacks of a process that
    was killed.
    """

    def __init__(
        self,
        path: Path,
        release: Callable[[str], Release],
        sealer: Sealer | None,
        counted: Counted,
        load: Load | None = None,
        observe: Callable[[JournalUsage], None] | None = None,
    ) -> None:
        self._release = release
        self._counted = counted
        self._closing = threading.Event()
        self._file = File(path)
        self._past = Past(release, load, self._closing)
        self._later = Later(self._file, Rows(release, sealer, counted), self._past, sealer)
        self._retention = Retention(self._file, lambda: release(""))
        self._size_limit = SizeLimit(self._file, lambda: release(""), counted, self._note_usage)
        self._observe = observe
        self.usage: JournalUsage | None = None
        self._complaints = Complaints(log)
        self._waiting: deque[Waiting] = deque()
        self._noted = 0
        self._wake = threading.Event()
        self._hurried = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to write; before that, and without an event loop, nothing can be noted."""
        self._loop = asyncio.get_running_loop()
        self._past.start(self._loop)
        self._thread.start()
        self._wake.set()

    def note(self, record: Record, body: bytes, answer: bytes) -> None:
        """Keep this soon."""
        if self._find_release(record).journal.keep != NOTHING:
            self._add(Noted(record, body, answer), None)

    async def kept(self, record: Record, body: bytes, answer: bytes) -> None:
        """Keep this at once; on return it survives a killed process, or could not be kept."""
        if (
            self._loop is None
            or self._closing.is_set()
            or self._find_release(record).journal.keep == NOTHING
        ):
            return
        done = self._loop.create_future()
        timer = self._loop.call_later(PATIENCE_SECONDS, _settle, done)
        self._add(Noted(record, body, answer), done)
        if not self._hurried:
            self._hurried = True
            self._loop.call_later(HURRY_SECONDS, self._hurry)
        await done
        timer.cancel()

    def _find_release(self, record: Record) -> Release:
        found = record.found
        return self._release(record.release) if found is None else found.release

    def _hurry(self) -> None:
        self._hurried = False
        self._wake.set()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        self._closing.set()
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
        while not (self._closing.is_set() and not self._waiting):
            self._wake.wait(LOOK_SECONDS if self._later.waits else PURGE_EVERY)
            self._wake.clear()
            self._later.look(self._noted)
            while batch := self._taken():
                self._write(batch)
                self._keep_within_size()
            self._catch_up()
            self._retention.purge_sometimes()
            self._keep_within_size()
        self._file.close()

    def _keep_within_size(self) -> None:
        try:
            self._size_limit.enforce()
        except Exception as error:  # noqa: BLE001  # writing goes on, and it is tried again
            self._complaints.error(
                "the call journal may outgrow its size: %s", self._file.why(error)
            )

    def _note_usage(self, usage: JournalUsage) -> None:
        self.usage = usage
        if self._observe is not None:
            self._observe(usage)

    def _taken(self) -> list[Waiting]:
        """What goes into the next commit: bounded in bytes, too, as the file has a size to keep."""
        batch: list[Waiting] = []
        room = LARGEST_BATCH_BYTES
        for _ in range(min(len(self._waiting), LARGEST_BATCH)):
            batch.append(self._waiting.popleft())
            room -= len(batch[-1][0].body) + len(batch[-1][0].answer)
            if room <= 0:
                break
        return batch

    def _write(self, batch: list[Waiting]) -> None:
        try:
            noted = [noted for noted, _ in batch]
            self._counted(
                "kept", self._file.change(lambda connection: self._later.write(connection, noted))
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, no caller may feel it
            self._lost(batch, self._file.why(error))
        waited = [done for _, done in batch if done is not None]
        if waited and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, *waited)

    def _catch_up(self) -> None:
        """Make rows of what waits, while there is time for it; under pressure a piece each time."""
        try:
            while self._later.timely or (self._later.waits and self._closing.is_set()):
                more = self._later.catch_up()
                self._size_limit.enforce()
                if not more or (self._waiting and not self._closing.is_set()):
                    return
                self._later.look(self._noted)
        except Exception as error:  # noqa: BLE001  # it stays where it is, to be tried again
            self._complaints.error(
                "callbacks wait in the inbox of the call journal: %s", self._file.why(error)
            )

    def _lost(self, batch: list[Waiting], why: str) -> None:
        self._counted("lost", len(batch))
        self._complaints.error(
            "callbacks are answered, but not written to the call journal: %s", why
        )


def _settle(*waited: asyncio.Future[None]) -> None:
    for done in waited:
        if not done.done():
            done.set_result(None)
