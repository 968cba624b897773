"""`flowengine undraft`."""

import click

from flowengine.cli.release_options import add_change_options, run_change


@click.command()
@click.argument("name")
@add_change_options
def undraft(name: str, store: str, who: str, note: str) -> None:
    """End a draft.

    Its callers reach what all others do.
    """
    run_change(store, who, note, lambda commands, by: commands.end_draft(name, by))
