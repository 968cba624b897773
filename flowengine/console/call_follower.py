"""Follows the journal for the pages: it keeps the index of calls, and tells browsers what is new."""

import asyncio
import logging
import platform
import time
from collections import Counter
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from flowengine.console.event_stream import EventStream
from flowengine.journal.call_index import CallIndex, LivePlace
from flowengine.journal.journal_location import JournalLocation, build_journal_feed
from flowengine.runtime.log_once import LogOnce

log = logging.getLogger(__name__)
NOT_FOLLOWED = "the calls of the journal cannot be followed: %s"
POLL_SECONDS = 1.0
IDLE_POLL_SECONDS = 5.0  # while no browser listens
FIRST_READ_SECONDS = 0.15  # a page waits for so much of a journal that nobody has looked at yet
BACKGROUND_READ_SECONDS = 0.5
MAX_COUNTED_FLOWS = 12
PAUSE_SECONDS = 0.05  # for pages, between two reads of what is old


class CallFollower:
    """For the event loop. Its index is there once the journal is. `machine` is the one whose calls
    these are, "" where they are those of several.
    """

    def __init__(self, journal: JournalLocation, stream: EventStream) -> None:
        self.machine = platform.node() if isinstance(journal, Path) else ""
        self._stream = stream
        self._feed = build_journal_feed(journal)
        self._index = CallIndex(self._feed)
        self._is_used = False
        self._log_once = LogOnce(log)

    async def load_index(self) -> CallIndex | None:
        """The index with all that the journal has by now; None where there is no journal yet. Raises
        JournalError.
        """
        self._is_used = True
        if not self._feed.exists():
            return None
        await run_sync(self._index.catch_up, FIRST_READ_SECONDS)
        return self._index

    async def follow(self) -> None:
        """Read what is new, and tell browsers of it, for ever. What nobody has looked at is not
        read.
        """
        while True:
            pause = POLL_SECONDS if self._stream.has_readers else IDLE_POLL_SECONDS
            if self._is_used and self._feed.exists():
                try:
                    has_grown = await run_sync(self._index.catch_up, BACKGROUND_READ_SECONDS)
                    if self._stream.has_readers:
                        self._stream.publish("counts", await run_sync(self.count_now))
                    self._log_once.end(NOT_FOLLOWED, "the calls of the journal are followed again")
                    if has_grown and not self._index.get_progress().is_whole:
                        pause = PAUSE_SECONDS
                except Exception as error:  # noqa: BLE001  # the next time may do
                    self._log_once.error(NOT_FOLLOWED, error)
            await asyncio.sleep(pause)

    def count_now(self) -> dict[str, Any]:
        """The figures of this moment, and how many calls are in each state."""
        now = time.time()
        places = self._index.list_live_places(now)
        figures = self._index.measure_answers(now)
        progress = self._index.get_progress()
        return {
            "calls": sum(place.calls for place in places),
            "answered": figures.answered,
            "failed": figures.failed,
            "p95": figures.p95,
            "callbacks": progress.callbacks,
            "latest": self._index.find_latest_start(),
            "is_whole": progress.is_whole,
            "places": sum_places(places),
            "flows": sum_flows(places),
        }

    def close(self) -> None:
        self._index.close()


def sum_flows(places: list[LivePlace]) -> list[tuple[str, int]]:
    """How many calls are in each flow, by name: of the `MAX_COUNTED_FLOWS` with the most."""
    found: Counter[str] = Counter()
    for place in places:
        if place.flow:
            found[place.flow] += place.calls
    return sorted(found.most_common(MAX_COUNTED_FLOWS))


def sum_places(places: list[LivePlace]) -> list[tuple[str, str, int]]:
    """How many calls are in each state, whichever release they are on."""
    found: dict[tuple[str, str], int] = {}
    for place in places:
        key = place.flow, place.state
        found[key] = found.get(key, 0) + place.calls
    return [(*key, calls) for key, calls in sorted(found.items())]
