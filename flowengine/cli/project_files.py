"""The files of the project that a command is given."""

from pathlib import Path
from typing import NamedTuple

import click

from flowengine.problems import Problem
from flowengine.sources.project_folder import UnreadableFilesError, read_folder


class ProjectFiles(NamedTuple):
    """The files by name, and a problem for each that cannot be read."""

    contents: dict[str, bytes]
    unreadable: list[Problem]


def read_project_files(flows: Path) -> ProjectFiles:
    """Read what can be read. A folder that cannot be read ends the command."""
    try:
        return ProjectFiles(read_folder(flows), [])
    except UnreadableFilesError as error:
        return ProjectFiles(dict(error.files), error.to_problems())
    except OSError as error:
        raise click.UsageError(str(error)) from error


def get_project_folder(flows: Path) -> Path:
    """Where people find the files, whether they gave a folder or one file."""
    return flows if flows.is_dir() else flows.parent
