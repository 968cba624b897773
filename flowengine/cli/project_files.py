"""The files of the project that a command is given."""

from pathlib import Path

import click

from flowengine.sources.project_folder import read_folder


def read_project_files(flows: Path) -> dict[str, bytes]:
    """The files by name. A folder that cannot be read ends the command."""
    try:
        return read_folder(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error


def get_project_folder(flows: Path) -> Path:
    """Where people find the files, whether they gave a folder or one file."""
    return flows.parent if flows.is_file() else flows
