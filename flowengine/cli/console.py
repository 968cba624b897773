"""`flowengine console`."""

import os
from pathlib import Path

import click

from flowengine.cli.console_address import announce_console
from flowengine.cli.store_options import add_journal_options
from flowengine.console.console_settings import (
    ConsoleSettings,
    ConsoleTokens,
    check_exposed_console,
)
from flowengine.environment import VARIABLES
from flowengine.server.listeners import open_listeners
from flowengine.server.secret_variables import ADMIN_TOKEN, STATUS_TOKEN
from flowengine.server.server_settings import ServerSettings, SettingsError


@click.command()
@click.argument("flows", type=click.Path(path_type=Path, exists=True))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8081,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on.",
)
@add_journal_options
def console(flows: Path, host: str, port: int, store: str, journal: str) -> None:
    """Show flows in the browser: call them, see them, mend them.

    FLOWS is a folder, or a single file. Nothing answers callbacks here: `serve` does, and shows the
    same pages beside it.

    With FLOWENGINE_ADMIN_TOKEN everybody signs in, as is needed on an address other than that of
    this machine itself.
    """
    from flowengine.console.console_server import run_console  # noqa: PLC0415  # starts slowly

    # a link is followed as it is led elsewhere
    where = os.path.abspath(flows)  # noqa: PTH100
    for name in (ADMIN_TOKEN, STATUS_TOKEN):
        if fault := VARIABLES.find_fault(name):  # it would be open without a token
            raise click.UsageError(fault)
    try:
        tokens = ConsoleTokens.from_environment(VARIABLES)
        check_exposed_console(host, tokens)
        listeners = open_listeners(host, port)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    announce_console(host, listeners)
    run_console(
        ConsoleSettings(ServerSettings(where, store=store, journal=journal)), tokens, listeners
    )
