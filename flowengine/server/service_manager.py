"""Tells the service manager, such as systemd, how the server is: the protocol of sd_notify(3)."""

import os
import socket
import time
from collections.abc import MutableMapping

from flowengine.limits import MAX_WATCHDOG_PAUSE_SECONDS

MICROSECONDS = 1_000_000


class ServiceManager:
    """Sends states to the socket that the environment names, if any. The variables are taken out of
    it: no other process of the server may report.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        address = environment.pop("NOTIFY_SOCKET", "")
        # a name that begins with @ is in the abstract namespace, which the kernel marks with a zero
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watchdog = environment.pop("WATCHDOG_USEC", "")
        is_ours = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        half = int(watchdog) / MICROSECONDS / 2 if watchdog.isdigit() and is_ours else 0.0
        self._pause = min(half, MAX_WATCHDOG_PAUSE_SECONDS)
        self._last_sent = 0.0

    def report(self, *states: str) -> None:
        """Send states, such as READY=1. Nothing fails where nobody listens."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(states).encode(), self._address)
        except OSError:  # the manager is restarting, say, or the socket is full
            pass

    def report_alive(self) -> None:
        """Send a sign of life, where the manager has a watchdog, as often as it needs one."""
        now = time.monotonic()
        if self._pause and now - self._last_sent >= self._pause:
            self._last_sent = now
            self.report("WATCHDOG=1")
