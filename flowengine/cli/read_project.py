"""Reading and compiling the project that a command is given."""

import gc
from collections.abc import Mapping
from pathlib import Path

import click

from flowengine.compile import compile_project
from flowengine.compile.loaded_project import LoadedProject, to_loaded_project
from flowengine.model.project_folder import read_folder


def read_project(
    flows: Path, environment: Mapping[str, str] | None = None, *, cookies_only: bool = False
) -> LoadedProject:
    """Read and compile. A folder that cannot be read ends the command."""
    try:
        files = read_folder(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    compiled = compile_project(files, environment, cookies_only=cookies_only)
    gc.freeze()  # it stays until the command ends: no collection need walk through it
    return to_loaded_project(flows.parent if flows.is_file() else flows, files, compiled)
