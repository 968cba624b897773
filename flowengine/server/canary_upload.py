"""Uploads the journal rows that canary figures need, while callbacks are answered."""

import asyncio
import logging
import sqlite3
from functools import partial
from pathlib import Path

from flowengine.journal import read_canary_callbacks
from flowengine.journal.journal_error import JournalError
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.canary_statistics import CanaryTable, load_machine_id
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.leader_lock import FileLeaderLock
from flowengine.releases.ledger import Ledger
from flowengine.releases.release_overview import find_candidate_start
from flowengine.server.server_settings import ServerSettings

log = logging.getLogger(__name__)
UPLOAD_SECONDS = 2.0  # people read sums, not single calls
UPLOAD_LOCK_FILE = "teller.db"


class CanaryUploader:
    """Uploads canary statistics. Each worker has an uploader; of the workers with the same journal
    one uploads at a time. The table and the ledger are used in the thread of the compile worker.
    """

    def __init__(
        self, settings: ServerSettings, compile_worker: CompileWorker, ledger: Ledger
    ) -> None:
        self.canary_table = CanaryTable(settings.archive)
        self._folder = settings.folder
        assert isinstance(settings.journal_location, Path)  # noqa: S101  # on a server nobody uploads
        self._journal = settings.journal_location
        self._compile_worker = compile_worker
        self._ledger = ledger
        self._machine = ""
        self._since: float | None = None
        self._live_number = -1
        self._upload_lock: FileLeaderLock | None = None

    async def run(self) -> None:
        """Upload for ever. A lasting error is logged once."""
        reported = ""
        while True:
            try:
                while self._try_acquire() and await self._upload_batch():
                    pass
                if reported:
                    log.info("canary figures have the calls of this machine again")
                reported = ""
            except (
                OSError,
                sqlite3.Error,
                JournalError,
                ArchiveError,
            ) as error:  # operators see in the log when the error is over
                if (why := str(error)) != reported:
                    log.warning("canary figures lack the latest calls of this machine: %s", why)
                reported = why
            await asyncio.sleep(UPLOAD_SECONDS)

    def _try_acquire(self) -> bool:
        """Whether this worker may upload. The lock is opened here, as its folder may be created
        after this object.
        """
        self._upload_lock = self._upload_lock or FileLeaderLock(self._folder / UPLOAD_LOCK_FILE)
        return self._upload_lock.try_acquire()

    async def _upload_batch(self) -> bool:
        """Upload a batch of rows, and return whether there were any."""
        since = await self._compile_worker.run(self._find_canary_start)
        if since is None:
            return False
        before = await self._compile_worker.run(
            partial(self.canary_table.load_uploaded_number, self._machine, since)
        )
        found, number = await asyncio.to_thread(read_canary_callbacks, self._journal, since, before)
        if number != before:
            await self._compile_worker.run(
                partial(self.canary_table.save_callbacks, self._machine, since, found, number)
            )
        return number != before

    def _find_canary_start(self) -> float | None:
        """The start of the present canary. Deletes the rows of earlier canaries."""
        live = self._ledger.get_live()
        if self._live_number != live.number:
            self._since = (
                find_candidate_start(self._ledger.list_changes()) if live.candidate else None
            )
            self.canary_table.delete_older_canaries(self._since)
            self._machine = load_machine_id(self._folder)
            self._live_number = live.number
        return self._since

    def close(self) -> None:
        if self._upload_lock:
            self._upload_lock.close()
        self.canary_table.close()
