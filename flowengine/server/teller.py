"""Tells the other machines what this one knows of the calls of a canary, beside the callbacks."""

import asyncio
import logging
import sqlite3
from functools import partial

from flowengine.journal import parts
from flowengine.journal.database import FILE, JournalError
from flowengine.releases.database import ArchiveError
from flowengine.releases.ledger import Ledger
from flowengine.releases.overview import candidate_since
from flowengine.releases.tally import Tally, machine_id
from flowengine.releases.turn import FileTurn
from flowengine.releases.workshop import Workshop
from flowengine.server.settings import Settings

log = logging.getLogger(__name__)
TELL_SECONDS = 2.0  # people look at figures, not at single calls
TURN_FILE = "teller.db"


class Teller:
    """One for each worker; of those that write one journal one tells. Its tally and ledger are for
    the workshop.
    """

    def __init__(self, settings: Settings, workshop: Workshop, ledger: Ledger) -> None:
        self.tally = Tally(settings.archive)
        self._folder = settings.folder
        self._workshop = workshop
        self._ledger = ledger
        self._machine = ""
        self._since: float | None = None
        self._number = -1
        self._turn: FileTurn | None = None

    async def run(self) -> None:
        """Tell for ever. What is in the way is reported once."""
        told = ""
        while True:
            try:
                while self._ours() and await self._told_some():
                    pass
                told = ""
            except (
                OSError,
                sqlite3.Error,
                JournalError,
                ArchiveError,
            ) as error:  # they are told when that is over
                if (why := str(error)) != told:
                    log.warning(
                        "figures of the canary lack the latest calls of this machine: %s", why
                    )
                told = why
            await asyncio.sleep(TELL_SECONDS)

    def _ours(self) -> bool:
        """The folder is made after us."""
        self._turn = self._turn or FileTurn(self._folder / TURN_FILE)
        return self._turn.taken()

    async def _told_some(self) -> bool:
        """Whether there was something to tell."""
        since = await self._workshop.run(self._canary)
        if since is None:
            return False
        before = await self._workshop.run(partial(self.tally.counted, self._machine, since))
        found, number = await asyncio.to_thread(parts, self._folder / FILE, since, before)
        if number != before:
            await self._workshop.run(partial(self.tally.tell, self._machine, since, found, number))
        return number != before

    def _canary(self) -> float | None:
        """When the canary of the moment began. What was told of earlier ones is dropped."""
        live = self._ledger.live()
        if self._number != live.number:
            self._since = candidate_since(self._ledger.all()) if live.candidate else None
            self.tally.forget(self._since)
            self._machine = machine_id(self._folder)
            self._number = live.number
        return self._since

    def close(self) -> None:
        if self._turn:
            self._turn.close()
        self.tally.close()
