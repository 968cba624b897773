"""Reading and compiling the project that a command is given."""

import gc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from flowengine.compile import compile_project
from flowengine.compile.loaded_project import LoadedProject, to_loaded_project
from flowengine.model.project_folder import UnreadableFilesError, read_folder
from flowengine.problems import Problem, sort_problems


def read_project(
    flows: Path, environment: Mapping[str, str] | None = None, *, cookies_only: bool = False
) -> LoadedProject:
    """Read and compile. A file that cannot be read is a problem beside those of the others; a folder
    that cannot be read ends the command.
    """
    unreadable: list[Problem] = []
    try:
        files: Mapping[str, bytes] = read_folder(flows)
    except UnreadableFilesError as error:
        files, unreadable = error.files, error.to_problems()
    except OSError as error:
        raise click.UsageError(str(error)) from error
    compiled = compile_project(files, environment, cookies_only=cookies_only)
    gc.freeze()  # it stays until the command ends: no collection need walk through it
    if unreadable:
        # the flows that could not be read are none that are missing
        others = [problem for problem in compiled.problems if problem.code != "FE501"]
        problems = tuple(sort_problems([*unreadable, *others]))
        compiled = replace(compiled, release=None, problems=problems)
    folder = flows if flows.is_dir() else flows.parent
    return to_loaded_project(folder, files, compiled)
