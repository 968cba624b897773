"""`flowengine draft`."""

from pathlib import Path

import click

from flowengine.cli.desk import change, changing, naming, wanted


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
@naming
@changing
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

    WHAT is a folder, a release that is kept (the beginning of its id), or a git ref. A draft of a
    branch follows it: what is pushed there is what these callers hear next, unless it has errors.
    NAME again with something else takes its place.
    """
    change(
        store,
        who,
        note,
        lambda desk, by: desk.draft(name, wanted(desk, what, repo, folder), callers, by),
    )
