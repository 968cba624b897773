"""The step of a call with the tasks that follow from it, in one statement: most steps of callers who
ring or wait in a queue add a task to the orchestration of their call, and nothing else.
"""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from flowengine.sinch.call_id import encode_call_id
from flowengine.storage.sessions.orchestration_rows import OrchestrationChange

# Its parts do not see what the others write; each but the first depends on what the first has saved.
# What is stored of the orchestration stays, so nothing waits for a turn that has locked it.
_ADD_TASKS: LiteralString = (
    "begun AS (INSERT INTO flowengine.orchestrations (id, kind, release, version, state, expires) "
    "SELECT %b::bytea, %b::text, %b::text, 0, %b::bytea, %b::float8 FROM step "
    "ON CONFLICT DO NOTHING), "
    "scheduled AS (INSERT INTO flowengine.tasks (orchestration, key, due, payload, tries, claim) "
    "SELECT task.*, 0, 0 FROM step, unnest(%b::bytea[], %b::text[], %b::float8[], %b::bytea[]) AS task "
    "ON CONFLICT (orchestration, key) DO UPDATE SET due = excluded.due, "
    "payload = excluded.payload, tries = excluded.tries, claim = 0) "
    "SELECT TRUE FROM step"
)


def is_addition(changes: Sequence[OrchestrationChange]) -> bool:
    """Whether this is one change that adds tasks to an orchestration, and begins it where there is
    none.
    """
    if len(changes) != 1:
        return False
    (change,) = changes
    is_beginning = change.saved is not None and change.saved.version == 0
    has_tasks = bool(change.scheduled) and not any(task.tries for task in change.scheduled)
    return is_beginning and has_tasks and change == change._replace(
        cancelled=(), agents=(), entries=(), new_entries=(), agent_statuses=(), wakes_queues=None
    )  # fmt: skip


def build_step_with_tasks(
    save: LiteralString, row: Sequence[Any], change: OrchestrationChange
) -> tuple[LiteralString, tuple[Any, ...]]:
    """The statement that saves a step by `save`, with the values of `row`, and adds the tasks of an
    addition; and its values. It returns a row where the step was saved.
    """
    return f"WITH step AS ({save}), {_ADD_TASKS}", (*row, *_list_values(change))


def _list_values(change: OrchestrationChange) -> Iterator[Any]:
    if change.saved is not None:
        _, kind, release, _, state, expires = change.saved
        yield from (encode_call_id(change.id), kind, release, state, expires)
    tasks = {(task.orchestration, task.key): task for task in change.scheduled}.values()
    rows = sorted(
        (encode_call_id(one.orchestration), one.key, one.due, one.payload) for one in tasks
    )
    yield from (list(column) for column in zip(*rows, strict=True))
