"""Resolves names in threads of its own: uvloop shares four threads among all names and file reads,
and asyncio's threads have other work. A name whose server does not answer blocks one thread.
"""

import asyncio
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

import httpcore

# The system's resolver gives up after 5 to 30 seconds, which no callback can wait.
LATE_SECONDS = 5.0
MAX_THREADS_PER_NAME = 3  # threads for one name, as a waiting thread cannot be ended


class Resolution(NamedTuple):
    """A name in resolution, and the number of lookups that wait for it."""

    started_at: float
    addresses: asyncio.Future[list[str]]


class Resolver:
    """Resolves names; lookups that want the same name share one resolution. For one event loop."""

    def __init__(self) -> None:
        self._resolutions: dict[str, Resolution] = {}
        self._threads: Counter[str] = Counter()

    async def resolve(self, host: str) -> list[str]:
        """The addresses of a host. Raises httpcore.ConnectError where there are none.

        The caller sets a time-out; other callers who wait for the same name keep waiting.
        """
        if is_ip_address(host):
            return [host]
        found = self._resolutions.get(host)
        if found is None or time.monotonic() - found.started_at > LATE_SECONDS:
            found = self._resolutions[host] = self._start_resolution(host)
        addresses = await asyncio.shield(found.addresses)
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        return addresses

    def _start_resolution(self, host: str) -> Resolution:
        if self._threads[host] >= MAX_THREADS_PER_NAME:
            raise httpcore.ConnectError("the name server does not answer")
        loop = asyncio.get_running_loop()
        resolution = Resolution(time.monotonic(), loop.create_future())
        # A daemon thread: an unanswered name must not keep the server from ending.
        thread = threading.Thread(
            target=self._run_lookup, args=(loop, host, resolution), name="resolver", daemon=True
        )
        thread.start()
        self._threads[host] += 1
        return resolution

    def _run_lookup(
        self, loop: asyncio.AbstractEventLoop, host: str, resolution: Resolution
    ) -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._finish_resolution, host, resolution, addresses)

    def _finish_resolution(self, host: str, resolution: Resolution, addresses: list[str]) -> None:
        self._threads[host] -= 1
        if not self._threads[host]:
            del self._threads[host]
        if self._resolutions.get(host) is resolution:
            del self._resolutions[host]
        if not resolution.addresses.done():
            resolution.addresses.set_result(addresses)


def is_ip_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
