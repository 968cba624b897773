"""Carries out the tasks of queues and of callers who wait in them."""

import logging
from collections.abc import Awaitable, Callable

from flowengine.orchestration.matching import Queue
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import (
    AnnounceWait,
    CallerChoseExit,
    CallerLeft,
    CallerLeftQueue,
    CallerOffered,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import (
    ANNOUNCE_TASK,
    CHOSE_TASK,
    WENT_TASK,
    Orchestrations,
)
from flowengine.runtime.platform_requests import (
    CallOwner,
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.runtime.queue_changes import ENTER_TASK
from flowengine.runtime.queues import OFFER_TASK
from flowengine.runtime.task_contents import AnswerResult, compute_retry, read_task
from flowengine.states import QueueAnnouncement
from flowengine.storage.sessions import ScheduledTask
from flowengine.storage.sessions.orchestration_rows import MATCH_TASK
from flowengine.svaml import ConnectConf, encode_svaml

log = logging.getLogger(__name__)


class QueueTasks:
    """Handles the tasks of the task loop that are about queues."""

    def __init__(
        self,
        orchestrations: Orchestrations,
        requests: PlatformRequests,
        answer_result: AnswerResult,
        clock: Callable[[], float],
    ) -> None:
        self._orchestrations = orchestrations
        self._requests = requests
        self._answer_result = answer_result
        self._clock = clock
        self._log_once = LogOnce(log)
        self.handlers: dict[str, Callable[[ScheduledTask], Awaitable[float | None]]] = {
            ENTER_TASK: self._enter,
            MATCH_TASK: self._match,
            OFFER_TASK: self._offer,
            CHOSE_TASK: self._note_choice,
            WENT_TASK: self._note_departure,
            ANNOUNCE_TASK: self._announce,
        }

    async def _enter(self, task: ScheduledTask) -> None:
        _, queue = read_task(self._orchestrations.encoding, task, Queue)
        await self._orchestrations.queues.match(task.orchestration, queue)

    async def _match(self, task: ScheduledTask) -> None:
        await self._orchestrations.queues.match(task.orchestration)

    async def _offer(self, task: ScheduledTask) -> None:
        _, offered = read_task(self._orchestrations.encoding, task, CallerOffered)
        await self._orchestrations.take_turn(task.orchestration, offered)

    async def _note_choice(self, task: ScheduledTask) -> None:
        _, chose = read_task(self._orchestrations.encoding, task, CallerChoseExit)
        await self._orchestrations.take_turn(task.orchestration, chose)

    async def _note_departure(self, task: ScheduledTask) -> None:
        _, went = read_task(self._orchestrations.encoding, task, CallerLeftQueue)
        await self._orchestrations.take_turn(task.orchestration, went)

    async def _announce(self, task: ScheduledTask) -> float | None:
        """Bring the caller out of the room to hear how it stands. Once this has begun it goes on
        until it is done, also where a member has come meanwhile: the caller may be out already, and
        comes back by the end of the words.
        """
        owner, wanted = read_task(self._orchestrations.encoding, task, AnnounceWait)
        ring = await self._orchestrations.load_ring(task.orchestration)
        if ring is None or ring.number != wanted.number:
            return None
        if task.tries == 1 and ring.phase not in ("waits", "rings"):
            return None
        svaml = await self._render_announcement(owner, ring, wanted.announcement)
        if svaml is None:
            return None
        outcome = await self._requests.release_caller(owner, ring.id, svaml)
        return await self._note_announcement(task, owner, ring, outcome)

    async def _render_announcement(
        self, owner: CallOwner, ring: Ring, announcement: int
    ) -> bytes | None:
        """What the caller hears; None where they wait no more."""
        facts = await self._orchestrations.queues.read_own_facts(owner.application, ring)
        event = QueueAnnouncement(
            call_id=ring.id,
            application_key=owner.application,
            position=facts.position,
            wait=facts.wait,
        )
        body = b"%d %d announcement" % (ring.number, announcement)
        return await self._answer_result(event, body)

    async def _note_announcement(
        self, task: ScheduledTask, owner: CallOwner, ring: Ring, outcome: RequestOutcome
    ) -> float | None:
        """When to try again, or None where there is nothing more to do."""
        if isinstance(outcome, RequestDone):
            return None
        if isinstance(outcome, RequestRefused) and outcome.is_of_unknown_call:
            return await self._look_after_unknown(task, owner)
        if isinstance(outcome, RequestRefused) and outcome.is_final:
            await self._bring_back(owner, ring, outcome.reason)
            return None
        return compute_retry(task, self._clock())

    async def _look_after_unknown(self, task: ScheduledTask, owner: CallOwner) -> float | None:
        """The platform does not know the caller. They count as gone when it says so twice."""
        if await self._requests.is_call_ongoing(owner, task.orchestration) is False:
            await self._orchestrations.take_turn(task.orchestration, CallerLeft())
            return None
        return compute_retry(task, self._clock())

    async def _bring_back(self, owner: CallOwner, ring: Ring, reason: str) -> None:
        """Put a caller into the room again whom the platform may have taken out."""
        self._log_once.error("callers in queues are not told how it stands: %s", reason)
        back = encode_svaml((), ConnectConf(ring.plan.room, moh=ring.plan.music))
        await self._requests.change_call(owner, ring.id, back)
