"""`flowengine check`."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from flowengine.cli.read_project import read_project
from flowengine.compile.loaded_project import LoadedProject
from flowengine.problems import Problem, to_github, to_json, to_sarif

FORMATTERS = {"json": to_json, "sarif": to_sarif, "github": to_github}


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *FORMATTERS]),
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
    project = read_project(flows, cookies_only=store == "none")
    show_problems(project, form)
    if project.errors or (strict and project.problems):
        raise SystemExit(1)


def make_paths_relative(problems: Iterable[Problem], folder: Path) -> list[Problem]:
    """Problems in files as code scanning and workflows name them: from the root of the repository
    that each file is in, or else from this folder.
    """
    found = []
    for problem in problems:
        file = folder / problem.span.file
        path = Path(os.path.normpath(file))
        root = next((one for one in path.parents if (one / ".git").exists()), folder)
        inside = path.relative_to(root) if path.is_relative_to(root) else path
        found.append(replace(problem, span=replace(problem.span, file=inside.as_posix())))
    return found


def show_problems(project: LoadedProject, form: str) -> None:
    if form == "text":
        if project.problems:
            click.echo(project.format_problems(project.problems))
        click.echo(project.format_summary())
        return
    problems = (
        project.problems if form == "json" else make_paths_relative(project.problems, Path.cwd())
    )
    click.echo(FORMATTERS[form](problems), nl=form != "github")
    click.echo(
        project.format_summary(), err=True
    )  # beside the data, so that a program can read that
