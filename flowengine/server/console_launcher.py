"""Starts the console of a server when a browser connects, as a process of its own: until then it costs
nothing, and it never takes time or memory from those that answer callbacks.
"""

import logging
import math
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
# until it has said that it answers; it listens before it compiles anything
MAX_CONSOLE_START_SECONDS = 60.0
# a console that ends sooner has not got as far as answering
STARTED_SECONDS = 10.0
# of the workers: the console must not write there
_PROMETHEUS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(slots=True)
class ConsoleLauncher:
    """Holds the listeners of a console, and runs `command` with their descriptors behind it.

    The console ends with this process: it reads its standard input, which closes then. It writes
    there when it answers. One that does not in time, or does not end in time, is killed.
    """

    listeners: Sequence[socket.socket]
    command: Sequence[str]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _pipe: socket.socket | None = None
    _kill_at: float = math.inf
    _started_at: float = 0.0
    _start_at: float = 0.0
    _failures: int = 0
    _is_stopping: bool = False
    _has_been_told: bool = False  # to end

    def list_sources(self) -> list[Any]:
        """What to wait for: a connection, unless the console runs or may not start yet."""
        self._note_start()
        self._kill_overdue()
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
            self._end_process()
            self._failures, self._started_at = 0, -STARTED_SECONDS

    def stop(self) -> None:
        """Take no more connections, and end the process."""
        self._is_stopping = True
        for listener in self.listeners:
            listener.close()
        if self._process is not None:
            self._end_process()

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
        self._kill_at = self._started_at + MAX_CONSOLE_START_SECONDS
        self._pipe, theirs = socket.socketpair()
        self._pipe.setblocking(False)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the command is our own
                [*self.command, *map(str, descriptors)],
                stdin=theirs.fileno(),
                env=environment,
                pass_fds=descriptors,
            )
        except OSError as error:  # no memory, or too many processes
            log.error("the console cannot be started: %s", error)  # noqa: TRY400  # its text says it all
            self._forget_process()
            self._postpone_start()
        finally:
            theirs.close()

    def _note_start(self) -> None:
        with suppress(OSError):  # it has said nothing
            if self._pipe is not None and self._pipe.recv(16) and not self._has_been_told:
                self._kill_at = math.inf

    def _end_process(self) -> None:
        assert self._process is not None  # noqa: S101  # the callers look
        self._process.terminate()
        if not self._has_been_told:
            self._has_been_told = True
            self._kill_at = time.monotonic() + CONSOLE_GRACE_SECONDS

    def _kill_overdue(self) -> None:
        if self._process is not None and time.monotonic() > self._kill_at:
            log.error(
                "the console does not %s, and is killed", "end" if self._has_been_told else "answer"
            )
            self._process.kill()
            self._kill_at = math.inf

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
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None
        self._has_been_told, self._kill_at = False, math.inf
