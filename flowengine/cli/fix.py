"""`flowengine fix`."""

from pathlib import Path

import click

from flowengine.cli.file_set import write_file_set
from flowengine.cli.project_files import get_project_folder, read_project_files
from flowengine.compile.applied_cures import apply_cures
from flowengine.environment import VARIABLES
from flowengine.problems import format_count
from flowengine.problems.project_report import build_report


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
def fix(flows: Path) -> None:
    """Take the words that check suggests for mistyped ones.

    FLOWS is a folder, or a single file. Each change is shown, then the errors that are left; exit
    code 1 says that there are some.
    """
    files = read_project_files(flows)
    folder = get_project_folder(flows)
    cured = apply_cures(files.contents, VARIABLES)
    try:
        write_file_set({folder / name: content for name, content in cured.changed.items()})
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}; nothing is changed") from error
    for cure in cured.cures:
        click.echo(f"{(folder / str(cure.problem.span)).as_posix()}: {cure.old} is {cure.new} now")
    click.echo(f"{format_count(len(cured.cures), 'word')} changed")
    problems = [*files.unreadable, *cured.compiled.problems]
    report = build_report(folder, problems, cured.compiled.sources, 0, 0)
    if report.errors:
        click.echo(report.format_problems(report.errors), err=True)
        raise SystemExit(1)
