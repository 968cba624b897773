"""Runs the orchestrations of a worker: their tasks, and the janitor."""

import asyncio
import logging
from collections.abc import Callable

from flowengine.runtime.cookie import Codec
from flowengine.runtime.engine import Engine
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.orchestration_tasks import OrchestrationTasks
from flowengine.runtime.placement_tasks import PlacementTasks
from flowengine.runtime.task_contents import AnswerResult
from flowengine.runtime.task_loop import HandleTask, TaskLoop
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.storage.sessions import OrchestrationStore, Store, StoreError

WAKE_RETRY_SECONDS = 1.0
NOT_MATCHED = "new members of queues wait for the store: %s"
log = logging.getLogger(__name__)


def create_service(
    engine: Engine,
    store: Store,
    codec: Codec,
    requests: OrchestrationRequests,
    answer_result: AnswerResult,
    calls_at_once: int,
    wrap_tasks: Callable[[HandleTask], HandleTask] = lambda handle: handle,
) -> "OrchestrationService | None":
    """The service of an engine; None where its store keeps no orchestrations. `wrap_tasks` wraps
    the function that runs a task.
    """
    if engine.orchestrations is None or engine.placements is None:
        return None
    placed = PlacementTasks(engine.placements, store, codec, requests, calls_at_once)
    orchestrations = engine.orchestrations
    tasks = OrchestrationTasks(orchestrations, codec, requests, answer_result, placements=placed)
    janitor = OrchestrationJanitor(store, orchestrations, requests, placements=engine.placements)
    handle = wrap_tasks(tasks.handle)
    return OrchestrationService(orchestrations.store, handle, janitor, requests)


class OrchestrationService:
    """The orchestrations of a worker."""

    def __init__(
        self,
        store: OrchestrationStore,
        handle: HandleTask,
        janitor: OrchestrationJanitor,
        requests: OrchestrationRequests,
    ) -> None:
        self._store = store
        self._requests = requests
        self._loop = TaskLoop(store, handle)
        self._janitor = janitor
        self._has_new_release = asyncio.Event()
        self._log_once = LogOnce(log)

    async def run_tasks(self) -> None:
        await self._loop.run()

    async def look_after_rings(self) -> None:
        await self._janitor.run()

    def note_release(self) -> None:
        """Another release is live: groups may have members whom nobody offers the callers who wait."""
        self._has_new_release.set()

    async def match_after_releases(self) -> None:
        """Have the queues match whenever another release has gone live."""
        while True:
            await self._has_new_release.wait()
            self._has_new_release.clear()
            try:
                await self._store.wake_queues(self._store.clock())
                self._log_once.end(NOT_MATCHED, "new members of queues are offered callers again")
            except StoreError as error:
                self._log_once.error(NOT_MATCHED, error)
                self._has_new_release.set()
                await asyncio.sleep(WAKE_RETRY_SECONDS)

    async def stop(self) -> None:
        """End what runs, after the end of `run_tasks`."""
        await self._loop.stop()
        await self._requests.close()
