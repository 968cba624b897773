"""The objects that the APIs work on: the exchange, the store of its past, and the events."""

import asyncio
from collections import OrderedDict, deque
from datetime import datetime
from typing import Any

from flowengine.switch.api.error_replies import build_error
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls import SwitchCall
from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.clock import Clock
from flowengine.switch.exchange import Exchange
from flowengine.switch.persistence import EndedCall, SwitchPersistence
from flowengine.switch.switch_events import AnswerReceived, CallEnded, SwitchEvent
from flowengine.switch.switch_store import SwitchStore

MAX_CALLS_WITH_EVENTS = 2_000
"""So many calls can be read back event by event"""


class SwitchContext:
    """One switch as its APIs see it."""

    def __init__(self, exchange: Exchange, clock: Clock, store: SwitchStore) -> None:
        self.exchange = exchange
        self.clock = clock
        self.persistence = SwitchPersistence(exchange, store)
        self.events: OrderedDict[str, list[SwitchEvent]] = OrderedDict()
        self.refusals: deque[int] = deque()
        """Codes that the next requests are refused with, for tests of clients"""
        self.lost_callouts: set[int] = set()
        """Callouts, counted from 1, that are placed but whose answer is lost"""
        self.callout_count = 0
        self.cached_counts: dict[str, tuple[int, datetime]] = {}
        self._changed = asyncio.Event()
        exchange.subscribe(self._record_event)

    def _record_event(self, event: SwitchEvent) -> None:
        if event.call not in self.events:
            self.events[event.call] = []
            if len(self.events) > MAX_CALLS_WITH_EVENTS:
                self.events.popitem(last=False)
        self.events[event.call].append(event)
        self._changed.set()
        # saved again after DiCE, whose answer may report success or failure
        if isinstance(event, CallEnded) or (
            isinstance(event, AnswerReceived) and event.event == "dice" and event.status
        ):
            self.persistence.save_ended_call(event.call)

    async def wait_for_events(self, call_id: str, after: int) -> None:
        """Wait until a call has more events than this."""
        # one event object wakes all waiters, so each looks again
        while len(self.events.get(call_id, ())) <= after:
            self._changed.clear()
            await self._changed.wait()

    def find_call(self, application: str, call_id: str) -> SwitchCall:
        """A call of this application that the switch still holds."""
        call = self.exchange.calls.get(call_id)
        if call is None or call.application_key != application:
            raise ApiError(40400, "Call not found")
        return call

    def find_ended_call(self, application: str, call_id: str) -> EndedCall:
        """The record of an ended call."""
        report = self.persistence.ended_calls.get(call_id)
        if report is None or report.application != application:
            raise ApiError(40400, "Call not found")
        return report

    def get_call_info(self, application: str, call_id: str) -> dict[str, Any]:
        """The CallInfo of a call, also of one from before a restart."""
        if call_id in self.exchange.calls:
            return build_call_info(self.find_call(application, call_id))
        return self.find_ended_call(application, call_id).info

    def find_application(self, key: str) -> str:
        """An application by its key, also where the key is spelled in another case."""
        for known in self.exchange.applications:
            if known.lower() == key.lower():
                return known
        raise ApiError(40003, "Invalid Application Key")

    def count_callout(self) -> bool:
        """Count a callout that was placed; whether its answer is to be lost."""
        self.callout_count += 1
        return self.callout_count in self.lost_callouts

    def raise_set_refusal(self) -> None:
        """Refuse this request where `set_refusals` says so."""
        if self.refusals:
            raise build_error(self.refusals.popleft())
