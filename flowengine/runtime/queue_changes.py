"""What the turn of a caller writes for the queue that they wait in."""

from collections.abc import Iterator
from typing import NamedTuple

from flowengine.orchestration.conductor import Turn
from flowengine.orchestration.matching import Queue, format_queue_id
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import EndWait, EnterQueue, StayInQueue
from flowengine.runtime.orchestration_encoding import OrchestrationEncoding
from flowengine.runtime.placements import ENTERED_TASK
from flowengine.runtime.platform_requests import CallOwner
from flowengine.storage.sessions import ScheduledTask
from flowengine.storage.sessions.orchestration_rows import QueueEntry

ENTER_TASK = "enter"


class QueueWrites(NamedTuple):
    """`entries` of the caller, `tasks` of the queue, and when queues are to look for callers again,
    as a member is free, or a caller; None where nobody is.
    """

    entries: tuple[QueueEntry, ...]
    tasks: tuple[ScheduledTask, ...]
    wakes_queues: float | None


def build_queue_writes(
    turn: Turn, ring: Ring, owner: CallOwner, now: float, encoding: OrchestrationEncoding
) -> QueueWrites:
    """What to write for the queues of a caller after a turn, which left this ring."""
    entries = tuple(list_entry_changes(turn, ring, owner, now))
    tasks: tuple[ScheduledTask, ...] = ()
    if any(type(effect) is EnterQueue for effect in turn.effects):
        queue_id, plan = format_queue_id(owner.application, ring.plan.group), ring.plan
        queue = Queue(plan.group, plan.members, plan.order)
        payload = encoding.encode_task(queue_id, owner, queue)
        tasks = (ScheduledTask(queue_id, ENTER_TASK, now, payload),)
        if plan.queue is not None and plan.queue.placement:  # it has kept a member for them
            tasks += (ScheduledTask(plan.queue.placement, ENTERED_TASK, now, b""),)
    is_member_free = any(not facts.occupied_by for facts in turn.agents)
    is_caller_free = any(type(effect) is StayInQueue for effect in turn.effects)
    return QueueWrites(entries, tasks, now if is_member_free or is_caller_free else None)


def list_entry_changes(
    turn: Turn, ring: Ring, owner: CallOwner, now: float
) -> Iterator[QueueEntry]:
    """The entries of the caller that change, in their order."""
    for effect in turn.effects:
        if type(effect) is EndWait:
            queue = format_queue_id(owner.application, effect.group)
            yield QueueEntry(queue, ring.id, effect.number, 0, now, "", effect.outcome, now)
        elif isinstance(effect, EnterQueue | StayInQueue) and ring.plan.queue is not None:
            queue = format_queue_id(owner.application, ring.plan.group)
            priority = ring.plan.queue.priority
            yield QueueEntry(queue, ring.id, ring.number, priority, ring.queued_since)
