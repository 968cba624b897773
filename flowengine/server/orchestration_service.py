"""Runs the orchestrations of a worker: their tasks, and the janitor."""

from collections.abc import Callable

from flowengine.runtime.cookie import Codec
from flowengine.runtime.engine import Engine
from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.orchestration_tasks import OrchestrationTasks
from flowengine.runtime.orchestrations import Orchestrations, WaitEnd
from flowengine.runtime.task_contents import AnswerResult
from flowengine.runtime.task_loop import TaskLoop
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.storage.sessions import Store


def create_service(
    engine: Engine,
    store: Store,
    codec: Codec,
    requests: OrchestrationRequests,
    answer_result: AnswerResult,
    on_wait_end: Callable[[WaitEnd], None],
) -> "OrchestrationService | None":
    """The service of an engine; None where its store keeps no orchestrations. `on_wait_end` hears of
    each wait in a queue that has ended.
    """
    if engine.orchestrations is None:
        return None
    engine.orchestrations.on_wait_end = on_wait_end
    return OrchestrationService(store, engine.orchestrations, codec, requests, answer_result)


class OrchestrationService:
    """The orchestrations of a worker. `answer_result` lets a caller go on in the flow."""

    def __init__(
        self,
        store: Store,
        orchestrations: Orchestrations,
        codec: Codec,
        requests: OrchestrationRequests,
        answer_result: AnswerResult,
    ) -> None:
        tasks = OrchestrationTasks(orchestrations, codec, requests, answer_result)
        self._requests = requests
        self._loop = TaskLoop(orchestrations.store, tasks.handle)
        self._janitor = OrchestrationJanitor(store, orchestrations, requests)

    async def run_tasks(self) -> None:
        await self._loop.run()

    async def look_after_rings(self) -> None:
        await self._janitor.run()

    async def stop(self) -> None:
        """End what runs, after the end of `run_tasks`."""
        await self._loop.stop()
        await self._requests.close()
