"""Takes the turns of conferences that have a moderator or keys: loads the state, lets `conduct_room`
decide, and saves what follows, in one transaction. The tasks that follow are the requests to send.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.room_conductor import conduct_room
from flowengine.orchestration.room_state import ModeratedConference
from flowengine.orchestration.room_turn import (
    ChangeMember,
    FindMember,
    ForgetMember,
    MemberJoined,
    MemberLeft,
    MemberPressed,
    RemoveMember,
    RoomCommanded,
    RoomEffect,
    RoomEvent,
    RoomRequest,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestration_encoding import (
    OrchestrationEncoding,
    format_orchestration_id,
)
from flowengine.runtime.platform_requests import CallOwner
from flowengine.states.room_plan import CommandRoom, EnterRoom, PressInRoom, RoomUpdate
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
)
from flowengine.storage.sessions.orchestration_rows import build_addition, build_change

ROOM_KIND, EMPTY_ROOM_KIND = "room", "room that is empty"
JOIN_TASK, LEAVE_TASK, PRESS_TASK, COMMAND_TASK = (
    "room_join",
    "room_leave",
    "room_press",
    "room_command",
)
FIND_TASK, CHANGE_TASK, REMOVE_TASK = "room_find", "room_change", "room_remove"


def name_room(application: str, name: str) -> str:
    """The id of a conference."""
    return format_orchestration_id("room", application, name)


class _WaitingEvent(msgspec.Struct):
    """An event; `is_for_anybody` is known when it was handled."""

    event: RoomEvent
    is_for_anybody: bool | None = None


class _WaitingEvents(msgspec.Struct):
    """What has happened in one conference while its last turn is taken."""

    lock: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    events: list[_WaitingEvent] = msgspec.field(default_factory=list)


class ModeratedConferences:
    """The turns of all conferences. Any worker may take any turn."""

    def __init__(
        self,
        store: OrchestrationStore,
        encoding: OrchestrationEncoding,
        log_once: LogOnce,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.store = store
        self.encoding = encoding
        self._log_once = log_once
        self._clock = clock or store.clock
        self._waiting: dict[str, _WaitingEvents] = {}

    def build_updates(
        self, call_id: str, owner: CallOwner, step: int, updates: Iterable[RoomUpdate]
    ) -> tuple[OrchestrationChange, ...]:
        """What is saved with the step of a call that updates something of conferences. `step` is the
        number of the step, so that no update is handled twice.
        """
        return tuple(
            self._build_update(call_id, owner, f"{call_id}:{step}:{place}", update)
            for place, update in enumerate(updates)
        )

    def build_leaving(self, call_id: str, application: str, room: str) -> OrchestrationChange:
        """What is saved with the end of a call in a conference."""
        left = MemberLeft(call_id)
        owner = CallOwner(application, "")
        return self._build_task(owner, room, f"{LEAVE_TASK}:{call_id}", left)

    def _build_update(
        self, call_id: str, owner: CallOwner, number: str, update: RoomUpdate
    ) -> OrchestrationChange:
        event: RoomEvent
        match update:
            case EnterRoom(plan):
                event = MemberJoined(call_id, owner.application, owner.call_url, plan)
                return self._build_task(owner, plan.room, f"{JOIN_TASK}:{call_id}", event)
            case PressInRoom(room, key):
                event = MemberPressed(number, call_id, key)
                return self._build_task(owner, room, f"{PRESS_TASK}:{number}", event)
            case CommandRoom(room, do, who):
                event = RoomCommanded(number, do, who)
                return self._build_task(owner, room, f"{COMMAND_TASK}:{number}", event)

    def _build_task(
        self, owner: CallOwner, room: str, key: str, event: RoomEvent
    ) -> OrchestrationChange:
        """A task for a conference, which begins with it where there is none."""
        now, name = self._clock(), name_room(owner.application, room)
        task = ScheduledTask(name, key, now, self.encoding.encode_task(name, owner, event))
        return build_addition(task, ROOM_KIND, now + CALL_KEPT_SECONDS)

    async def take_turn(self, room_id: str, event: RoomEvent) -> bool:
        """Take a turn of a conference; whether the event is for anybody. Events that come while this
        worker takes one are taken together after it: when the moderator of many comes, the results
        of as many requests come at once.
        """
        waiting = self._waiting.setdefault(room_id, _WaitingEvents())
        mine = _WaitingEvent(event)
        waiting.events.append(mine)
        try:
            async with waiting.lock:
                if mine.is_for_anybody is None:
                    await self._take_waiting(room_id, waiting)
        finally:
            waiting.events = [one for one in waiting.events if one is not mine]
            if not waiting.events:
                self._waiting.pop(room_id, None)
        return mine.is_for_anybody is not False

    async def _take_waiting(self, room_id: str, waiting: "_WaitingEvents") -> None:
        """Handle all events that wait. Where it fails they go on waiting, for who waits next."""
        taken, waiting.events = waiting.events, []
        try:
            results = await self._take_turns(room_id, [one.event for one in taken])
        except BaseException:
            waiting.events[:0] = taken
            raise
        for one, is_for_anybody in zip(taken, results, strict=True):
            one.is_for_anybody = is_for_anybody

    async def _take_turns(self, room_id: str, events: list[RoomEvent]) -> list[bool]:
        now = self._clock()

        def decide(
            saved: SavedOrchestration | None, _agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange | None, list[bool]]:
            before = self.open(saved) if saved else None
            if saved is None or before is None:
                return None, [False] * len(events)
            room, effects, results = before, list[RoomEffect](), list[bool]()
            for event in events:
                turn = conduct_room(room, event)
                room = turn.room
                effects += turn.effects
                results.append(turn.is_for_anybody)
            is_changed = bool(effects) or room != before
            return self._build_change(saved, room, effects, now) if is_changed else None, results

        return await self.store.take_turn(room_id, lambda _saved: (), decide)

    def open(self, saved: SavedOrchestration) -> ModeratedConference | None:
        """The conference; a new one where no turn was taken yet. None where it cannot be read."""
        room = self.encoding.decode_room(saved)
        if room is None:
            self._log_once.error(
                "conferences cannot be read: %s", "another key or version wrote them"
            )
        return room

    def _build_change(
        self,
        saved: SavedOrchestration,
        room: ModeratedConference,
        effects: Iterable[RoomEffect],
        now: float,
    ) -> OrchestrationChange:
        tasks = self._build_tasks(room, effects, now)
        after = saved._replace(
            kind=ROOM_KIND if room.members else EMPTY_ROOM_KIND,
            version=saved.version + 1,
            state=self.encoding.encode_room(room),
            expires=now + CALL_KEPT_SECONDS,
        )
        return build_change(after, tasks)

    def _build_tasks(
        self, room: ModeratedConference, effects: Iterable[RoomEffect], now: float
    ) -> dict[str, ScheduledTask | None]:
        """The tasks by key, and None where one is cancelled. Of two with a key the last counts."""
        tasks: dict[str, ScheduledTask | None] = {}
        for effect in effects:
            if isinstance(effect, ForgetMember):
                tasks |= dict.fromkeys(list_request_keys(effect.call_id))
                continue
            key = name_room_request(effect)
            owner = CallOwner(room.application, effect.call_url)
            payload = self.encoding.encode_task(room.id, owner, effect)
            tasks[key] = ScheduledTask(room.id, key, now, payload)
        return tasks


def name_room_request(effect: RoomRequest) -> str:
    """The key of the task that sends this request."""
    match effect:
        case ChangeMember(call_id=call_id):
            return f"{CHANGE_TASK}:{effect.subject}:{call_id}"
        case FindMember(call_id=call_id):
            return f"{FIND_TASK}:{call_id}"
        case RemoveMember(call_id=call_id):
            return f"{REMOVE_TASK}:{call_id}"


def list_request_keys(call_id: str) -> tuple[str, ...]:
    """The keys of all tasks that send requests about a member."""
    return (
        f"{CHANGE_TASK}:hold:{call_id}",
        f"{CHANGE_TASK}:mute:{call_id}",
        f"{FIND_TASK}:{call_id}",
        f"{REMOVE_TASK}:{call_id}",
    )
