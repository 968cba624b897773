"""Work that takes its time and that several requests wait for: it is done once, in a thread of its
own, and who waits for it holds none.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

T = TypeVar("T")


class SharedWork(Generic[T]):
    """The results of the last pieces of work, by their keys. A piece at a time is worked on."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._limiter = CapacityLimiter(1)
        self._tasks: OrderedDict[Hashable, asyncio.Task[T]] = OrderedDict()

    async def load(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result for this key, which `work` makes where it is not there. What has failed is
        tried again by the next request.
        """
        task = self._tasks.get(key)
        if task is None or has_failed(task):
            task = asyncio.create_task(run_sync(work, limiter=self._limiter))
            self._tasks[key] = task
        self._tasks.move_to_end(key)
        if len(self._tasks) > self._most:
            self._tasks.popitem(last=False)
        # a request that is given up leaves the work to the others
        return await asyncio.shield(task)


def has_failed(task: asyncio.Task[T]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
