"""`flowengine check`."""

from pathlib import Path

import click

from flowengine.cli.project import Loaded, loaded
from flowengine.problems import to_github, to_json, to_sarif

MACHINE = {"json": to_json, "sarif": to_sarif, "github": to_github}


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *MACHINE]),
    default="text",
    help="For a person, or for a program.",
)
@click.option("--strict", is_flag=True, help="Warnings fail the check too.")
@click.option(
    "--store",
    default="",
    help="`none` checks that all state fits the cookie, as `serve --store none` needs it.",
)
def check(flows: Path, form: str, store: str, *, strict: bool) -> None:
    """Find every mistake in the flows.

    FLOWS is a folder, or a single file. Exit code 1 says that there are errors.
    """
    project = loaded(flows, cookies_only=store == "none")
    show(project, form)
    if project.errors or (strict and project.problems):
        raise SystemExit(1)


def show(project: Loaded, form: str) -> None:
    if form == "text":
        if project.problems:
            click.echo(project.listing(project.problems))
        click.echo(project.summary())
        return
    click.echo(MACHINE[form](project.problems), nl=form != "github")
    click.echo(project.summary(), err=True)  # beside the data, so that a program can read that
