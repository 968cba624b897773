"""`flowengine withdraw`."""

import click

from flowengine.cli.desk import change, changing


@click.command()
@changing
def withdraw(store: str, who: str, note: str) -> None:
    """Let no new call begin on the candidate any more."""
    change(store, who, note, lambda desk, by: desk.withdraw(by))
