"""Carries out the tasks of parked calls: bring one to the call that picks it up, or into an exit; end the other
call when one of the two is over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from flowengine.orchestration.parking import (
    BringParkedCall,
    ParkedCallBrought,
    ParkedCallLost,
    ParkingCallEnded,
    ParkingLimitReached,
    ReleaseParkedCall,
    RemoveOther,
)
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.parkings import (
    BRING_TASK,
    LIMIT_TASK,
    PARKING_LEFT_TASK,
    RELEASE_PARKED_TASK,
    REMOVE_OTHER_TASK,
)
from flowengine.runtime.platform_requests import (
    CallOwner,
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.runtime.task_contents import AnswerResult, compute_retry, read_task
from flowengine.states import OrchestrationResult
from flowengine.states.parking_plan import BROUGHT_MUSIC
from flowengine.storage.sessions import ScheduledTask
from flowengine.svaml import ConnectConf, encode_svaml

MAX_BRING_TRIES = 7  # in some eight seconds
log = logging.getLogger(__name__)


class ParkingTasks:
    """Handles the tasks of the task loop that are about parked calls."""

    def __init__(
        self,
        orchestrations: Orchestrations,
        requests: PlatformRequests,
        answer_result: AnswerResult,
        clock: Callable[[], float],
    ) -> None:
        self._orchestrations = orchestrations
        self._parkings = orchestrations.parkings
        self._requests = requests
        self._answer_result = answer_result
        self._clock = clock
        self._answering: set[asyncio.Future[bytes | None]] = set()
        self.handlers: dict[str, Callable[[ScheduledTask], Awaitable[float | None]]] = {
            LIMIT_TASK: self._note_limit,
            PARKING_LEFT_TASK: self._note_left,
            BRING_TASK: self._bring,
            REMOVE_OTHER_TASK: self._remove_other,
            RELEASE_PARKED_TASK: self._release,
        }

    async def _note_limit(self, task: ScheduledTask) -> None:
        _, due = read_task(self._orchestrations.encoding, task, ParkingLimitReached)
        await self._parkings.take_turn(task.orchestration, due)

    async def _note_left(self, task: ScheduledTask) -> None:
        _, left = read_task(self._orchestrations.encoding, task, ParkingCallEnded)
        await self._parkings.take_turn(task.orchestration, left)

    async def _bring(self, task: ScheduledTask) -> float | None:
        owner, brought = read_task(self._orchestrations.encoding, task, BringParkedCall)
        # without music a caller would be in silence until the other one is there
        svaml = encode_svaml((), ConnectConf(conference_id=brought.room, moh=BROUGHT_MUSIC))
        outcome = await self._requests.change_call(owner, brought.call_id, svaml)
        if isinstance(outcome, RequestRefused) and outcome.is_final:
            # it may be there by an earlier try; a call that is not parked yet is refused, too
            found = await self._requests.find_participant(owner, brought.room, brought.call_id)
            outcome = found if isinstance(found, RequestDone) else outcome
        if isinstance(outcome, RequestDone):
            event = ParkedCallBrought(brought.call_id)
            await self._parkings.take_turn(task.orchestration, event)
            return None
        if isinstance(outcome, RequestRefused) and await self._is_lost(task, owner, outcome):
            log.warning("parked call %s cannot be picked up: %s", brought.call_id, outcome.reason)
            await self._parkings.take_turn(task.orchestration, ParkedCallLost(brought.call_id))
            return None
        return compute_retry(task, self._clock())

    async def _is_lost(
        self, task: ScheduledTask, owner: CallOwner, refused: RequestRefused
    ) -> bool:
        """Whether no later try will bring a parked call to the call that has picked it up."""
        if not refused.is_final and not refused.is_of_unknown_call:
            return False
        call_id = task.key.partition(":")[2]
        if await self._requests.is_call_ongoing(owner, call_id) is False:
            return True
        return task.tries >= MAX_BRING_TRIES

    async def _remove_other(self, task: ScheduledTask) -> float | None:
        owner, other = read_task(self._orchestrations.encoding, task, RemoveOther)
        outcome = await self._requests.remove_participant(owner, other.room, other.call_id)
        if isinstance(outcome, RequestRefused) and outcome.is_of_unknown_call:
            is_ongoing = await self._requests.is_call_ongoing(owner, other.call_id)
            # it may be about to come into the conference
            return None if is_ongoing is False else compute_retry(task, self._clock())
        return self._finish(task, outcome)

    async def _release(self, task: ScheduledTask) -> float | None:
        """Let a call go on by its exit. Each try sends the same answer."""
        owner, released = read_task(self._orchestrations.encoding, task, ReleaseParkedCall)
        event = OrchestrationResult(
            call_id=released.call_id, application_key=owner.application, exit=released.exit
        )
        body = b"parking %d %b" % (released.number, msgspec.json.encode(event))
        # It goes on where this task is cancelled: the flow may wait for a lookup for longer.
        answering = asyncio.ensure_future(self._answer_result(event, body))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        svaml = await asyncio.shield(answering)
        if svaml is None:
            return None
        if released.room:
            return await self._release_from_room(task, owner, released, svaml)
        outcome = await self._requests.change_call(owner, released.call_id, svaml)
        return self._finish(task, outcome)

    async def _release_from_room(
        self, task: ScheduledTask, owner: CallOwner, released: ReleaseParkedCall, svaml: bytes
    ) -> float | None:
        """Let a call go on from the conference; one that the platform does not let go on ends."""
        outcome = await self._requests.release_caller(owner, released.call_id, svaml)
        if isinstance(outcome, RequestRefused) and outcome.is_final:
            if task.tries < MAX_BRING_TRIES:  # it may be about to come into the conference
                return compute_retry(task, self._clock())
            # the platform changes no call from an app
            outcome = await self._requests.remove_participant(
                owner, released.room, released.call_id
            )
        return self._finish(task, outcome)

    def _finish(self, task: ScheduledTask, outcome: RequestOutcome) -> float | None:
        """When to try again; None where it is done, or can never be."""
        if isinstance(outcome, RequestDone):
            return None
        what, _, call_id = task.key.partition(":")
        if isinstance(outcome, RequestRefused) and (outcome.is_final or outcome.is_of_unknown_call):
            log.error("%s of call %s was refused: %s", what, call_id, outcome.reason)
            return None
        return compute_retry(task, self._clock())
