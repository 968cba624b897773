"""Tasks that run beside callbacks for as long as a worker does."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

log = logging.getLogger(__name__)
RESTART_SECONDS: Final = 1.0


def start_background_task(
    subject: str, run: Callable[[], Coroutine[Any, Any, None]]
) -> asyncio.Task[None]:
    """Run this until the task is cancelled. Nobody waits for such a task, so an error that ends it
    would go unseen: the error is logged, and the work starts again. `subject` names the work in the
    log.
    """
    return asyncio.create_task(_run_with_restarts(subject, run))


async def _run_with_restarts(subject: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            return await run()
        except Exception:
            log.exception(
                "an internal error ended %s: it starts again in %g s", subject, RESTART_SECONDS
            )
        await asyncio.sleep(RESTART_SECONDS)
