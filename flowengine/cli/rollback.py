"""`flowengine rollback`."""

import click

from flowengine.cli.release_options import add_change_options, run_change


@click.command()
@click.argument("release", required=False)
@add_change_options
def rollback(release: str | None, store: str, who: str, note: str) -> None:
    """Take new calls back to the release before.

    RELEASE is another one of the archive, by the beginning of its id. What was taken back stays back
    until its folder or branch changes.
    """
    if release == "":
        raise click.UsageError("RELEASE is empty: name one, or leave it out for the release before")
    run_change(store, who, note, lambda desk, by: desk.rollback(release or "", by))
