"""Keeps a worker to the time that all who use its session store share."""

import asyncio
import logging
import time
from contextlib import suppress

from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sessions import Store, StoreError

log = logging.getLogger(__name__)
# a virtual machine that was paused is behind for at most this long
CLOCK_UPDATE_SECONDS = 5.0
MAX_CLOCK_DIFFERENCE_SECONDS = 2.0
CLOCK_DIFFERS = (
    "the clock of this machine is off by %.0f seconds from that of the database: synchronise it. "
    "Calls go by the database's, but the age of signatures is judged by the machine's"
)


async def watch_clock(store: Store) -> None:
    """Ask the store for its time again and again, and say where this machine has another."""
    errors = LogOnce(log)
    while True:
        await asyncio.sleep(CLOCK_UPDATE_SECONDS)
        with suppress(StoreError):  # what needs the store for more logs it
            await store.update_clock()
        difference = time.time() - store.clock()
        if abs(difference) > MAX_CLOCK_DIFFERENCE_SECONDS:
            errors.error(CLOCK_DIFFERS, difference)
        else:
            errors.end(CLOCK_DIFFERS, "the clock of this machine is that of the database again")
