"""Starts the console of a server when a browser connects, as a process of its own: until then it costs
nothing, and it never takes time or memory from those that answer callbacks.
"""

import logging
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flowengine.limits import MAX_WORKER_PAUSE_SECONDS

log = logging.getLogger(__name__)
CONSOLE_GRACE_SECONDS = 5.0
# a console that ends sooner has not got as far as answering
STARTED_SECONDS = 10.0
# of the workers: the console must not write there
_PROMETHEUS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(slots=True)
class ConsoleLauncher:
    """Holds the listeners of a console, and runs `command` with their descriptors behind it.

    The console ends with this process: it reads its standard input, which closes then.
    """

    listeners: Sequence[socket.socket]
    command: Sequence[str]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _start_at: float = 0.0
    _failures: int = 0
    _is_stopping: bool = False

    def list_sources(self) -> list[Any]:
        """What to wait for: a connection, unless the console runs or may not start yet."""
        self._note_end()
        can_start = self._process is None and time.monotonic() >= self._start_at
        return [] if self._is_stopping or not can_start else [*self.listeners]

    def handle_ready(self, ready: Sequence[object]) -> None:
        """Start the console where one of its listeners has a connection."""
        if self._process is None and any(each in self.listeners for each in ready):
            self._start()

    def restart(self) -> None:
        """End the process: the next connection starts one with the code that is installed then."""
        if self._process is not None:
            self._process.terminate()
            self._failures, self._started_at = 0, -STARTED_SECONDS

    def stop(self) -> None:
        """Take no more connections, and end the process."""
        self._is_stopping = True
        for listener in self.listeners:
            listener.close()
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Wait until the process has ended."""
        self.stop()
        if self._process is None:
            return
        try:
            self._process.wait(CONSOLE_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget_process()

    def _start(self) -> None:
        descriptors = [listener.fileno() for listener in self.listeners]
        environment = {**os.environ, **self.environment}
        environment.pop(_PROMETHEUS_VARIABLE, None)
        self._started_at = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the command is our own
                [*self.command, *map(str, descriptors)],
                stdin=subprocess.PIPE,
                env=environment,
                pass_fds=descriptors,
            )
        except OSError as error:  # no memory, or too many processes
            log.error("the console cannot be started: %s", error)  # noqa: TRY400  # its text says it all
            self._postpone_start()

    def _note_end(self) -> None:
        if self._process is None or self._process.poll() is None:
            return
        status = self._process.returncode
        self._forget_process()
        if time.monotonic() - self._started_at < STARTED_SECONDS and not self._is_stopping:
            log.error("the console ended with %s as it started", status)
            self._postpone_start()
        else:
            self._failures = 0

    def _postpone_start(self) -> None:
        self._failures += 1
        pause = min(2.0 ** (self._failures - 1), MAX_WORKER_PAUSE_SECONDS)
        self._start_at = time.monotonic() + pause

    def _forget_process(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self._process = None
