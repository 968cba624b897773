"""`flowengine withdraw`."""

import click

from flowengine.cli.release_options import add_change_options, run_change


@click.command()
@add_change_options
def withdraw(store: str, who: str, note: str) -> None:
    """Let no new call begin on the candidate any more."""
    run_change(store, who, note, lambda commands, by: commands.withdraw(by))
