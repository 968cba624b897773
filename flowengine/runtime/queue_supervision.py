"""What a supervisor does with the callers of a queue."""

from collections.abc import Mapping
from typing import NamedTuple

from flowengine.orchestration.matching import parse_queue_group
from flowengine.orchestration.queue_turn import DISMISS_TIMER_PREFIX
from flowengine.runtime.orchestrations import TIMER_TASK
from flowengine.runtime.placements import (
    CANCEL_TASK,
    OVER_PLACEMENT_KIND,
    RUNNING_KIND,
    WAITING_KIND,
)
from flowengine.runtime.queue_overview import CANCELLED_OUTCOME, QueueChangeRefusedError
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.storage.sessions import OrchestrationStore, SavedOrchestration, ScheduledTask
from flowengine.storage.sessions.orchestration_rows import (
    QUEUE_KIND,
    OrchestrationChange,
    QueueEntry,
    SavedAgent,
)


class WaitingCaller(NamedTuple):
    """A caller in a queue, who is at this place of it, from 1. `is_offered` says that a member is
    being rung for them. One who `is_call_back` is not on the line, and `call` is a placement: where it
    `is_offered`, it calls them, and a member is kept. Between two tries, and outside of their
    hours, they have no place, which is 0, and `is_later`.
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
    is_later: bool = False


async def list_waiting_callers(
    store: OrchestrationStore, now: float, group: str = ""
) -> list[WaitingCaller]:
    """The callers who wait in queues, of this group or of all, by group and place, and after them those
    whose call-back comes later. Raises StoreError.
    """
    found: list[WaitingCaller] = []
    queues: dict[str, str] = {}
    for row in await store.list_orchestrations(QUEUE_KIND):
        name = parse_queue_group(row.id)
        if group in ("", name):
            queues[row.id] = name
    for queue, name in queues.items():
        entries = [entry for entry in await store.list_entries(queue, now) if not entry.outcome]
        for place, entry in enumerate(sorted(entries, key=sort_entry), 1):
            found.append(_describe_entry(name, entry, place))
    known = {caller.call for caller in found}
    called = {entry.call: entry for entry in await store.list_called_entries(WAITING_KIND)}
    found += [
        _describe_entry(queues[entry.queue], entry, 0)
        for entry in sorted(called.values(), key=sort_entry)
        if entry.queue in queues and entry.call not in known
    ]
    return sorted(found, key=lambda caller: (caller.group, caller.is_later, caller.place))


def sort_entry(entry: QueueEntry) -> tuple[int, float, str]:
    return -entry.priority, entry.entered_at, entry.call


def _describe_entry(group: str, entry: QueueEntry, place: int) -> WaitingCaller:
    return WaitingCaller(
        group, entry.queue, entry.call, entry.number, place, entry.priority, entry.entered_at,
        bool(entry.offered), entry.call.startswith(PLACEMENT_ID_PREFIX), is_later=not place,
    )  # fmt: skip


async def take_out_caller(
    store: OrchestrationStore, caller: WaitingCaller, operator: str, now: float
) -> str:
    """Take a caller out of the queue, as this operator asks; says what has come of it. One on the
    line goes on in the flow as after the longest wait. A call-back is cancelled; while it calls
    that try goes on, and is the last one. A worker of the server does it within a second or two.
    Raises StoreError, and QueueChangeRefusedError where the caller does not wait any more.
    """

    def decide(
        saved: SavedOrchestration | None, _agents: Mapping[str, SavedAgent]
    ) -> tuple[OrchestrationChange | None, str]:
        if saved is None:
            return None, ""
        build_change = _cancel_call_back if caller.is_call_back else _dismiss_caller
        change, done = build_change(saved, caller, operator, now)
        return change._replace(saved=saved._replace(version=saved.version + 1)), done

    done = await store.take_turn(caller.call, lambda _saved: (), decide)
    if not done:
        raise QueueChangeRefusedError(f"{caller.call} does not wait in {caller.group} any more")
    return done


def _dismiss_caller(
    saved: SavedOrchestration, caller: WaitingCaller, _operator: str, now: float
) -> tuple[OrchestrationChange, str]:
    key = f"{TIMER_TASK}:{DISMISS_TIMER_PREFIX}{caller.number}"
    change = OrchestrationChange(saved.id, saved, (ScheduledTask(saved.id, key, now, b""),))
    return change, f"{caller.call} leaves the queue of {caller.group}"


def _cancel_call_back(
    saved: SavedOrchestration, caller: WaitingCaller, operator: str, now: float
) -> tuple[OrchestrationChange, str]:
    """Have a worker cancel it, which can read it. Its entry ends at once, so that no member is kept for
    it any more.
    """
    task = ScheduledTask(saved.id, CANCEL_TASK, now, operator.encode())
    change = OrchestrationChange(saved.id, saved, (task,))
    if saved.kind == RUNNING_KIND:
        return change, (
            f"{caller.call} is called just now: if the phone rings already, this try goes on; "
            "no other one follows"
        )
    ended = QueueEntry(
        caller.queue, caller.call, caller.number, caller.priority, caller.since, "",
        CANCELLED_OUTCOME, now,
    )  # fmt: skip
    is_over = saved.kind == OVER_PLACEMENT_KIND
    done = "" if is_over else f"{caller.call} is cancelled: nobody is called back"
    return change._replace(entries=(ended,)), done
