"""`flowengine promote`."""

import click

from flowengine.cli.release_options import add_change_options, run_change


@click.command()
@add_change_options
def promote(store: str, who: str, note: str) -> None:
    """Let all new calls begin on the candidate."""
    run_change(store, who, note, lambda commands, by: commands.promote(by))
