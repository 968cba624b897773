"""`flowengine promote`."""

import click

from flowengine.cli.desk import change, changing


@click.command()
@changing
def promote(store: str, who: str, note: str) -> None:
    """Let all new calls begin on the candidate."""
    change(store, who, note, lambda desk, by: desk.promote(by))
