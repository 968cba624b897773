"""The process that loads the flows and forks the workers.

Workers share the memory of what it has loaded, and begin in a tenth of the time that loading takes.
It never serves itself: it has no threads, no event loop, no open database, as none of them survives
a fork (docs/decisions/0088).
"""

import gc
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Any

from flowengine.compile.deferred_compile import DeferredPrograms
from flowengine.environment import VARIABLES
from flowengine.operator_error import OperatorError
from flowengine.releases.compile_worker import LoadedFlows
from flowengine.server.logging_setup import configure_logging, install_exception_hooks
from flowengine.server.process_messages import (
    FLOWS_LOADED,
    FORK_FAILED,
    MAX_FORK_DESCRIPTORS,
    SECRETS_CHANGED,
    WORKER_ENDED,
    WORKER_STARTED,
    ForkServerEvent,
)
from flowengine.server.protocols import choose_protocol
from flowengine.server.telemetry.load_telemetry import preload_telemetry
from flowengine.server.worker import WorkerSetup, run_worker

log = logging.getLogger(__name__)
_fork = multiprocessing.get_context("fork")
# what the web server imports as it starts: workers share it
WEB_SERVER_MODULES = ("uvicorn.lifespan.on", "uvloop")
# of looking whether a file with a secret has changed
SECRET_CHECK_SECONDS = 1.0
LoadFlows = Callable[[], LoadedFlows]


def run_fork_server(channel: socket.socket, load: LoadFlows) -> None:
    """Load the flows, report it, and fork workers until the supervisor closes its side. Ends with
    the last worker.
    """
    # the supervisor gets these, too, and says what they mean
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # nothing is under way while the flows are loaded
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        flows = load()
    except (OperatorError, OSError) as error:
        log.error(  # noqa: TRY400  # its text says it all
            "no worker can be started anew: %s; a file with a secret is read again when it changes, "
            "and SIGHUP tries again",
            error,
        )
        os._exit(1)
    except Exception:  # multiprocessing would print its text
        log.exception("the flows cannot be loaded")
        os._exit(1)
    configure_logging()
    if flows.release is not None and isinstance(flows.release.programs, DeferredPrograms):
        log.info(
            "an earlier start has compiled these flows: each is compiled when a call needs it, and "
            "all of them in the background"
        )
    install_exception_hooks()
    for name in WEB_SERVER_MODULES:
        with suppress(ImportError):  # some are not on every system
            import_module(name)
    preload_telemetry()
    setup = WorkerSetup(flows, choose_protocol())
    # the collector of a worker must not write to what it shares
    gc.collect()
    gc.freeze()
    # from now on it ends when the supervisor and all workers do; a worker gets this signal as soon
    # as it can handle it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ForkServer(channel, setup).run()


class ForkServer:
    """Forks a worker for each request of the supervisor, and reports which have ended."""

    def __init__(self, channel: socket.socket, setup: WorkerSetup) -> None:
        self._channel = channel
        self._setup = setup
        self._workers: dict[int, ForkProcess] = {}  # by sentinel

    def run(self) -> None:
        """Serve the supervisor until it has closed its side and no worker is left."""
        self._report(ForkServerEvent(FLOWS_LOADED))
        is_open = True
        while is_open or self._workers:
            sources: list[Any] = [*self._workers, *([self._channel] if is_open else [])]
            ready = wait(sources, timeout=SECRET_CHECK_SECONDS)
            if not ready and is_open and VARIABLES.notice_changed_files():
                self._report(ForkServerEvent(SECRETS_CHANGED))
            for sentinel in [each for each in self._workers if each in ready]:
                self._report_ended_worker(self._workers.pop(sentinel))
            if self._channel in ready:
                is_open = self._handle_request()

    def _handle_request(self) -> bool:
        """Fork a worker; False when the supervisor has closed its side."""
        try:
            request, descriptors, _, _ = socket.recv_fds(self._channel, 1, MAX_FORK_DESCRIPTORS)
        except ConnectionError:
            return False
        if not request:
            return False
        control, *listeners = (socket.socket(fileno=each) for each in descriptors)
        process = _fork.Process(target=self._run_worker, args=(listeners, control))
        try:
            process.start()
        except OSError as error:  # no memory, or too many processes
            log.error("no worker can be forked: %s", error)  # noqa: TRY400  # its text says it all
            self._report(ForkServerEvent(FORK_FAILED))
        else:
            self._workers[process.sentinel] = process
            assert process.pid is not None  # noqa: S101  # it has started
            self._report(ForkServerEvent(WORKER_STARTED, process.pid))
        for each in (control, *listeners):
            each.close()  # what is left closes with the worker
        return True

    def _run_worker(self, listeners: Sequence[socket.socket], control: socket.socket) -> None:
        self._channel.close()  # the supervisor sees by it when this process ends
        run_worker(listeners, control, self._setup)

    def _report_ended_worker(self, process: ForkProcess) -> None:
        process.join()
        assert process.pid is not None  # noqa: S101  # it has run
        assert process.exitcode is not None  # noqa: S101  # it has ended
        self._report(ForkServerEvent(WORKER_ENDED, process.pid, process.exitcode))
        process.close()

    def _report(self, event: ForkServerEvent) -> None:
        with suppress(OSError):  # a supervisor that was killed
            self._channel.sendall(event.encode())
