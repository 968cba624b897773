"""Carries out the tasks of orchestrations: a timer is a turn; a request goes to the platform, and its
result is a turn.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from flowengine.orchestration.turn import (
    CallerLeft,
    CallerReleased,
    EndCaller,
    HangUpLeg,
    LegPlaced,
    LegRefused,
    PlaceLeg,
    ReleaseCaller,
    RingBegan,
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
from flowengine.runtime.parking_tasks import ParkingTasks
from flowengine.runtime.placement_tasks import PlacementTasks
from flowengine.runtime.placements import PLACEMENT_TASK
from flowengine.runtime.platform_requests import (
    CallOwner,
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.runtime.queue_tasks import QueueTasks
from flowengine.runtime.room_tasks import RoomTasks
from flowengine.runtime.task_contents import (
    AnswerResult,
    UnreadableTaskError,
    compute_retry,
    read_task,
)
from flowengine.sinch.address_mask import mask_address
from flowengine.states import OrchestrationResult
from flowengine.storage.sessions import ScheduledTask

MAX_PLACE_TRIES = 5  # within `PLACING_SECONDS` of the conductor
MAX_HANG_UP_TRIES = 8
QUICK_RELEASE_TRIES = 12  # those of the first minute
SLOW_RETRY_SECONDS = 20.0  # for as long as the caller may wait
WHERE_THE_CURE_IS = "see docs/operations/serve.md, flows that ring several phones"
log = logging.getLogger(__name__)


class OrchestrationTasks:
    """Handles the tasks of the task loop."""

    def __init__(
        self,
        orchestrations: Orchestrations,
        codec: Codec,
        requests: PlatformRequests,
        answer_result: AnswerResult,
        clock: Callable[[], float] | None = None,
        placements: PlacementTasks | None = None,
    ) -> None:
        self._orchestrations = orchestrations
        self._codec = codec
        self._requests = requests
        self._answer_result = answer_result
        self._clock = clock = clock or orchestrations.store.clock
        self._answering: set[asyncio.Future[bytes | None]] = set()
        self._handlers: dict[str, Callable[[ScheduledTask], Awaitable[float | None]]] = {
            BEGIN_TASK: self._begin,
            LEFT_TASK: self._note_caller_left,
            TIMER_TASK: self._run_timer,
            PLACE_TASK: self._place_leg,
            HANG_UP_TASK: self._hang_up_leg,
            RELEASE_TASK: self._release_caller,
            END_TASK: self._end_caller,
            **QueueTasks(orchestrations, requests, answer_result, clock).handlers,
            **ParkingTasks(orchestrations, requests, answer_result, clock).handlers,
            **RoomTasks(orchestrations, requests, clock).handlers,
        }
        if placements is not None:
            self._handlers[PLACEMENT_TASK] = placements.handle

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
        owner, began = read_task(self._orchestrations.encoding, task, RingBegan)
        await self._orchestrations.take_turn(task.orchestration, began, owner)

    async def _note_caller_left(self, task: ScheduledTask) -> None:
        await self._orchestrations.take_turn(task.orchestration, CallerLeft())

    async def _run_timer(self, task: ScheduledTask) -> None:
        event = TimerDue(task.key.partition(":")[2])
        await self._orchestrations.take_turn(task.orchestration, event)

    async def _place_leg(self, task: ScheduledTask) -> float | None:
        call_id = task.orchestration
        owner, placed = read_task(self._orchestrations.encoding, task, PlaceLeg)
        token = format_leg_token(self._codec, LegToken(call_id, placed.attempt))
        outcome = await self._requests.place_leg(owner, placed.member, placed.cli, token)
        if isinstance(outcome, RequestDone):
            event: LegPlaced | LegRefused = LegPlaced(placed.attempt, outcome.call_id)
        elif isinstance(outcome, RequestRefused) or task.tries >= MAX_PLACE_TRIES:
            log.warning(
                "a leg of call %s to %s was not placed: %s",
                call_id,
                mask_address(placed.member.address),
                outcome.reason,
            )
            event = LegRefused(placed.attempt, outcome.reason)
        else:
            return compute_retry(task, self._clock())
        await self._orchestrations.take_turn(call_id, event)
        return None

    async def _hang_up_leg(self, task: ScheduledTask) -> float | None:
        owner, leg = read_task(self._orchestrations.encoding, task, HangUpLeg)
        outcome = await self._requests.hang_up_call(owner, leg.call_id)
        if isinstance(outcome, RequestDone):
            return None
        if isinstance(outcome, RequestRefused) and outcome.is_of_unknown_call:
            return None
        if task.tries < MAX_HANG_UP_TRIES:
            return compute_retry(task, self._clock())
        log.error("a leg of call %s goes on: %s", task.orchestration, outcome.reason)
        return None

    async def _end_caller(self, task: ScheduledTask) -> float | None:
        owner, ended = read_task(self._orchestrations.encoding, task, EndCaller)
        outcome = await self._requests.hang_up_call(owner, task.orchestration)
        return await self._note_release(task, owner, outcome, ended.number)

    async def _release_caller(self, task: ScheduledTask) -> float | None:
        """Answer the event that resumes the state of the caller, and send the answer. Both are the
        same in each try.
        """
        owner, released = read_task(self._orchestrations.encoding, task, ReleaseCaller)
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
        if isinstance(outcome, RequestRefused) and outcome.is_final:
            outcome = await self._hang_up_instead(owner, task.orchestration, outcome)
        return await self._note_release(task, owner, outcome, released.number)

    async def _hang_up_instead(
        self, owner: CallOwner, call_id: str, refused: RequestRefused
    ) -> RequestOutcome:
        """End a caller who cannot go on in the flow, and would pay for music."""
        outcome = await self._requests.hang_up_call(owner, call_id)
        if isinstance(outcome, RequestDone):
            log.error(
                "call %s cannot leave its room and was hung up: %s; %s",
                call_id,
                refused.reason,
                WHERE_THE_CURE_IS,
            )
        return outcome

    async def _note_release(
        self, task: ScheduledTask, owner: CallOwner, outcome: RequestOutcome, number: int
    ) -> float | None:
        """Note that the caller has left the room, or return when to try again."""
        call_id = task.orchestration
        if isinstance(outcome, RequestDone):
            await self._orchestrations.take_turn(call_id, CallerReleased(number))
            return None
        if isinstance(outcome, RequestRefused):
            if outcome.is_final:
                message = "call %s hears music until it is hung up: %s; %s"
                log.error(message, call_id, outcome.reason, WHERE_THE_CURE_IS)
                return None
            if outcome.is_of_unknown_call and (
                await self._requests.is_call_ongoing(owner, call_id) is False
            ):
                message = "call %s counts as over, as the platform does not know it: %s"
                log.warning(message, call_id, outcome.reason)
                await self._orchestrations.take_turn(call_id, CallerLeft())
                return None
        return self._retry_release(task, outcome.reason)

    def _retry_release(self, task: ScheduledTask, reason: str) -> float:
        """When to try again. The tries go on until the caller has left: by their call's end, or
        because the janitor sees it, or until the store forgets the ring.
        """
        if task.tries == 1:
            log.warning(
                "call %s has not left its room yet, and hears music: %s", task.orchestration, reason
            )
        if task.tries < QUICK_RELEASE_TRIES:
            return compute_retry(task, self._clock())
        if task.tries == QUICK_RELEASE_TRIES:
            log.error(
                "call %s still hears music; the server tries again every %g seconds: %s; %s",
                task.orchestration,
                SLOW_RETRY_SECONDS,
                reason,
                WHERE_THE_CURE_IS,
            )
        return self._clock() + SLOW_RETRY_SECONDS
