"""The task loop of a worker: it runs the timers of orchestrations, and their requests to the
platform, when they are due.

The worker that schedules a task wakes exactly when it is due. All workers look now and then for the
tasks that a dead one has left, so that each runs at least once, and once at a time while its worker
lives.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush

from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sessions import OrchestrationStore, ScheduledTask, StoreError

TASK_LEASE_SECONDS = 3.0
HANDLER_SECONDS = 2.5  # a task that takes longer begins again, before its lease runs out
MAX_CONCURRENT_TASKS = 64  # of one worker; a slow platform holds up those alone that wait for it
BUSY_TASK_POLL_SECONDS = 0.25  # while there are tasks, which others may have left
IDLE_TASK_POLL_SECONDS = 1.0
# A task of another worker is late by this before it counts as left: all workers would reach for it.
NEIGHBOUR_SECONDS = 0.1
RETRY_SECONDS = 0.5  # after an error of ours, doubled each time
MAX_RETRY_SECONDS = 30.0
STOP_SECONDS = 1.0

HandleTask = Callable[[ScheduledTask], Awaitable[float | None]]
"""Runs a task, and returns when it is due again, or None where it is done."""

log = logging.getLogger(__name__)
TASKS_WAIT = "tasks of orchestrations wait for the store: %s"
TASKS_NOT_SETTLED = "tasks of orchestrations run again: %s"


class TaskLoop:
    """Claims tasks that are due, runs each by `handle` in a task of its own, and settles it."""

    def __init__(
        self,
        store: OrchestrationStore,
        handle: HandleTask,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._handle = handle
        self._clock = clock or store.clock
        self._log_once = LogOnce(log)
        self._own_dues: list[float] = []
        self._wake = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        store.watch_schedule(self._note_due)

    async def run(self) -> None:
        """Run tasks until this is cancelled."""
        while True:
            self._wake.clear()
            try:
                pause = await self._start_due_tasks(self._pop_own_due())
                self._log_once.end_all(
                    (TASKS_WAIT, TASKS_NOT_SETTLED), "the store has tasks of orchestrations again"
                )
            except StoreError as error:
                self._log_once.error(TASKS_WAIT, error)
                pause = IDLE_TASK_POLL_SECONDS
            await self._sleep(pause)

    async def stop(self) -> None:
        """Give the tasks that run a moment to end, after the end of `run`. Others take the rest."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=STOP_SECONDS)
        for attempt in self._attempts:
            attempt.cancel()

    def _note_due(self, due: float) -> None:
        heappush(self._own_dues, due)
        if self._own_dues[0] == due:
            self._wake.set()

    def _pop_own_due(self) -> float | None:
        """When a task of this worker was due; None where it has none that is."""
        now, due = self._clock(), None
        while self._own_dues and self._own_dues[0] <= now:
            due = heappop(self._own_dues)
        return due

    async def _start_due_tasks(self, own_due: float | None) -> float:
        """Start the tasks that are due; return how long to wait for more. Each time that there are
        more it claims twice as many at once.
        """
        patience = NEIGHBOUR_SECONDS if own_due is None else 0.0
        due = await self._store.find_next_due() if own_due is None else own_due
        batch = 1
        while due is not None:
            free = MAX_CONCURRENT_TASKS - len(self._attempts)
            if due > self._clock() - patience or not free:
                return BUSY_TASK_POLL_SECONDS
            if not await self._start_tasks(min(batch, free)):  # another worker was first
                return NEIGHBOUR_SECONDS
            batch *= 2
            due = await self._store.find_next_due()
        return IDLE_TASK_POLL_SECONDS

    async def _start_tasks(self, count: int) -> bool:
        """Claim so many tasks, and start them; whether there was one."""
        now = self._clock()
        claims = (self._store.claim_task(now, TASK_LEASE_SECONDS) for _ in range(count))
        claimed = [task for task in await asyncio.gather(*claims) if task is not None]
        for task in claimed:
            attempt = asyncio.create_task(self._run_task(task))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._end_attempt)
        return bool(claimed)

    def _end_attempt(self, attempt: asyncio.Task[None]) -> None:
        if len(self._attempts) == MAX_CONCURRENT_TASKS:  # tasks may wait for its place
            self._note_due(self._clock())
        self._attempts.discard(attempt)

    async def _run_task(self, task: ScheduledTask) -> None:
        due = await self._try_task(task)
        try:
            await self._store.settle_task(task, due)
        except StoreError as error:  # it runs again when its lease runs out
            self._log_once.error(TASKS_NOT_SETTLED, error)
        else:
            if due is not None:
                self._note_due(due)

    async def _try_task(self, task: ScheduledTask) -> float | None:
        """Run the task; return when it is due again."""
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return await self._handle(task)
        except TimeoutError:
            self._log_once.error("a task takes too long and begins again: %s", task.key)
        except StoreError as error:
            self._log_once.error(TASKS_WAIT, error)
        except Exception:
            log.exception(
                "task %s of call %s failed: it begins again", task.key, task.orchestration
            )
        pause = RETRY_SECONDS * 2.0 ** min(task.tries - 1, 10)
        return self._clock() + min(pause, MAX_RETRY_SECONDS)

    async def _sleep(self, pause: float) -> None:
        """Wait until a task of this worker is due, and no longer than this."""
        if self._own_dues:
            pause = min(pause, self._own_dues[0] - self._clock())
        timer = asyncio.get_running_loop().call_later(max(pause, 0.0), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
