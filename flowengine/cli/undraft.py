"""`flowengine undraft`."""

import click

from flowengine.cli.desk import change, changing


@click.command()
@click.argument("name")
@changing
def undraft(name: str, store: str, who: str, note: str) -> None:
    """End a draft.

    Its callers reach what all others do.
    """
    change(store, who, note, lambda desk, by: desk.undraft(name, by))
