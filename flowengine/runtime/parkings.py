"""Takes the turns of codes under which callers are parked: who has a code, and who gets the caller, is
decided in one transaction with the requests that follow.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.parking import (
    BringParkedCall,
    ForgetCall,
    ParkingCallEnded,
    ParkingCode,
    ParkingEffect,
    ParkingEvent,
    ParkingLimitReached,
    ParkingRequestEffect,
    ParkingTurn,
    ParkRequested,
    PickUpRequested,
    ReleaseParkedCall,
    RemoveOther,
    SetLimit,
    conduct_parking,
)
from flowengine.runtime.incoming_facts import expand_call_url
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestration_encoding import (
    OrchestrationEncoding,
    format_orchestration_id,
)
from flowengine.runtime.platform_requests import CallOwner
from flowengine.sinch import CallbackEvent
from flowengine.states.parking_plan import CODE_FACT, ParkingRequest
from flowengine.states.state_results import LookupResult
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
    StoreError,
)
from flowengine.storage.sessions.orchestration_rows import build_addition, build_change

PARKING_KIND, FREE_CODE_KIND = "parking", "code that is free"
FREEING_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, *(30.0,) * 18)  # ten minutes, the longest limit
LIMIT_TASK, PARKING_LEFT_TASK = "parking_limit", "parking_left"
BRING_TASK, REMOVE_OTHER_TASK, RELEASE_PARKED_TASK = (
    "parking_bring",
    "parking_remove",
    "parking_release",
)


def name_parking(application: str, code: str) -> str:
    """The id of a code."""
    return format_orchestration_id("parking", application, code)


class Parkings:
    """The turns of all codes. Any worker may take any turn."""

    def __init__(
        self,
        store: OrchestrationStore,
        encoding: OrchestrationEncoding,
        log_once: LogOnce,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._encoding = encoding
        self._log_once = log_once
        self._clock = clock or store.clock
        self._freeing: set[asyncio.Task[None]] = set()

    async def answer_request(
        self, application: str, call_id: str, request: ParkingRequest
    ) -> LookupResult:
        """Park the call under the code, or give it the one that is."""
        url = expand_call_url(request.host)
        event: ParkingEvent = (
            ParkRequested(call_id, application, url, request.limit, request.has_exit)
            if request.do == "park"
            else PickUpRequested(call_id, url)
        )
        try:
            turn = await self.take_turn(name_parking(application, request.code), event)
        except StoreError as error:
            return LookupResult(0, error=str(error))
        if turn is None:
            return LookupResult(0, error="the code cannot be read")
        return LookupResult(turn.status, {"room": turn.room})

    def build_leaving(self, call_id: str, application: str, code: str) -> OrchestrationChange:
        """What is saved with the end of a call that was parked or has picked up another."""
        now, name = self._clock(), name_parking(application, code)
        content = ParkingCallEnded(call_id)
        payload = self._encoding.encode_task(name, CallOwner(application, ""), content)
        task = ScheduledTask(name, f"{PARKING_LEFT_TASK}:{call_id}", now, payload)
        return build_addition(task, FREE_CODE_KIND, now + CALL_KEPT_SECONDS)

    async def note_left(self, event: CallbackEvent, names: Mapping[str, Any]) -> None:
        """Free the code of a call whose step was not saved: it has ended before, or ends now."""
        name = name_parking(event.application_key, names[CODE_FACT])
        try:
            await self.take_turn(name, ParkingCallEnded(event.call_id))
        except StoreError as error:
            self._log_once.error("a code is in use by a call that is over: %s", error)
            freeing = asyncio.create_task(self._free_later(name, event.call_id))
            self._freeing.add(freeing)
            freeing.add_done_callback(self._freeing.discard)

    async def _free_later(self, name: str, call_id: str) -> None:
        """Free a code as soon as the store can. Its limit ends it, too."""
        for pause in FREEING_PAUSES:
            await asyncio.sleep(pause)
            with suppress(StoreError):
                await self.take_turn(name, ParkingCallEnded(call_id))
                return

    async def take_turn(self, name: str, event: ParkingEvent) -> ParkingTurn | None:
        """Take one turn of a code; None where it cannot be read."""
        now = self._clock()

        def decide(
            saved: SavedOrchestration | None, _agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange | None, ParkingTurn | None]:
            saved = saved or SavedOrchestration(name, FREE_CODE_KIND, "", 0, b"", now)
            code = self._encoding.decode_parking(saved)
            if code is None:
                self._log_once.error(
                    "codes of parked calls cannot be read: %s",
                    "another key or version wrote them",
                )
                return None, None
            turn = conduct_parking(code, event, now)
            is_same = turn.code == code and not turn.effects
            return None if is_same else self._build_change(saved, turn, now), turn

        return await self._store.take_turn(name, lambda _saved: (), decide)

    def _build_change(
        self, saved: SavedOrchestration, turn: ParkingTurn, now: float
    ) -> OrchestrationChange:
        code = turn.code
        tasks = self._build_tasks(code, turn.effects, now)
        after = saved._replace(
            kind=PARKING_KIND if code.parked or code.pairs else FREE_CODE_KIND,
            version=saved.version + 1,
            state=self._encoding.encode_parking(code),
            expires=now + CALL_KEPT_SECONDS,
        )
        return build_change(after, tasks)

    def _build_tasks(
        self, code: ParkingCode, effects: Iterable[ParkingEffect], now: float
    ) -> dict[str, ScheduledTask | None]:
        """The tasks by key, and None where one is cancelled."""
        tasks: dict[str, ScheduledTask | None] = {}
        for effect in effects:
            match effect:
                case ForgetCall(call_id):
                    names = BRING_TASK, REMOVE_OTHER_TASK, RELEASE_PARKED_TASK
                    tasks |= {f"{name}:{call_id}": None for name in names}
                case SetLimit(number, seconds):
                    due = now + seconds
                    tasks[LIMIT_TASK] = self._build_task(
                        code, "", LIMIT_TASK, due, ParkingLimitReached(number)
                    )
                case BringParkedCall() | RemoveOther() | ReleaseParkedCall():
                    key = name_parking_request(effect)
                    tasks[key] = self._build_task(code, effect.call_url, key, now, effect)
        return tasks

    def _build_task(
        self, code: ParkingCode, call_url: str, key: str, due: float, content: msgspec.Struct
    ) -> ScheduledTask:
        owner = CallOwner(code.application, call_url)
        return ScheduledTask(code.id, key, due, self._encoding.encode_task(code.id, owner, content))


def name_parking_request(effect: ParkingRequestEffect) -> str:
    """The key of the task that sends this request."""
    match effect:
        case BringParkedCall(call_id=call_id):
            return f"{BRING_TASK}:{call_id}"
        case RemoveOther(call_id=call_id):
            return f"{REMOVE_OTHER_TASK}:{call_id}"
        case ReleaseParkedCall(call_id=call_id):
            return f"{RELEASE_PARKED_TASK}:{call_id}"
