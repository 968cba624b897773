"""Carries out the tasks of conferences: what a flow has saved is a turn; a request goes to the
platform, and its result is a turn.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from flowengine.orchestration.room_turn import (
    ChangeMember,
    FindMember,
    MemberChanged,
    MemberFound,
    MemberJoined,
    MemberLeft,
    MemberPressed,
    RemoveMember,
    RoomCommanded,
    RoomEvent,
)
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.platform_requests import (
    PlatformRequests,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.runtime.rooms import (
    CHANGE_TASK,
    COMMAND_TASK,
    FIND_TASK,
    JOIN_TASK,
    LEAVE_TASK,
    PRESS_TASK,
    REMOVE_TASK,
)
from flowengine.runtime.task_contents import read_task
from flowengine.storage.sessions import ScheduledTask

# The platform has a member among the participants when it has said the words of its flow.
PAUSES_BY_TRIES = ((80, 0.25), (180, 1.0))
SLOW_PAUSE_SECONDS = 20.0  # for as long as the member's call lasts
EVENTS_BY_TASK: dict[str, type[RoomEvent]] = {
    JOIN_TASK: MemberJoined,
    LEAVE_TASK: MemberLeft,
    PRESS_TASK: MemberPressed,
    COMMAND_TASK: RoomCommanded,
}
TaskHandler = Callable[[ScheduledTask], Awaitable[float | None]]
log = logging.getLogger(__name__)


class RoomTasks:
    """The handlers of the tasks of conferences, by the beginning of their keys."""

    def __init__(
        self,
        orchestrations: Orchestrations,
        requests: PlatformRequests,
        clock: Callable[[], float],
    ) -> None:
        self._orchestrations = orchestrations
        self._rooms = orchestrations.rooms
        self._requests = requests
        self._clock = clock

        self.handlers: dict[str, TaskHandler] = {
            **{name: partial(self._take_turn, kind) for name, kind in EVENTS_BY_TASK.items()},
            CHANGE_TASK: self._change_member,
            FIND_TASK: self._find_member,
            REMOVE_TASK: self._remove_member,
        }

    async def _take_turn(self, kind: type[RoomEvent], task: ScheduledTask) -> None:
        _, event = read_task(self._orchestrations.encoding, task, kind)
        is_for_anybody = await self._rooms.take_turn(task.orchestration, event)
        if isinstance(event, RoomCommanded) and not is_for_anybody:
            log.warning("conference: {do: %s} has changed nobody: nobody is meant", event.do)

    async def _change_member(self, task: ScheduledTask) -> float | None:
        owner, change = read_task(self._orchestrations.encoding, task, ChangeMember)
        outcome = await self._requests.change_participant(
            owner, change.room, change.call_id, change.command, change.music
        )
        event = MemberChanged(change.call_id, change.command)
        return await self._note_outcome(task, outcome, event)

    async def _find_member(self, task: ScheduledTask) -> float | None:
        owner, wanted = read_task(self._orchestrations.encoding, task, FindMember)
        outcome = await self._requests.find_participant(owner, wanted.room, wanted.call_id)
        return await self._note_outcome(task, outcome, MemberFound(wanted.call_id))

    async def _remove_member(self, task: ScheduledTask) -> float | None:
        owner, removed = read_task(self._orchestrations.encoding, task, RemoveMember)
        outcome = await self._requests.remove_participant(owner, removed.room, removed.call_id)
        return await self._note_outcome(task, outcome, None)

    async def _note_outcome(
        self, task: ScheduledTask, outcome: RequestOutcome, event: RoomEvent | None
    ) -> float | None:
        """Note what the platform has done, or return when to try again. The tries end with the call
        of the member.
        """
        if isinstance(outcome, RequestDone):
            if event is not None:
                await self._rooms.take_turn(task.orchestration, event)
            return None
        if isinstance(outcome, RequestRefused) and outcome.is_final:
            what, call_id = task.key.partition(":")[::2]
            log.error("%s of call %s was refused: %s", what, call_id, outcome.reason)
            return None
        for tries, pause in PAUSES_BY_TRIES:
            if task.tries < tries:
                return self._clock() + pause
        return self._clock() + SLOW_PAUSE_SECONDS
