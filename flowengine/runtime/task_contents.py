"""What the handlers of tasks share: what a task says, and when it is tried again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from flowengine.runtime.orchestration_encoding import OrchestrationEncoding
from flowengine.runtime.platform_requests import CallOwner
from flowengine.states import OwnEvent
from flowengine.storage.sessions import ScheduledTask

FIRST_RETRY_SECONDS = 0.25  # doubled with each try
MAX_TASK_RETRY_SECONDS = 10.0
AnswerResult = Callable[[OwnEvent, bytes], Awaitable[bytes | None]]
"""Lets the caller go on in the flow, or hear how it stands; the answer, or None where they have gone
on since. The bytes are the same in each try.
"""
ContentT = TypeVar("ContentT")


class UnreadableTaskError(Exception):
    """No key opens the task, or a later version wrote it."""


def read_task(
    encoding: OrchestrationEncoding, task: ScheduledTask, kind: type[ContentT]
) -> tuple[CallOwner, ContentT]:
    """Where the request of a task goes, and what it says. Raises UnreadableTaskError."""
    found = encoding.decode_task(task, kind)
    if found is None:
        raise UnreadableTaskError
    return found


def compute_retry(task: ScheduledTask, now: float) -> float:
    """When a task is due that has failed, each time later."""
    pause = FIRST_RETRY_SECONDS * 2.0 ** min(task.tries - 1, 10)
    return now + min(pause, MAX_TASK_RETRY_SECONDS)
