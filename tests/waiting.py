"""Waiting for what another process, thread or task brings about, and ports to meet it at."""

import asyncio
import socket
import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0  # a machine that has much else to do must not fail a test


def find_free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_connect(port: int) -> bool:
    """Whether somebody listens at a port of this machine. Costs a hundredth of a request."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    holds: Callable[[], bool],
    seconds: float = PATIENCE_SECONDS,
    otherwise: Callable[[], object] = lambda: "it never happened",
) -> float:
    """Wait until `holds` returns true; return how long that took. `otherwise` explains a failure."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + seconds, otherwise()
        time.sleep(0.02)
    return time.monotonic() - begun


async def wait_until_async(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `holds` returns true, and let other tasks run meanwhile."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
