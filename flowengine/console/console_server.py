"""Serves a console: for `flowengine console`, and for the process of its own beside a server."""

import hmac
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette

from flowengine.console.access import SignedSessions
from flowengine.console.app import create_console_app
from flowengine.console.console_settings import ConsoleSettings, ConsoleTokens
from flowengine.environment import VARIABLES
from flowengine.server.console_handover import (
    READY_MESSAGE,
    ConsoleHandover,
    format_ended_session,
)
from flowengine.server.logging_setup import configure_logging, install_exception_hooks

GRACE_SECONDS = 3  # of what is being answered when the console ends
NICENESS = 10  # callbacks come first


class ConsoleServer(uvicorn.Server):
    """Ends the event streams of browsers before it waits for its connections. Where it has a
    `supervisor`, it writes into this pipe when it answers.
    """

    def __init__(self, app: Starlette, supervisor: int | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app
        self._supervisor = supervisor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start."""
        await super().startup(sockets)
        if self._supervisor is not None:
            with suppress(OSError):  # it has ended, and so does this process
                os.write(self._supervisor, READY_MESSAGE + b"\n")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down."""
        self._app.state.context.stream.close()
        await super().shutdown(sockets)


def run_console(
    settings: ConsoleSettings,
    tokens: ConsoleTokens,
    listeners: Sequence[socket.socket],
) -> None:
    """Serve on these listeners until a signal ends the process."""
    ConsoleServer(create_console_app(settings, tokens)).run([*listeners])


def take_over_sessions(
    handed_over: bytes, tokens: ConsoleTokens, supervisor: int
) -> SignedSessions:
    """The sessions of the process before this one. Another token ends them all."""
    found = ConsoleHandover.decode(handed_over)

    def report_ended_session(name: str, until: float) -> None:
        with suppress(OSError):  # it has ended, and so does this process
            os.write(supervisor, format_ended_session(name, until))

    key = hmac.digest(found.key, f"{tokens.admin}\0{tokens.reader}".encode(), "sha256")
    return SignedSessions(key, report_ended_session, found.ended)


def run_beside_server(descriptors: Sequence[str], supervisor: int, handed_over: bytes) -> None:
    """Serve on listeners that the supervisor of a server has opened; it ends this process."""
    # the supervisor gets these, too, and says what they mean
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    configure_logging()
    install_exception_hooks()
    settings, tokens = (
        ConsoleSettings.from_environment(),
        ConsoleTokens.from_environment(VARIABLES),
    )
    listeners = [socket.socket(fileno=int(each)) for each in descriptors]
    sessions = take_over_sessions(handed_over, tokens, supervisor)
    ConsoleServer(create_console_app(settings, tokens, sessions), supervisor).run(listeners)
