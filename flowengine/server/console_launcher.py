"""Starts the console of a server when a browser connects, as a process of its own: until then it costs
nothing, and it never takes time or memory from those that answer callbacks.
"""

import logging
import math
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from flowengine.limits import MAX_WORKER_PAUSE_SECONDS
from flowengine.server.console_handover import READY_MESSAGE, ConsoleHandover
from flowengine.server.server_settings import SettingsError

log = logging.getLogger(__name__)
CONSOLE_GRACE_SECONDS = 5.0
# until it has said that it answers; it listens before it compiles anything
MAX_CONSOLE_START_SECONDS = 60.0
# a console that ends sooner has not got as far as answering
STARTED_SECONDS = 10.0
FIRST_OPEN_PAUSE_SECONDS, MAX_OPEN_PAUSE_SECONDS = 2.0, 60.0
"""How long it waits before it tries a taken port again, at first and at most"""
MAX_MESSAGE_BYTES = 65_536
# of the workers: the console must not write there
_PROMETHEUS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class ConsoleLauncher(msgspec.Struct):
    """Holds the listeners of a console, and runs `command` with their descriptors behind it.

    The console ends with this process: it reads its standard input, which closes then. It writes
    there when it answers. One that does not in time, or does not end in time, is killed. People who
    have signed in stay signed in when one process replaces another.

    Without listeners, as the port is taken, the launcher calls `open_again` from time to time, which
    raises SettingsError while it still is.
    """

    listeners: Sequence[socket.socket]
    command: Sequence[str]
    environment: Mapping[str, str]
    open_again: Callable[[], Sequence[socket.socket]] | None = None
    _handover: ConsoleHandover = msgspec.field(default_factory=ConsoleHandover)
    _received: bytes = b""
    _open_pause: float = FIRST_OPEN_PAUSE_SECONDS
    _open_at: float = msgspec.field(
        default_factory=lambda: time.monotonic() + FIRST_OPEN_PAUSE_SECONDS
    )
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
        self._open_listeners()
        self._read_messages()
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

    def _open_listeners(self) -> None:
        """Open the listeners that could not be opened so far, where it is time to try."""
        now = time.monotonic()
        if self.listeners or self._is_stopping or self.open_again is None or now < self._open_at:
            return
        try:
            self.listeners = self.open_again()
        except SettingsError:  # which was said at the start
            self._open_pause = min(2 * self._open_pause, MAX_OPEN_PAUSE_SECONDS)
            self._open_at = now + self._open_pause
        else:
            log.info("the console listens on port %d now", self.listeners[0].getsockname()[1])

    def _start(self) -> None:
        descriptors = [listener.fileno() for listener in self.listeners]
        environment = {**os.environ, **self.environment}
        environment.pop(_PROMETHEUS_VARIABLE, None)
        self._started_at = time.monotonic()
        self._kill_at = self._started_at + MAX_CONSOLE_START_SECONDS
        self._pipe, theirs = socket.socketpair()
        self._pipe.setblocking(False)
        self._pipe.send(self._handover.encode())
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

    def _read_messages(self) -> None:
        if self._pipe is None:
            return
        with suppress(OSError):  # it has said nothing
            self._received += self._pipe.recv(MAX_MESSAGE_BYTES)
        *messages, self._received = self._received.split(b"\n")
        for message in messages:
            if message == READY_MESSAGE and not self._has_been_told:
                self._kill_at = math.inf
            with suppress(ValueError):  # it is none of ours
                self._handover.note_message(message)

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
        self._read_messages()  # its last words
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None
        self._received = b""
        self._has_been_told, self._kill_at = False, math.inf
