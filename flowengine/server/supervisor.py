"""Starts, replaces and stops the workers of a server.

It holds the listeners, so the port is open while workers come and go. A fork server, which has
loaded the flows, forks the workers. On SIGHUP a new one is started, and each worker is replaced by
one of its own: a new worker is ready before the old one goes. The same is done where most of what
the workers have in memory is no longer shared. On SIGTERM and SIGINT all end.
"""

import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from flowengine.limits import (
    MAX_WORKER_PAUSE_SECONDS,
    RENEWAL_DELAY_SECONDS,
    SILENT_WORKER_SECONDS,
    WORKER_GRACE_SECONDS,
)
from flowengine.server.console_launcher import ConsoleLauncher
from flowengine.server.listeners import format_address
from flowengine.server.server_processes import ForkServerProcess, WorkerProcess
from flowengine.server.service_manager import ServiceManager

log = logging.getLogger(__name__)
# a worker that has not begun to serve has nothing to finish
STARTING_GRACE_SECONDS = 5.0


class Supervisor:
    """Starts, replaces and stops the workers of one server. `drain` is how long they go on to
    answer after SIGTERM; `fork_server` has loaded the flows; `manager` hears how the server is. A
    console runs beside them.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        workers: int,
        drain: float,
        fork_server: ForkServerProcess,
        manager: ServiceManager,
        console: ConsoleLauncher | None = None,
    ) -> None:
        self._manager = manager
        self._listeners = listeners
        self._console = console
        self._fork_server = fork_server
        self._successor: ForkServerProcess | None = None  # while it loads the flows
        self._retired_fork_servers: list[ForkServerProcess] = []
        self._replaces_workers = False  # when the successor has loaded
        self._wanted = workers
        self._drain = drain
        self._workers: list[WorkerProcess] = []
        self._to_replace: list[WorkerProcess] = []
        self._signals: list[int] = []
        self._has_served = False
        self._failures = 0
        self._start_at = 0.0
        self._stop_by: float | None = None
        self._start_stop_by = 0.0
        self._had_terminal = has_terminal()

    def run(self) -> int:
        """Serve until a signal says to stop. The exit status: 1 when no worker ever served."""
        awake, bell = socket.socketpair()
        awake.setblocking(False)
        bell.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        while self._stop_by is None or self._workers:
            self._keep_workers()
            self._wait_for_events(awake)
            for fork_server in self._list_fork_servers():
                fork_server.read_events()
            for worker in self._workers:
                if worker.read_messages():
                    self._hand_over(worker)
            self._handle_signals()
            self._remove_ended_workers()
            self._replace_fork_server()
            self._renew_secrets()
            self._manager.report_alive()
        for fork_server in self._list_fork_servers():
            fork_server.close()
        if self._console:
            self._console.close()
        signal.set_wakeup_fd(-1)
        return 0 if self._has_served or self._signals else 1

    def _list_fork_servers(self) -> list[ForkServerProcess]:
        successor = [self._successor] if self._successor else []
        return [self._fork_server, *successor, *self._retired_fork_servers]

    def _wait_for_events(self, awake: socket.socket) -> None:
        sources: list[Any] = [awake]
        sources += [each.channel for each in self._list_fork_servers() if not each.has_closed]
        sources += [worker.control for worker in self._workers if not worker.has_closed]
        sources += self._console.list_sources() if self._console else []
        ready = wait(sources, timeout=0.5)
        if self._console:
            self._console.handle_ready(ready)
        with suppress(OSError):
            awake.recv(4096)

    def _keep_workers(self) -> None:
        """Start missing workers and kill hanging ones."""
        now = time.monotonic()
        self._kill_overdue(now)
        if self._stop_by is None:
            if self._fork_server.has_closed:
                self._start_lost_fork_server(now)
            else:
                self._start_missing_workers(now)
                self._renew_workers(now)

    def _start_lost_fork_server(self, now: float) -> None:
        """Start a fork server in place of one that was killed; its workers go on meanwhile."""
        if self._successor is None and now >= self._start_at:
            log.error("the fork server ended: another one takes its place")
            self._postpone_next_start()
            self._successor = ForkServerProcess()

    def _start_missing_workers(self, now: float) -> None:
        staying = [worker for worker in self._workers if not worker.is_leaving]
        if now >= self._start_at:
            for _ in range(self._wanted - sum(worker.replaces is None for worker in staying)):
                self._start_worker()
        # one after the other: a machine need not have room for twice as many
        if self._to_replace and not any(worker.replaces for worker in staying):
            old = self._to_replace.pop(0)
            if old in staying:
                self._start_worker(replaces=old)

    def _renew_workers(self, now: float) -> None:
        """Replace the workers where their successors would share what each of them has as a copy
        of its own (docs/decisions/0092). It waits for an earlier replacement, so that a machine
        needs room for two generations at most.
        """
        if self._successor or self._to_replace or self._retired_fork_servers:
            return
        since = [each.renewable_since for each in self._workers]
        if any(when is not None and now - when > RENEWAL_DELAY_SECONDS for when in since):
            log.info("each worker is replaced by one that shares the flows in memory")
            # should it fail, for lack of memory perhaps, it is not tried until a worker has said
            # that nothing is to be renewed, as it does after a change
            for worker in self._workers:
                worker.renewable_since = math.inf
            self._reload()

    def _renew_secrets(self) -> None:
        """Replace the workers where a file with a secret has changed. Where the new secrets have a
        mistake, the old workers go on until the file changes again.
        """
        if self._fork_server.has_old_secrets and self._stop_by is None:
            self._fork_server.has_old_secrets = False
            log.info("a file with a secret has changed: each worker is replaced")
            self._reload()

    def _kill_overdue(self, now: float) -> None:
        for worker in self._workers:
            if self._stop_by is not None:
                if now > self._stop_by or (not worker.is_ready and now > self._start_stop_by):
                    if not worker.is_killed:
                        log.error("worker %d does not end, and is killed", worker.pid)
                    worker.kill()
            elif worker.is_ready and now - worker.heard_at > SILENT_WORKER_SECONDS:
                log.error("worker %d hangs, and is replaced", worker.pid)
                worker.heard_at = now
                worker.kill()

    def _start_worker(self, replaces: WorkerProcess | None = None) -> None:
        self._workers.append(self._fork_server.fork_worker(self._listeners, replaces))

    def _hand_over(self, worker: WorkerProcess) -> None:
        """Note that a worker serves; the one that it replaces may retire."""
        if not self._has_served and self._stop_by is None:  # before that nobody would be answered
            log.info("listening on %s", format_addresses(self._listeners))
            self._manager.report("READY=1", f"STATUS=serves on {format_addresses(self._listeners)}")
        self._has_served, self._failures = True, 0
        old, worker.replaces = worker.replaces, None
        if old in self._workers and old is not None and self._stop_by is None:
            old.retire()

    def _handle_signals(self) -> None:
        for number in self._signals[:]:
            if number in (signal.SIGTERM, signal.SIGINT) or self._has_lost_terminal():
                self._stop_workers(number)
            else:
                self._signals.remove(number)
                if self._stop_by is None:
                    log.info("SIGHUP: each worker is replaced")
                    self._reload()

    def _reload(self) -> None:
        """Start a fork server anew; when it has loaded the flows, each worker is replaced."""
        if self._successor is not None:  # with what has changed meanwhile
            self._successor.close()
        self._successor, self._replaces_workers = ForkServerProcess(), True
        if self._console:
            self._console.restart()

    def _replace_fork_server(self) -> None:
        """Let a successor that has loaded the flows take over, and close those that have ended."""
        for fork_server in self._retired_fork_servers[:]:
            if fork_server.has_closed:
                self._retired_fork_servers.remove(fork_server)
                fork_server.close()
        if self._successor is None or self._stop_by is not None:
            return
        if self._successor.is_ready:
            self._fork_server.retire()
            self._retired_fork_servers.append(self._fork_server)
            self._fork_server, self._successor = self._successor, None
            if self._replaces_workers:
                self._to_replace = [each for each in self._workers if not each.is_leaving]
                self._replaces_workers = False
        elif self._successor.has_closed:
            self._successor.close()
            self._successor, self._replaces_workers = None, False
            self._note_failed_start("the flows cannot be loaded anew")

    def _has_lost_terminal(self) -> bool:
        """Whether SIGHUP means that the shell has ended, not that workers are to be replaced: then
        nobody could stop the server any more.
        """
        return self._had_terminal and not has_terminal()

    def _stop_workers(self, number: int) -> None:
        """End all workers; a second SIGINT ends them at once."""
        if self._stop_by is not None:
            if self._signals.count(signal.SIGINT) > 1:
                self._stop_by = 0.0
            return
        self._manager.report("STOPPING=1")
        drain = 0.0 if number == signal.SIGINT else self._drain
        now = time.monotonic()
        self._stop_by = now + drain + WORKER_GRACE_SECONDS + STARTING_GRACE_SECONDS
        self._start_stop_by = now + STARTING_GRACE_SECONDS
        for worker in self._workers:
            worker.stop()
        for listener in self._listeners:
            listener.close()  # what no worker takes any more is refused, and need not wait
        if self._console:
            self._console.stop()

    def _remove_ended_workers(self) -> None:
        for worker in self._workers[:]:
            if not worker.has_ended:
                continue
            self._workers.remove(worker)
            if not worker.is_leaving and self._stop_by is None:
                self._note_failure(worker)
            worker.control.close()

    def _note_failure(self, worker: WorkerProcess) -> None:
        for successor in self._workers:
            if successor.replaces is worker:
                successor.replaces = None
        if not worker.is_ready and not self._has_served:
            log.error("a worker cannot start, and so the server ends")
            self._stop_workers(signal.SIGTERM)
            return
        if worker.is_ready:
            self._failures += 1
            log.error(
                "worker %d ended with %s: another one takes its place",
                worker.pid,
                "no known status" if worker.exit_status is None else worker.exit_status,
            )
        else:
            self._note_failed_start("a worker cannot start")

    def _postpone_next_start(self) -> float:
        """Count a failure. The seconds until the next process may start: longer each time."""
        self._failures += 1
        pause = min(2.0 ** (self._failures - 1), MAX_WORKER_PAUSE_SECONDS)
        self._start_at = time.monotonic() + pause
        return pause

    def _note_failed_start(self, what: str) -> None:
        pause = self._postpone_next_start()
        self._to_replace = []
        serving = sum(each.is_ready and not each.is_leaving for each in self._workers)
        if serving == self._wanted and not self._fork_server.has_closed:
            log.error("%s: the old workers go on", what)
        else:
            log.error("%s: the next try is in %d seconds", what, pause)


def format_addresses(listeners: Sequence[socket.socket]) -> str:
    return ", ".join(format_address(*listener.getsockname()[:2]) for listener in listeners)


def has_terminal() -> bool:
    """Whether the process was started from a terminal that is still there."""
    try:
        return os.isatty(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
