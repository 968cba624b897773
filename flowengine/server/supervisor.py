"""Starts, replaces and stops the workers of a server.

It holds the listeners, so the port is open while workers come and go. On SIGHUP each worker is
replaced: a new one is ready before the old one goes. On SIGTERM and SIGINT all end.
"""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from flowengine.limits import MAX_WORKER_PAUSE_SECONDS, SILENT_WORKER_SECONDS
from flowengine.server.worker import READY_MESSAGE, RETIRE_MESSAGE, WORKER_GRACE_SECONDS, run_worker

log = logging.getLogger(__name__)
multiprocessing.allow_connection_pickling()
_spawn = multiprocessing.get_context("spawn")
# a worker that has not begun to serve has nothing to finish
STARTING_GRACE_SECONDS = 5.0


class WorkerProcess:
    """A worker as its supervisor sees it."""

    def __init__(
        self, listeners: Sequence[socket.socket], replaces: "WorkerProcess | None" = None
    ) -> None:
        self.replaces = replaces
        self.is_ready = self.is_leaving = self.is_ending = False
        self.heard_at = time.monotonic()
        self.control, theirs = socket.socketpair()
        self.control.setblocking(False)
        self.process = _spawn.Process(target=run_worker, args=(list(listeners), theirs))
        self.process.start()
        theirs.close()

    def read_messages(self) -> bool:
        """Read what the worker has sent; whether it has become ready. A worker that has closed its
        side is ending, which its sentinel tells.
        """
        was_ready = self.is_ready
        with suppress(BlockingIOError, ConnectionError):
            found = self.control.recv(4096)
            self.is_ending = not found
            self.is_ready = was_ready or READY_MESSAGE in found
            self.heard_at = time.monotonic()
        return self.is_ready and not was_ready

    def retire(self) -> None:
        """Tell the worker to end with its connections."""
        self.is_leaving = True
        with suppress(OSError):  # it has just ended
            self.control.send(RETIRE_MESSAGE)

    def stop(self) -> None:
        """Tell the worker to answer what it has begun, and end."""
        self.is_leaving = True
        self.process.terminate()

    def close(self) -> None:
        """Release the resources of a process that has ended."""
        self.process.join()
        self.process.close()
        self.control.close()


class Supervisor:
    """Starts, replaces and stops the workers of one server. `drain` is how long they go on to
    answer after SIGTERM.
    """

    def __init__(self, listeners: Sequence[socket.socket], workers: int, drain: float) -> None:
        self._listeners = listeners
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
        for number in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        while self._stop_by is None or self._workers:
            self._keep_workers()
            self._wait_for_events(awake)
            for worker in self._workers:
                if worker.read_messages():
                    self._hand_over(worker)
            self._handle_signals()
            self._remove_ended_workers()
        signal.set_wakeup_fd(-1)
        return 0 if self._has_served or self._signals else 1

    def _wait_for_events(self, awake: socket.socket) -> None:
        sources: list[Any] = [awake]
        for worker in self._workers:
            sources.append(worker.process.sentinel)
            if not worker.is_ending:
                sources.append(worker.control)
        wait(sources, timeout=0.5)
        with suppress(OSError):
            awake.recv(4096)

    def _keep_workers(self) -> None:
        """Start missing workers and kill hanging ones."""
        now = time.monotonic()
        self._kill_overdue(now)
        if self._stop_by is not None:
            return
        staying = [worker for worker in self._workers if not worker.is_leaving]
        if now >= self._start_at:
            for _ in range(self._wanted - sum(worker.replaces is None for worker in staying)):
                self._start_worker()
        # one after the other: a machine need not have room for twice as many
        if self._to_replace and not any(worker.replaces for worker in staying):
            old = self._to_replace.pop(0)
            if old in staying:
                self._start_worker(replaces=old)

    def _kill_overdue(self, now: float) -> None:
        for worker in self._workers:
            if self._stop_by is not None:
                if now > self._stop_by or (not worker.is_ready and now > self._start_stop_by):
                    worker.process.kill()
            elif worker.is_ready and now - worker.heard_at > SILENT_WORKER_SECONDS:
                log.error("worker %d hangs, and is replaced", worker.process.pid)
                worker.heard_at = now
                worker.process.kill()

    def _start_worker(self, replaces: WorkerProcess | None = None) -> None:
        self._workers.append(WorkerProcess(self._listeners, replaces))

    def _hand_over(self, worker: WorkerProcess) -> None:
        """Note that a worker serves; the one that it replaces may retire."""
        if not self._has_served and self._stop_by is None:  # before that nobody would be answered
            log.info("listening on %s", format_addresses(self._listeners))
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
                    self._to_replace = [each for each in self._workers if not each.is_leaving]

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
        drain = 0.0 if number == signal.SIGINT else self._drain
        now = time.monotonic()
        self._stop_by = now + drain + WORKER_GRACE_SECONDS + STARTING_GRACE_SECONDS
        self._start_stop_by = now + STARTING_GRACE_SECONDS
        for worker in self._workers:
            worker.stop()
        for listener in self._listeners:
            listener.close()  # what no worker takes any more is refused, and need not wait

    def _remove_ended_workers(self) -> None:
        for worker in self._workers[:]:
            if worker.process.exitcode is None:
                continue
            self._workers.remove(worker)
            if not worker.is_leaving and self._stop_by is None:
                self._note_failure(worker)
            worker.close()

    def _note_failure(self, worker: WorkerProcess) -> None:
        for successor in self._workers:
            if successor.replaces is worker:
                successor.replaces = None
        if not worker.is_ready and not self._has_served:
            log.error("a worker cannot start, and so the server ends")
            self._stop_workers(signal.SIGTERM)
            return
        self._failures += 1
        pause = min(2.0 ** (self._failures - 1), MAX_WORKER_PAUSE_SECONDS)
        if worker.is_ready:
            log.error(
                "worker %d ended with %s: another one takes its place",
                worker.process.pid,
                worker.process.exitcode,
            )
            return
        self._start_at = time.monotonic() + pause
        if worker.replaces is not None and worker.replaces in self._workers:
            log.error("a new worker cannot start: those of before go on")
            self._to_replace = []
        else:
            log.error("a worker cannot start: the next try is in %d seconds", pause)


def format_addresses(listeners: Sequence[socket.socket]) -> str:
    return ", ".join("{}:{}".format(*listener.getsockname()[:2]) for listener in listeners)


def has_terminal() -> bool:
    """Whether the process was started from a terminal that is still there."""
    try:
        return os.isatty(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
