"""Where a console listens: the option of `serve`, and the listeners that belong to it."""

import socket
import sys
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import click

from flowengine.console.console_settings import (
    CONSOLE_VARIABLE,
    ConsoleSettings,
    ConsoleTokens,
    check_exposed_console,
)
from flowengine.environment import VARIABLES
from flowengine.server.console_launcher import ConsoleLauncher
from flowengine.server.listeners import format_address, open_listeners
from flowengine.server.server_settings import ServerSettings, SettingsError

DEFAULT_CONSOLE = ("127.0.0.1", 8081)
CONSOLE_MODULE = "flowengine.console.console_process"


def parse_address(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    """A host and a port as one types them: 127.0.0.1:8081, or [::1]:8081."""
    if text is None:
        return None
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and parts.netloc == text:
            return parts.hostname, parts.port
    except ValueError:  # the port is no number
        pass
    raise click.BadParameter(f"{text} is no address: write it as 127.0.0.1:8081")


def check_console(address: tuple[str, int] | None) -> None:
    """Check that the console may listen there, before the flows are loaded. Raises SettingsError."""
    tokens = ConsoleTokens.from_environment(VARIABLES)
    check_exposed_console((address or DEFAULT_CONSOLE)[0], tokens)


def open_console(settings: ServerSettings, address: tuple[str, int] | None) -> ConsoleLauncher:
    """Listen for browsers, and say where. Where that fails, the server goes on without a
    console, which tries again: callbacks never stay down because of it.
    """
    host, port = address or DEFAULT_CONSOLE
    open_again = partial(open_listeners, host, port, "--console HOST:PORT")
    listeners: list[socket.socket] = []
    try:
        listeners = open_again()
    except SettingsError as error:
        click.echo(f"no console yet: {error}. The server tries again now and then", err=True)
    else:
        announce_console(host, listeners)
    return ConsoleLauncher(
        listeners,
        [sys.executable, "-m", CONSOLE_MODULE],
        {CONSOLE_VARIABLE: ConsoleSettings(settings, is_serving=True).encode()},
        open_again,
    )


def announce_console(host: str, listeners: Sequence[socket.socket]) -> None:
    """Say what to open in a browser."""
    shown = format_address(host, listeners[0].getsockname()[1])
    click.echo(f"console: http://{shown} (open it in a browser)", err=True)
