"""`flowengine draft`."""

from pathlib import Path

import click

from flowengine.cli.release_options import (
    add_change_options,
    add_version_options,
    find_release_spec,
    run_change,
)


@click.command()
@click.argument("name")
@click.argument("what")
@click.option(
    "--caller",
    "callers",
    multiple=True,
    required=True,
    help="A phone that reaches the draft, such as +46701234567. Repeatable.",
)
@add_version_options
@add_change_options
def draft(
    name: str,
    what: str,
    callers: tuple[str, ...],
    repo: Path,
    folder: str,
    store: str,
    who: str,
    note: str,
) -> None:
    """Let some callers alone reach a version.

    WHAT is a folder, a release of the archive (the beginning of its id), or a git ref. A draft of a
    branch follows it: what is pushed there is what these callers hear next, unless it has errors.
    The same NAME with another WHAT replaces it.
    """
    run_change(
        store,
        who,
        note,
        lambda commands, by: commands.set_draft(
            name, find_release_spec(commands, what, repo, folder), callers, by
        ),
    )
