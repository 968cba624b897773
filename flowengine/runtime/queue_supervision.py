"""What a supervisor does with the callers of a queue."""

from collections.abc import Mapping
from typing import NamedTuple

from flowengine.orchestration.matching import parse_queue_group
from flowengine.orchestration.queue_turn import DISMISS_TIMER_PREFIX
from flowengine.runtime.orchestrations import TIMER_TASK
from flowengine.runtime.queue_overview import QueueChangeRefusedError
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.storage.sessions import OrchestrationStore, SavedOrchestration, ScheduledTask
from flowengine.storage.sessions.orchestration_rows import (
    QUEUE_KIND,
    OrchestrationChange,
    QueueEntry,
    SavedAgent,
)

MAX_LISTED_CALLERS = 200


class WaitingCaller(NamedTuple):
    """A caller in a queue, who is at this place of it, from 1. `is_offered` says that a member is
    being rung for them; one who `is_call_back` is not on the line, and `call` is a placement.
    """

    group: str
    queue: str
    call: str
    number: int
    place: int
    priority: int
    since: float
    is_offered: bool
    is_call_back: bool


async def list_waiting_callers(
    store: OrchestrationStore, now: float, group: str = ""
) -> list[WaitingCaller]:
    """The callers who wait in queues, of this group or of all, by group and place. Raises StoreError."""
    found: list[WaitingCaller] = []
    for row in await store.list_orchestrations(QUEUE_KIND):
        if group and parse_queue_group(row.id) != group:
            continue
        entries = [entry for entry in await store.list_entries(row.id, now) if not entry.outcome]
        for place, entry in enumerate(sorted(entries, key=sort_entry), 1):
            found.append(
                WaitingCaller(
                    parse_queue_group(row.id), row.id, entry.call, entry.number, place,
                    entry.priority, entry.entered_at, bool(entry.offered),
                    entry.call.startswith(PLACEMENT_ID_PREFIX),
                )
            )  # fmt: skip
    return sorted(found, key=lambda caller: (caller.group, caller.place))[:MAX_LISTED_CALLERS]


def sort_entry(entry: QueueEntry) -> tuple[int, float, str]:
    return -entry.priority, entry.entered_at, entry.call


async def dismiss_caller(store: OrchestrationStore, call: str, number: int, now: float) -> bool:
    """Let a caller leave the queue in this wait, as after the longest one: they go on in the flow.
    False where they do not wait any more. A worker of the server does it within a second or two.
    Raises StoreError, and QueueChangeRefusedError where they are to be called back.
    """
    if call.startswith(PLACEMENT_ID_PREFIX):
        raise QueueChangeRefusedError(
            "this caller has left the line, to be called back: there is no call to go on"
        )

    def decide(
        saved: SavedOrchestration | None, _agents: Mapping[str, SavedAgent]
    ) -> tuple[OrchestrationChange | None, bool]:
        if saved is None:
            return None, False
        key = f"{TIMER_TASK}:{DISMISS_TIMER_PREFIX}{number}"
        task = ScheduledTask(call, key, now, b"")
        return OrchestrationChange(call, saved._replace(version=saved.version + 1), (task,)), True

    return await store.take_turn(call, lambda _saved: (), decide)
