"""Waiting for what another process, thread or task brings about, and ports to meet it at."""

import asyncio
import atexit
import functools
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle

PATIENCE_SECONDS = 180.0  # a machine that has much else to do must not fail a test
PORT_BLOCKS = range(10_000, 32_000, 200)


def find_free_port() -> int:
    """Return a port of this machine that nobody listens at, and that nobody else is given."""
    _, ports = reserve_ports()
    while True:
        port = next(ports)
        with socket.socket() as probe, suppress(OSError):  # somebody listens there
            probe.bind(("127.0.0.1", port))
            return port


@functools.cache
def reserve_ports() -> tuple[socket.socket, Iterator[int]]:
    """Reserve a block of ports for this process of pytest. The socket keeps its first port, so that
    other processes of pytest find the block taken.

    A port that the system has chosen may be chosen for somebody else before the server is there. It
    chooses from 32768 on.
    """
    for first in random.SystemRandom().sample(PORT_BLOCKS, len(PORT_BLOCKS)):
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
        else:
            atexit.register(guard.close)
            return guard, cycle(range(first + 1, first + PORT_BLOCKS.step))
    raise OSError("all blocks of ports are taken")


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
