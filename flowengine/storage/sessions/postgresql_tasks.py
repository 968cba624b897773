"""Claims of tasks and their ends on a PostgreSQL server. What is asked for while a statement is under
way goes together in the next one: each statement costs the driver more than what it does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, NamedTuple

from flowengine.sinch.call_id import decode_call_id, encode_call_id
from flowengine.storage.sessions.orchestration_rows import ScheduledTask

Rows = list[tuple[Any, ...]]
RunStatement = Callable[..., Awaitable[Rows]]
_CLAIM_TASKS: LiteralString = (
    "UPDATE flowengine.tasks SET tries = tries + 1, due = %b, "
    "claim = (random() * 9007199254740992)::bigint WHERE (orchestration, key) IN "
    "(SELECT orchestration, key FROM flowengine.tasks WHERE due <= %b ORDER BY due LIMIT %b "
    "FOR UPDATE SKIP LOCKED) RETURNING orchestration, key, due, payload, tries, claim"
)
# In the order of their rows, so that no two statements wait for each other in a ring.
_SETTLE_TASKS: LiteralString = (
    "WITH done AS (SELECT tasks.orchestration, tasks.key FROM flowengine.tasks JOIN "
    "unnest(%b::bytea[], %b::text[], %b::bigint[]) AS settled (orchestration, key, claim) "
    "USING (orchestration, key, claim) ORDER BY 1, 2 FOR UPDATE OF tasks) "
    "DELETE FROM flowengine.tasks USING done "
    "WHERE tasks.orchestration = done.orchestration AND tasks.key = done.key"
)


class _Claim(NamedTuple):
    """Somebody wants a task that is due `now`, for so long."""

    now: float
    lease: float
    answer: asyncio.Future[ScheduledTask | None]


class _Settlement(NamedTuple):
    """A task is done."""

    row: tuple[bytes, str, int]
    answer: asyncio.Future[None]


class TaskBatches:
    """Claims and settles tasks by statements that `run_statement` runs, one of each at a time."""

    def __init__(self, run_statement: RunStatement) -> None:
        self._run_statement = run_statement
        self._claims: list[_Claim] = []
        self._settlements: list[_Settlement] = []
        self._claiming: asyncio.Task[None] | None = None
        self._settling: asyncio.Task[None] | None = None

    async def claim(self, now: float, lease: float) -> ScheduledTask | None:
        """Claim a task; see `OrchestrationStore.claim_task`."""
        loop = asyncio.get_running_loop()
        wanted = _Claim(now, lease, loop.create_future())
        self._claims.append(wanted)
        if self._claiming is None:
            self._claiming = loop.create_task(self._run_claims())
        return await wanted.answer

    async def settle(self, task: ScheduledTask) -> None:
        """Delete a task that is done, unless it was claimed again or replaced since."""
        loop = asyncio.get_running_loop()
        row = encode_call_id(task.orchestration), task.key, task.claim
        done = _Settlement(row, loop.create_future())
        self._settlements.append(done)
        if self._settling is None:
            self._settling = loop.create_task(self._run_settlements())
        await done.answer

    async def _run_claims(self) -> None:
        while self._claims:
            now, lease = self._claims[0][:2]
            alike = [one for one in self._claims if one[:2] == (now, lease)]
            self._claims = [one for one in self._claims if one[:2] != (now, lease)]
            try:
                rows = await self._run_statement(_CLAIM_TASKS, now + lease, now, len(alike))
            except Exception as error:  # noqa: BLE001 - each of them has to know
                _fail([one.answer for one in alike], error)
                continue
            tasks = [ScheduledTask(decode_call_id(row[0]), *row[1:]) for row in rows]
            for wanted, task in zip(alike, [*tasks, *[None] * len(alike)], strict=False):
                if not wanted.answer.done():  # else it is claimed again when its lease runs out
                    wanted.answer.set_result(task)
        self._claiming = None

    async def _run_settlements(self) -> None:
        while self._settlements:
            batch, self._settlements = self._settlements, []
            columns = zip(*(one.row for one in batch), strict=True)
            try:
                await self._run_statement(_SETTLE_TASKS, *map(list, columns))
            except Exception as error:  # noqa: BLE001 - each of them has to know
                _fail([one.answer for one in batch], error)
                continue
            for done in batch:
                if not done.answer.done():
                    done.answer.set_result(None)
        self._settling = None


def _fail(answers: list[asyncio.Future[Any]], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
