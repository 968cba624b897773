"""Carries out the tasks of placements: a timer is a turn, and a request goes to the platform."""

import logging
from collections.abc import Awaitable, Callable

from flowengine.orchestration.placement import TRY_TIMER
from flowengine.orchestration.placement_state import Placement
from flowengine.orchestration.placement_turn import (
    AskingCallEnded,
    CalleeEntered,
    PlacementCancelled,
    PlacementRefused,
)
from flowengine.orchestration.turn import CallerOffered, HangUpLeg, PlaceLeg, TimerDue
from flowengine.problems import to_printable
from flowengine.runtime.cookie import Codec
from flowengine.runtime.delivery_log import is_over
from flowengine.runtime.leg_token import PLACED_TOKEN_PREFIX, LegToken, format_leg_token
from flowengine.runtime.orchestration_encoding import OwnedPlacement
from flowengine.runtime.placements import (
    BEGIN_PART,
    CANCEL_PART,
    ENTERED_PART,
    HANG_UP_PART,
    PLACE_PART,
    TIMER_PART,
    TURN_PART,
    Placements,
    PlacementTask,
)
from flowengine.runtime.platform_requests import (
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.runtime.task_contents import compute_retry, read_task
from flowengine.sinch.address_mask import mask_address
from flowengine.storage.sessions import ScheduledTask, Store

DEFAULT_CALLS_AT_ONCE = 30
CALLER_POLL_SECONDS = 1.0  # until the next look whether the call that has asked is over
BEGIN_POLL_SECONDS, MAX_BEGIN_POLLS = 0.25, 40  # for longer than a lease of the task loop
FULL_RETRY_SECONDS = 0.5  # while as many calls are under way as may be
MAX_PLACED_TRIES = 5  # of one request, within `PLACING_SECONDS` of the conductor
MAX_ENDING_TRIES = 8
INVALID_STATUSES = frozenset({400, 422})
log = logging.getLogger(__name__)


class PlacementTasks:
    """Handles the tasks of placements. Of all servers that share a store, about `calls_at_once` calls
    are under way at once: exact within one worker, and some more where several start one at the same
    moment.
    """

    def __init__(
        self,
        placements: Placements,
        store: Store,
        codec: Codec,
        requests: PlatformRequests,
        calls_at_once: int = DEFAULT_CALLS_AT_ONCE,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._placements = placements
        self._store = store
        self._codec = codec
        self._requests = requests
        self._calls_at_once = calls_at_once
        self._starting = 0
        self._clock = clock or store.clock
        self._handlers: dict[str, Callable[[ScheduledTask], Awaitable[float | None]]] = {
            BEGIN_PART: self._begin,
            TIMER_PART: self._run_timer,
            PLACE_PART: self._place_call,
            HANG_UP_PART: self._hang_up,
            TURN_PART: self._take_turn_in_queue,
            ENTERED_PART: self._note_entered,
            CANCEL_PART: self._cancel,
        }

    async def handle(self, task: ScheduledTask) -> float | None:
        """Carry out a task; returns when to try again, or None when it is done. Raises
        UnreadableTaskError.
        """
        handler = self._handlers.get(task.key.split(":")[1])
        if handler is None:
            log.error("task %s of %s is of a later version", task.key, task.orchestration)
            return None
        return await handler(task)

    async def _begin(self, task: ScheduledTask) -> float | None:
        """Begin, and look until the call that has asked is over, where its end is waited for."""
        owner, content = read_task(self._placements.encoding, task, PlacementTask)
        begin = OwnedPlacement(Placement(id=task.orchestration), owner, content.caller)
        _, owned = await self._placements.take_turn(task.orchestration, content.began, begin)
        is_own = owned is not None and owned.caller == content.caller
        if owned is None or not (is_own and owned.placement.is_caller_on_line):
            return None
        call = await self._store.load(content.caller)
        if call is None or not is_over(call):
            return self._clock() + CALLER_POLL_SECONDS
        await self._placements.take_turn(task.orchestration, AskingCallEnded())
        return None

    async def _run_timer(self, task: ScheduledTask) -> float | None:
        key = task.key.split(":")[2]
        if key != TRY_TIMER:
            await self._placements.take_turn(task.orchestration, TimerDue(key))
            return None
        return await self._start_call(task.orchestration, TimerDue(key))

    async def _take_turn_in_queue(self, task: ScheduledTask) -> float | None:
        _, offered = read_task(self._placements.encoding, task, CallerOffered)
        if task.tries < MAX_BEGIN_POLLS and await self._placements.load(task.orchestration) is None:
            return self._clock() + BEGIN_POLL_SECONDS  # the task that begins it was left by another
        return await self._start_call(task.orchestration, offered)

    async def _note_entered(self, task: ScheduledTask) -> None:
        await self._placements.take_turn(task.orchestration, CalleeEntered())

    async def _cancel(self, task: ScheduledTask) -> float | None:
        """Cancel it for an operator, whose name is the payload."""
        operator = to_printable(task.payload.decode(errors="replace"))
        event = PlacementCancelled(operator)
        _, owned = await self._placements.take_turn(task.orchestration, event)
        if owned is None:
            return None
        placement = owned.placement
        if placement.phase == "new" and task.tries < MAX_BEGIN_POLLS:
            return self._clock() + BEGIN_POLL_SECONDS  # the task that begins it was left by another
        if placement.is_running:
            log.warning("%s calls just now: no other try follows, says %s", placement.id, operator)
        elif placement.outcome == "cancelled":
            log.info("%s was cancelled by %s", placement.id, operator)
        return None

    async def _start_call(self, placement_id: str, event: TimerDue | CallerOffered) -> float | None:
        """Call somebody, unless as many calls are under way as may be: then returns when to look
        again.
        """
        self._starting += 1  # what others of this worker start meanwhile is not counted yet
        try:
            running = await self._placements.count_running()
            if running + self._starting > self._calls_at_once:
                return self._clock() + FULL_RETRY_SECONDS
            await self._placements.take_turn(placement_id, event)
        finally:
            self._starting -= 1
        return None

    async def _place_call(self, task: ScheduledTask) -> float | None:
        owner, placed = read_task(self._placements.encoding, task, PlaceLeg)
        token = LegToken(task.orchestration, placed.attempt)
        custom = format_leg_token(self._codec, token, PLACED_TOKEN_PREFIX)
        outcome = await self._requests.place_leg(owner, placed.member, placed.cli, custom)
        if isinstance(outcome, RequestDone):
            return None  # the question of the platform counts, and not the answer to the request
        if not isinstance(outcome, RequestRefused) and task.tries < MAX_PLACED_TRIES:
            return compute_retry(task, self._clock())
        log.warning(
            "%s to %s was not placed: %s",
            task.orchestration,
            mask_address(placed.member.address),
            outcome.reason,
        )
        event = PlacementRefused(placed.attempt, outcome.reason, is_of_invalid_number(outcome))
        await self._placements.take_turn(task.orchestration, event)
        return None

    async def _hang_up(self, task: ScheduledTask) -> float | None:
        owner, leg = read_task(self._placements.encoding, task, HangUpLeg)
        outcome = await self._requests.hang_up_call(owner, leg.call_id)
        if isinstance(outcome, RequestDone):
            return None
        if isinstance(outcome, RequestRefused) and outcome.is_of_unknown_call:
            return None
        if task.tries < MAX_ENDING_TRIES:
            return compute_retry(task, self._clock())
        log.error("a call of %s goes on: %s", task.orchestration, outcome.reason)
        return None


def is_of_invalid_number(outcome: RequestOutcome) -> bool:
    """Whether the platform has refused the request for what is in it: nothing but the number differs
    from one to the next.
    """
    return isinstance(outcome, RequestRefused) and outcome.status in INVALID_STATUSES
