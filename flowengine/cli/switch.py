"""`flowengine switch`."""

import asyncio
import secrets
import sqlite3
from pathlib import Path

import click

from flowengine.environment import VARIABLES
from flowengine.problems import to_text
from flowengine.server.listeners import format_address
from flowengine.switch.api.switch_server import serve
from flowengine.switch.config import SwitchConfig, build_default, parse_configuration
from flowengine.switch.switch_store import SwitchStore, open_store


@click.command()
@click.argument(
    "config", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8071,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port to listen on.",
)
@click.option(
    "--clock",
    type=click.Choice(["real", "virtual"]),
    default="real",
    show_default=True,
    help="virtual: the switch waits for nothing, and a call of hours takes milliseconds.",
)
@click.option("--seed", type=int, help="Makes the ids of calls the same in every run.")
def switch(config: Path | None, host: str, port: int, clock: str, seed: int | None) -> None:
    """Stand in for the platform: numbers, calls, callbacks and its APIs.

    CONFIG is a YAML file with applications, numbers, users, parties and rates. Without it there is
    one application, with the credentials in SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, or
    else a pair that is made up and shown; callbacks then go to http://127.0.0.1:8080/sinch.

    Calls are placed and answered through /desk, which only this machine may use unless CONFIG says
    otherwise.
    """
    if seed is None:
        seed = secrets.randbits(64)  # ids of calls that a store still has must not come again
    given = load_configuration(config)
    store = open_configured_store(given.store)
    announce_switch(given, host, port, clock)
    try:
        asyncio.run(
            serve(given, store, host=host, port=port, virtual=clock == "virtual", seed=seed)
        )
    except KeyboardInterrupt:
        pass
    finally:
        store.close()


def load_configuration(config: Path | None) -> SwitchConfig:
    """What the file says. Its mistakes end the command."""
    if config is None:
        return build_default(VARIABLES)
    content = config.read_bytes()
    given, problems = parse_configuration(content, config.as_posix(), VARIABLES)
    if problems:
        click.echo(to_text(problems, {config.as_posix(): content}, colour=True), err=True)
    if given is None:
        raise SystemExit(1)
    return given


def open_configured_store(address: str) -> SwitchStore:
    try:
        return open_store(address)
    except (OSError, sqlite3.Error) as error:
        raise click.UsageError(f"the store {address} cannot be used: {error}") from error


def announce_switch(given: SwitchConfig, host: str, port: int, clock: str) -> None:
    click.echo(
        f"The switch answers on http://{format_address(host, port)} (/calling/v1, /v1 and /desk), "
        f"in {clock} time.",
        err=True,
    )
    for application in given.setup.applications:
        click.echo(
            f"Application {application.key} is asked at {application.primary or 'no URL'}.",
            err=True,
        )
    for number in given.setup.numbers:
        click.echo(f"Number {number.number} reaches {number.application or 'nobody'}.", err=True)
    if given.has_made_up_credentials:
        made = given.setup.applications[0]
        click.echo(
            "These credentials hold until the switch ends; give them to your backend:", err=True
        )
        click.echo(
            f"export SINCH_APPLICATION_KEY={made.key} SINCH_APPLICATION_SECRET={made.secret}"
        )
