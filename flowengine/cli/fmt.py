"""`flowengine fmt`."""

import sys
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

import click

from flowengine.cli.file_set import write_file_set
from flowengine.problems import format_count
from flowengine.problems.project_report import build_report
from flowengine.source.canonical_form import format_content
from flowengine.source.layout_gaps import UnformattableError
from flowengine.sources.project_folder import (
    PROJECT_FILE,
    is_flow_content,
    list_project_files,
    list_scenario_paths,
    read_content,
)

_STANDARD_INPUT = "-"


class FormattedFile(NamedTuple):
    """A file before and after; `complaint` says why it has to stay as it is."""

    path: Path
    before: bytes
    after: bytes
    complaint: str = ""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; exit 1 says that something would.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
def fmt(paths: tuple[Path, ...], *, check: bool, diff: bool) -> None:
    """Bring files into their canonical form: indentation, blanks, empty lines, quotes.

    PATHS are folders of projects, with their scenarios, or single files; without any, it is the
    folder that you are in. `-` formats the standard input to the standard output. Comments stay,
    and so does what the files mean. A file that cannot be read is left alone; exit code 1 says so.
    """
    if paths == (Path(_STANDARD_INPUT),):
        format_standard_input()
        return
    files = [format_file(path) for path in dict.fromkeys(iterate_files(paths or (Path(),)))]
    changed = [file for file in files if file.before != file.after]
    complaints = [file.complaint for file in files if file.complaint]
    if not check and not diff:
        write_formatted(changed)
    for file in changed:
        if diff:
            show_diff(file)
        else:
            click.echo(f"{'would change' if check else 'changed'} {file.path.as_posix()}")
    for complaint in complaints:
        click.echo(complaint, err=True)
    verb = "would change" if check or diff else "changed"
    click.echo(f"{format_count(len(changed), 'file')} of {len(files)} {verb}", err=diff)
    if complaints or (check and changed):
        raise SystemExit(1)


def iterate_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Each file, and the files of each folder: those of its project with the scenarios. Without a
    project file, only flows count, so that YAML of other programs stays as it is.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        try:
            folder, files = list_project_files(path)
        except OSError as error:
            raise click.UsageError(str(error)) from error
        is_project = (folder / PROJECT_FILE).is_file()
        flows = [file for file in files.values() if is_project or is_flow_content(read_file(file))]
        yield from flows
        if flows:
            yield from list_scenario_paths(folder)


def read_file(path: Path) -> bytes:
    try:
        return read_content(path)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error


def format_file(path: Path) -> FormattedFile:
    content = read_file(path)
    try:
        after, problems = format_content(content, path.name)
    except UnformattableError as error:
        return FormattedFile(path, content, content, f"{path.as_posix()} is left as it is: {error}")
    report = build_report(path.parent, problems, {path.name: content}, 0, 0)
    complaint = report.format_problems(report.errors) if problems else ""
    return FormattedFile(path, content, after, complaint)


def write_formatted(files: Iterable[FormattedFile]) -> None:
    try:
        write_file_set({file.path: file.after for file in files})
    except OSError as error:
        raise click.ClickException(f"{error.strerror}: nothing is changed") from error


def format_standard_input() -> None:
    """Format what an editor hands in; where that cannot be read, hand it back as it is."""
    content = sys.stdin.buffer.read()
    try:
        after, problems = format_content(content, "<stdin>")
    except UnformattableError as error:
        sys.stdout.buffer.write(content)
        raise click.ClickException(f"the input is left as it is: {error}") from error
    sys.stdout.buffer.write(after)
    if problems:
        report = build_report(Path(), problems, {"<stdin>": content}, 0, 0)
        click.echo(report.format_problems(report.errors), err=True)
        raise SystemExit(1)


def show_diff(file: FormattedFile) -> None:
    before, after = (
        text.decode(errors="replace").splitlines(keepends=True)
        for text in (file.before, file.after)
    )
    name = file.path.as_posix()
    for line in unified_diff(before, after, name, f"{name} (formatted)"):
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        click.echo(line + end, nl=False)
