"""Carries out the tasks of orchestrations: a timer is a turn; a request goes to the platform, and its
result is a turn.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from flowengine.orchestration.turn import (
    Began,
    CallerLeft,
    CallerReleased,
    EndCaller,
    HangUpLeg,
    LegPlaced,
    LegRefused,
    PlaceLeg,
    ReleaseCaller,
    TimerDue,
)
from flowengine.runtime.cookie import Codec
from flowengine.runtime.leg_token import LegToken, format_leg_token
from flowengine.runtime.orchestrations import (
    BEGIN_TASK,
    END_TASK,
    HANG_UP_TASK,
    LEFT_TASK,
    PLACE_TASK,
    RELEASE_TASK,
    TIMER_TASK,
    Orchestrations,
)
from flowengine.runtime.platform_requests import (
    NO_LONGER_THERE,
    CallOwner,
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.states import OrchestrationResult
from flowengine.storage.sessions import ScheduledTask

MAX_PLACE_TRIES = 5  # within `PLACING_SECONDS` of the conductor
MAX_HANG_UP_TRIES = 8
MAX_RELEASE_TRIES = 12
FIRST_RETRY_SECONDS = 0.25  # doubled with each try
LONGEST_RETRY_SECONDS = 10.0
AnswerResult = Callable[[OrchestrationResult, bytes], Awaitable[bytes | None]]
"""Lets the caller go on in the flow; the answer, or None where they have gone on since. The bytes are
the same in each try.
"""
ContentT = TypeVar("ContentT")
log = logging.getLogger(__name__)


class UnreadableTaskError(Exception):
    """No key opens the task, or a later version wrote it."""


class OrchestrationTasks:
    """Handles the tasks of the task loop."""

    def __init__(
        self,
        orchestrations: Orchestrations,
        codec: Codec,
        requests: PlatformRequests,
        answer_result: AnswerResult,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._orchestrations = orchestrations
        self._codec = codec
        self._requests = requests
        self._answer_result = answer_result
        self._clock = clock
        self._answering: set[asyncio.Future[bytes | None]] = set()
        self._handlers: dict[str, Callable[[ScheduledTask], Awaitable[float | None]]] = {
            BEGIN_TASK: self._begin,
            LEFT_TASK: self._note_caller_left,
            TIMER_TASK: self._run_timer,
            PLACE_TASK: self._place_leg,
            HANG_UP_TASK: self._hang_up_leg,
            RELEASE_TASK: self._release_caller,
            END_TASK: self._end_caller,
        }

    async def handle(self, task: ScheduledTask) -> float | None:
        """Carry out a task; returns when to try again, or None when it is done."""
        handler = self._handlers.get(task.key.partition(":")[0])
        if handler is None:
            log.error("task %s of call %s is of a later version", task.key, task.orchestration)
            return None
        try:
            return await handler(task)
        except UnreadableTaskError:
            log.error(  # noqa: TRY400  # its text says all
                "task %s of call %s cannot be read: another key or version wrote it",
                task.key,
                task.orchestration,
            )
            return None

    async def _begin(self, task: ScheduledTask) -> None:
        owner, began = self._read_task(task, Began)
        await self._orchestrations.take_turn(task.orchestration, began, owner)

    async def _note_caller_left(self, task: ScheduledTask) -> None:
        await self._orchestrations.take_turn(task.orchestration, CallerLeft())

    async def _run_timer(self, task: ScheduledTask) -> None:
        event = TimerDue(task.key.partition(":")[2])
        await self._orchestrations.take_turn(task.orchestration, event)

    async def _place_leg(self, task: ScheduledTask) -> float | None:
        call_id = task.orchestration
        owner, placed = self._read_task(task, PlaceLeg)
        token = format_leg_token(self._codec, LegToken(call_id, placed.attempt))
        outcome = await self._requests.place_leg(owner, placed.member, placed.cli, token)
        if isinstance(outcome, RequestDone):
            event: LegPlaced | LegRefused = LegPlaced(placed.attempt, outcome.call_id)
        elif isinstance(outcome, RequestRefused) or task.tries >= MAX_PLACE_TRIES:
            log.warning("a leg of call %s was not placed: %s", call_id, outcome.reason)
            event = LegRefused(placed.attempt, outcome.reason)
        else:
            return self._compute_retry(task)
        await self._orchestrations.take_turn(call_id, event)
        return None

    async def _hang_up_leg(self, task: ScheduledTask) -> float | None:
        owner, leg = self._read_task(task, HangUpLeg)
        outcome = await self._requests.hang_up_call(owner, leg.call_id)
        return self._retry(task, outcome, MAX_HANG_UP_TRIES, "a leg of call %s goes on: %s")

    async def _end_caller(self, task: ScheduledTask) -> float | None:
        owner, ended = self._read_task(task, EndCaller)
        outcome = await self._requests.hang_up_call(owner, task.orchestration)
        return await self._note_release(task, outcome, ended.number)

    async def _release_caller(self, task: ScheduledTask) -> float | None:
        """Answer the event that resumes the state of the caller, and send the answer. Both are the
        same in each try.
        """
        owner, released = self._read_task(task, ReleaseCaller)
        event = OrchestrationResult(
            call_id=task.orchestration, application_key=owner.application, exit=released.exit
        )
        body = b"%d %b" % (released.number, msgspec.json.encode(event))
        # It goes on where this task is cancelled: the flow may wait for a lookup for longer.
        answering = asyncio.ensure_future(self._answer_result(event, body))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        svaml = await asyncio.shield(answering)
        outcome: RequestOutcome = RequestDone()
        if svaml is not None:
            outcome = await self._requests.release_caller(owner, task.orchestration, svaml)
        return await self._note_release(task, outcome, released.number)

    async def _note_release(
        self, task: ScheduledTask, outcome: RequestOutcome, number: int
    ) -> float | None:
        if isinstance(outcome, RequestDone):
            event: CallerReleased | CallerLeft = CallerReleased(number)
        elif isinstance(outcome, RequestRefused) and outcome.status == NO_LONGER_THERE:
            event = CallerLeft()
        else:
            return self._retry(
                task, outcome, MAX_RELEASE_TRIES, "call %s hears music until it is hung up: %s"
            )
        await self._orchestrations.take_turn(task.orchestration, event)
        return None

    def _retry(
        self, task: ScheduledTask, outcome: RequestOutcome, most: int, message: str
    ) -> float | None:
        """When to try a request again that was not carried out."""
        if isinstance(outcome, RequestDone):
            return None
        if task.tries < most:
            return self._compute_retry(task)
        log.error(message, task.orchestration, outcome.reason)
        return None

    def _compute_retry(self, task: ScheduledTask) -> float:
        pause = FIRST_RETRY_SECONDS * 2.0 ** min(task.tries - 1, 10)
        return self._clock() + min(pause, LONGEST_RETRY_SECONDS)

    def _read_task(self, task: ScheduledTask, kind: type[ContentT]) -> tuple[CallOwner, ContentT]:
        found = self._orchestrations.encoding.decode_task(task, kind)
        if found is None:
            raise UnreadableTaskError
        return found
