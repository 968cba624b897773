"""Reads that may never end, such as from a disk that hangs, in a thread that can be abandoned."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from flowengine.cooperative import run_cooperatively
from flowengine.limits import READ_SECONDS

T = TypeVar("T")


def start_daemon_thread(work: Callable[[], T]) -> Future[T]:
    """Run this in a daemon thread, which does not keep the process from ending as the thread of a
    pool would.
    """
    future: Future[T] = Future()
    threading.Thread(
        target=_complete_future, args=(work, future), name="reading", daemon=True
    ).start()
    return future


def _complete_future(work: Callable[[], T], future: Future[T]) -> None:
    try:
        found = run_cooperatively(work)
    except BaseException as error:  # noqa: BLE001  # the thread that waits for it raises it
        future.set_exception(error)
    else:
        future.set_result(found)


class AbandonableRead(Generic[T]):
    """Runs one read after the other, never two at a time."""

    def __init__(self, what: str) -> None:
        self._subject = what
        self._pending: Future[T] | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """The result of the read. Raises TimeoutError where it takes too long; called again, this
        waits for the same read and starts no new one.
        """
        before, self._pending = self._pending, None
        doing = before or start_daemon_thread(work)
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.shield(asyncio.wrap_future(doing))
        except TimeoutError:
            if doing.done():
                raise
            self._pending = doing
            raise TimeoutError(
                f"{self._subject} has not been read for {READ_SECONDS:g} seconds: does its disk hang?"
            ) from None
