"""`flowengine import`."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from flowengine.cli.file_set import write_file_set
from flowengine.compile import compile_project
from flowengine.importers.connect.connect_project import import_connect
from flowengine.importers.flow_parts import ImportResult
from flowengine.importers.source_json import MAX_SOURCE_BYTES
from flowengine.importers.studio.studio_project import import_studio
from flowengine.importers.unique_names import MAX_FLOW_NAME_LENGTH, to_name
from flowengine.importers.voicexml.voicexml_project import import_voicexml
from flowengine.problems.project_report import ProjectReport, build_report

IMPORTERS: Final[Mapping[str, Callable[[Mapping[str, bytes], str], ImportResult]]] = {
    "connect": import_connect,
    "studio": import_studio,
    "voicexml": import_voicexml,
}


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from",
    "system",
    type=click.Choice(list(IMPORTERS)),
    required=True,
    help="What the files are from: Amazon Connect, Twilio Studio, or a server of VoiceXML.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the project, which is made.  [default: one named after the first file]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def import_(files: tuple[Path, ...], system: str, folder: Path | None, *, as_json: bool) -> None:
    """Begin a project with the flows of another system, and tell what became of them.

    FILES are exported flows or documents; those that use each other belong into one import. The
    report says what was converted, what was changed, and what is lost, each with its place in the
    source. Exit code 1 says that a file could not be imported, or that the new project has errors.
    """
    name = to_name((folder or files[0]).absolute().stem, "-", MAX_FLOW_NAME_LENGTH) or "imported"
    target = folder or Path(name)
    refuse_full_folder(target)
    result = IMPORTERS[system](read_sources(files), name)
    if not result.draft.flows:
        show_result(result, None, target, as_json=as_json)
        raise SystemExit(1)
    written = result.draft.to_files()
    write_files(target, written)
    flows = {path: text for path, text in written.items() if not path.startswith("scenarios/")}
    compiled = compile_project(flows)
    checked = build_report(
        target, compiled.problems, flows, compiled.flow_count, compiled.state_count
    )
    show_result(result, checked, target, as_json=as_json)
    if result.problems or checked.errors:
        raise SystemExit(1)


def refuse_full_folder(folder: Path) -> None:
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty: name a folder that is, with --to")
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error


def read_sources(files: tuple[Path, ...]) -> dict[str, bytes]:
    """The files by name; of a file that is too long, enough to say so."""
    found: dict[str, bytes] = {}
    for path in dict.fromkeys(files):
        try:
            with path.open("rb") as opened:
                found[path.as_posix()] = opened.read(MAX_SOURCE_BYTES + 1)
        except OSError as error:
            raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    return found


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        write_file_set({folder / name: content for name, content in files.items()})
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}; nothing is imported") from error


def show_result(
    result: ImportResult, checked: ProjectReport | None, folder: Path, *, as_json: bool
) -> None:
    problems = result.problems
    if as_json:
        data = result.draft.report.to_data() | {"folder": os.fspath(folder), "problems": problems}
        data["check"] = {
            "errors": [problem.message for problem in checked.errors] if checked else [],
            "problems": len(checked.problems) if checked else 0,
        }
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    if checked:
        click.echo(result.draft.report.format_text())
    for file, reason in problems.items():
        click.echo(f"{file} is not imported: {reason}", err=True)
    if checked:
        if checked.errors:
            click.echo(checked.format_problems(checked.errors), err=True)
        click.echo(f"{folder}: {checked.format_summary()}")
