"""The processes of a server as their supervisor sees them: fork servers and workers.

The supervisor imports none of what they run on. It stays as small as it is, and it never holds code
of before an upgrade.
"""

import multiprocessing
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from flowengine.server import process_messages
from flowengine.server.logging_setup import configure_logging, install_exception_hooks
from flowengine.server.process_messages import (
    FORK_MESSAGE,
    READY_MESSAGE,
    RENEWABLE_MESSAGE,
    RETIRE_MESSAGE,
    ForkServerEvent,
    decode_events,
)

multiprocessing.allow_connection_pickling()
_spawn, _fork = multiprocessing.get_context("spawn"), multiprocessing.get_context("fork")


class WorkerProcess:
    """A worker, which a fork server forks. `pid` is 0 until it has reported that."""

    def __init__(
        self, fork_server: "ForkServerProcess", replaces: "WorkerProcess | None" = None
    ) -> None:
        self.fork_server = fork_server
        self.replaces = replaces
        self.pid = 0
        self.exit_status: int | None = None
        self.is_ready = self.is_leaving = self.is_killed = self.has_closed = False
        self.heard_at = time.monotonic()
        self.renewable_since: float | None = None
        self.control, self.theirs = socket.socketpair()
        self.control.setblocking(False)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended. Where nobody is left to report that, it has closed its
        side of the control socket.
        """
        return self.exit_status is not None or (self.has_closed and self.fork_server.has_closed)

    def read_messages(self) -> bool:
        """Read what the worker has sent; whether it has become ready."""
        was_ready = self.is_ready
        with suppress(BlockingIOError, ConnectionError):
            found = self.control.recv(4096)
            self.has_closed = not found
            self.is_ready = was_ready or READY_MESSAGE in found
            self.heard_at = time.monotonic()
            if found[-1:] != RENEWABLE_MESSAGE:
                self.renewable_since = None
            elif self.renewable_since is None:
                self.renewable_since = self.heard_at
        return self.is_ready and not was_ready

    def retire(self) -> None:
        """Tell the worker to end with its connections."""
        self.is_leaving = True
        with suppress(OSError):  # it has just ended
            self.control.send(RETIRE_MESSAGE)

    def stop(self) -> None:
        """Tell the worker to answer what it has begun, and end."""
        self.is_leaving = True
        self._send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker at once."""
        self.is_killed = True
        self._send_signal(signal.SIGKILL)

    def _send_signal(self, number: int) -> None:
        if self.pid and self.exit_status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ForkServerProcess:
    """A process that loads the flows and forks workers. The one that a server starts with is forked
    from the supervisor, and told how to load them by `load`. Later ones are started anew, and so
    run the code that is installed by then.
    """

    def __init__(self, load: Callable[[], Any] | None = None) -> None:
        self.is_ready = self.has_closed = self.has_old_secrets = False
        self.channel, theirs = socket.socketpair()
        if load is not None:
            target = partial(run_forked, self.channel, theirs, load)
            self.process: Any = _fork.Process(target=target)
        else:
            self.process = _spawn.Process(target=run_spawned, args=(theirs,))
        self.process.start()
        theirs.close()
        self.channel.setblocking(False)
        self._starting = deque[WorkerProcess]()
        self._workers: dict[int, WorkerProcess] = {}
        self._received = b""

    def fork_worker(
        self, listeners: Sequence[socket.socket], replaces: WorkerProcess | None = None
    ) -> WorkerProcess:
        """Have a worker forked, to serve on these listeners."""
        worker = WorkerProcess(self, replaces)
        descriptors = [worker.theirs.fileno(), *(each.fileno() for each in listeners)]
        with suppress(OSError):  # it has just ended, and so the worker has, too
            socket.send_fds(self.channel, [FORK_MESSAGE], descriptors)
        worker.theirs.close()
        self._starting.append(worker)
        return worker

    def read_events(self) -> None:
        """Read what the fork server has sent."""
        with suppress(BlockingIOError, ConnectionError):
            found = self.channel.recv(4096)
            self.has_closed = not found
            events, self._received = decode_events(self._received + found)
            for event in events:
                self._handle_event(event)

    def _handle_event(self, event: ForkServerEvent) -> None:
        match event.kind:
            case process_messages.FLOWS_LOADED:
                self.is_ready = True
            case process_messages.SECRETS_CHANGED:
                self.has_old_secrets = True
            case process_messages.WORKER_STARTED:
                worker = self._starting.popleft()
                worker.pid, self._workers[event.pid] = event.pid, worker
                if worker.is_leaving:  # meanwhile
                    worker.stop()
            case process_messages.FORK_FAILED:
                self._starting.popleft().exit_status = 1
            case process_messages.WORKER_ENDED:
                self._workers.pop(event.pid).exit_status = event.exit_status

    def retire(self) -> None:
        """Let it end with its last worker."""
        with suppress(OSError):  # it has just ended
            self.channel.shutdown(socket.SHUT_WR)

    def close(self) -> int:
        """End the process where it has not ended, and release its resources. Its exit status."""
        if not self.is_ready:
            self.process.terminate()
        self.retire()
        self.process.join()
        status = int(self.process.exitcode)
        self.process.close()
        self.channel.close()
        return status


# both import here, for the supervisor imports this module


def run_forked(ours: socket.socket, channel: socket.socket, load: Callable[[], Any]) -> None:
    """The fork server that a server starts with."""
    ours.close()
    from flowengine.server.fork_server import run_fork_server  # noqa: PLC0415

    run_fork_server(channel, load)


def run_spawned(channel: socket.socket) -> None:
    """Any later one."""
    from flowengine.server.fork_server import run_fork_server  # noqa: PLC0415
    from flowengine.server.startup import load_live_flows  # noqa: PLC0415

    configure_logging()
    install_exception_hooks()
    run_fork_server(channel, load_live_flows)
