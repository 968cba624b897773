"""`flowengine publish`."""

from pathlib import Path

import click

from flowengine.cli.release_options import (
    add_change_options,
    add_version_options,
    find_release_spec,
    run_change,
)


@click.command()
@click.argument("what")
@add_version_options
@add_change_options
def publish(what: str, repo: Path, folder: str, store: str, who: str, note: str) -> None:
    """Make a version live.

    WHAT is a folder, a release of the archive (the beginning of its id), or a git ref. All new calls
    begin on it, at once and on all workers; calls under way stay on what they began on. With errors
    nothing changes, and the exit code is 1. The server goes on following its folder or branch: the
    next change there goes live.
    """
    run_change(
        store,
        who,
        note,
        lambda commands, by: commands.publish(find_release_spec(commands, what, repo, folder), by),
    )
