"""A worker process: one web server on the listeners that the supervisor has opened."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Literal, NamedTuple

import uvicorn

from flowengine.limits import RETIRE_SECONDS, SILENT_WORKER_SECONDS, WORKER_GRACE_SECONDS
from flowengine.releases.compile_worker import LoadedFlows
from flowengine.server.app import create_app
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.connections import choose_backlog
from flowengine.server.logging_setup import log_loop_error
from flowengine.server.process_messages import (
    ALIVE_MESSAGE,
    READY_MESSAGE,
    RENEWABLE_MESSAGE,
    RETIRE_MESSAGE,
)
from flowengine.server.server_settings import ServerSettings

log = logging.getLogger(__name__)
HttpProtocol = type[asyncio.Protocol] | Literal["auto"]


class WorkerSetup(NamedTuple):
    """What the fork server has made ready for all its workers."""

    flows: LoadedFlows
    protocol: HttpProtocol


def run_worker(
    listeners: Sequence[socket.socket], control: socket.socket, setup: WorkerSetup
) -> None:
    """Serve until told to stop. A worker opens what it needs itself: connections and files do not
    survive a fork.
    """
    # before the web server takes over nothing is under way, and when it hands the signal back all
    # is done: a thread that hangs must not delay the end
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # the fork server blocks it
    control.setblocking(False)
    try:
        settings = ServerSettings.from_environment()
        server = WorkerServer(configure_server(settings, setup), control)
        server.run(sockets=list(listeners))
    except Exception:  # the process module would print its text
        log.exception("the worker fails")
        os._exit(1)
    sys.stderr.flush()
    os._exit(0 if server.started else 1)


def configure_server(settings: ServerSettings, setup: WorkerSetup) -> uvicorn.Config:
    return uvicorn.Config(
        partial(create_app, setup.flows),
        factory=True,
        http=setup.protocol,
        ws="none",
        backlog=choose_backlog(),
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the peer says it is
        timeout_keep_alive=max(1, round(settings.keep_alive)),
        timeout_graceful_shutdown=WORKER_GRACE_SECONDS,
    )


class WorkerServer(uvicorn.Server):
    """uvicorn's server, which reports to the supervisor and takes its commands."""

    def __init__(self, config: uvicorn.Config, control: socket.socket) -> None:
        super().__init__(config)
        self._control = control
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report that callbacks are answered from now on."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(log_loop_error)
        await super().startup(sockets)
        if self.started:
            self._send_message(READY_MESSAGE)
            loop.add_reader(self._control, self._handle_command)
            self._tasks.add(asyncio.create_task(self._send_heartbeats()))

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(SILENT_WORKER_SECONDS / 10)
            front: CallbackDispatcher = self.config.loaded_app
            self._send_message(RENEWABLE_MESSAGE if front.is_renewable() else ALIVE_MESSAGE)

    def _send_message(self, what: bytes) -> None:
        with suppress(OSError):  # a supervisor that is gone, or has not listened for minutes
            self._control.send(what)

    def _handle_command(self) -> None:
        try:
            command = self._control.recv(1)
        except BlockingIOError:
            return
        except OSError:
            command = b""
        if command == RETIRE_MESSAGE:
            self._tasks.add(asyncio.create_task(self._retire()))
            return
        asyncio.get_running_loop().remove_reader(self._control)
        log.error("the supervisor was killed: this worker ends, too")
        os.kill(os.getpid(), signal.SIGTERM)

    async def _retire(self) -> None:
        """Close the listeners, as another worker takes new connections. The answer to a request on
        an old connection closes it, so that no request is in flight when its connection closes.
        """
        log.info("another worker takes over; this one ends with its connections")
        for server in self.servers:
            server.close()
        front: CallbackDispatcher = self.config.loaded_app
        front.retire()
        limit = asyncio.get_running_loop().time() + RETIRE_SECONDS
        # the table has no event for it
        while len(front.connections) and asyncio.get_running_loop().time() < limit:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        self.should_exit = True
