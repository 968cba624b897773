"""What the APIs work on: the exchange, what is kept of its past, and what happens just now."""

import asyncio
from collections import OrderedDict, deque
from datetime import datetime
from typing import Any

from flowengine.switch.api.errors import refused
from flowengine.switch.calls import Call
from flowengine.switch.clock import Clock
from flowengine.switch.errors import ApiError
from flowengine.switch.exchange import Exchange
from flowengine.switch.happenings import Ended, Happening, Told
from flowengine.switch.kept import Kept, Report
from flowengine.switch.store import Store

CALLS_TOLD = 2_000
"""So many calls can be read back happening by happening"""


class Desk:
    """One switch as its APIs see it."""

    def __init__(self, exchange: Exchange, clock: Clock, store: Store) -> None:
        self.exchange = exchange
        self.clock = clock
        self.kept = Kept(exchange, store)
        self.happenings: OrderedDict[str, list[Happening]] = OrderedDict()
        self.refusals: deque[int] = deque()
        """Codes that the next requests are refused with, for tests of whoever asks"""
        self.counted: dict[str, tuple[int, datetime]] = {}
        self._news = asyncio.Event()
        exchange.watch(self._happens)

    def _happens(self, happening: Happening) -> None:
        if happening.call not in self.happenings:
            self.happenings[happening.call] = []
            if len(self.happenings) > CALLS_TOLD:
                self.happenings.popitem(last=False)
        self.happenings[happening.call].append(happening)
        self._news.set()
        if isinstance(happening, Ended) or (
            isinstance(happening, Told) and happening.event == "dice" and happening.status
        ):
            self.kept.ended(happening.call)

    async def more(self, call_id: str, after: int) -> None:
        """Wait until more than so much has happened to a call."""
        while len(self.happenings.get(call_id, ())) <= after:
            self._news.clear()
            await self._news.wait()

    def call(self, application: str, call_id: str) -> Call:
        """A call of this application that the switch still holds."""
        call = self.exchange.calls.get(call_id)
        if call is None or call.application_key != application:
            raise ApiError(40400, "Call not found")
        return call

    def report(self, application: str, call_id: str) -> Report:
        """What is kept of a call that is over."""
        report = self.kept.reports.get(call_id)
        if report is None or report.application != application:
            raise ApiError(40400, "Call not found")
        return report

    def info(self, application: str, call_id: str) -> dict[str, Any]:
        """CallInfo, of a call now or from before a restart."""
        if call_id in self.exchange.calls:
            return self.call(application, call_id).info()
        return self.report(application, call_id).info

    def known(self, key: str) -> str:
        """An application by its key, also where the key is spelled in another case."""
        for known in self.exchange.applications:
            if known.lower() == key.lower():
                return known
        raise ApiError(40003, "Invalid Application Key")

    def refuse_as_told(self) -> None:
        """Refuse this request if somebody wants that."""
        if self.refusals:
            raise refused(self.refusals.popleft())
