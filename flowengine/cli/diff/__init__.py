"""`flowengine diff`."""

from pathlib import Path

import click

from flowengine.cli.diff.markdown import to_markdown
from flowengine.cli.diff.project_version import ProjectVersion, load_version
from flowengine.diff import compare_projects, to_json, to_text


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--repo",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="The repository of refs.",
)
@click.option(
    "--path",
    "folder",
    default="flows",
    show_default=True,
    help="The folder of the flows in the repository.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="For a person, a pull request, a program.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something changed in meaning.")
def diff(old: str, new: str, repo: Path, folder: str, form: str, *, exit_code: bool) -> None:
    """Say what changed in meaning between two versions.

    OLD and NEW are each a folder, a file, a git ref such as main or v1.2, or REF:PATH. Form, order
    of keys, comments and notes do not count. What is on disk goes before a ref of the same name.
    """
    before, after = load_version(old, repo, folder), load_version(new, repo, folder)
    for found in (before, after):
        warn_about_errors(found)
    difference = compare_projects(before.compiled, after.compiled)
    if form == "json":
        click.echo(to_json(difference), nl=False)
    elif form == "markdown":
        click.echo(to_markdown(difference, before.compiled, after.compiled, after.folder), nl=False)
    else:
        click.echo(to_text(difference, after.folder), nl=False)
    if exit_code and difference:
        raise SystemExit(1)


def warn_about_errors(found: ProjectVersion) -> None:
    errors = sum(problem.severity == "error" for problem in found.compiled.problems)
    if errors:
        click.echo(
            f"{found.name} has mistakes ({errors}, see flowengine check): it is compared as far as "
            "it can be read",
            err=True,
        )
