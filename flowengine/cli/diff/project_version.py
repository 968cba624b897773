"""Versions of a project by what people call them: a folder, a file, a ref."""

from pathlib import Path

import click
import msgspec

from flowengine.compile import CompileResult, compile_project
from flowengine.sources.git import GitError, Repository
from flowengine.sources.project_folder import PROJECT_FILE, read_folder


class ProjectVersion(msgspec.Struct, frozen=True):
    """A version as it was named. `folder` stands in front of its files."""

    name: str
    folder: str
    compiled: CompileResult


def load_version(name: str, repository: Path, folder: str) -> ProjectVersion:
    """What a name means. One that means nothing ends the command."""
    path = Path(name)
    try:
        if path.exists():
            base = path.parent if path.is_file() else path
            return ProjectVersion(
                name, format_folder_prefix(base.as_posix()), compile_project(read_folder(path), {})
            )
        ref, _, inner = name.partition(":")
        return from_git(name, Repository(repository), ref, inner if ":" in name else folder)
    except (OSError, GitError) as error:
        if f"has no folder {folder}" in str(error) and ":" not in name:
            raise click.UsageError(
                f"{error}; say with --path where the flows lie in it, . for the top"
            ) from error
        raise click.UsageError(
            f"{name} is no folder or file here, nor a version in git: {error}"
        ) from error


def from_git(name: str, repository: Repository, ref: str, folder: str) -> ProjectVersion:
    """The flows of a commit; a single file is a project of one flow, unless a project file lies
    beside it, as on a disk.
    """
    single = folder.endswith((".yaml", ".yml"))
    base, _, own = folder.rpartition("/") if single else (folder, "", "")
    try:
        files = repository.read_files(repository.find_commit(ref), base)
    finally:
        repository.close()
    if single and own not in files:
        raise GitError(f"{ref} has no file {folder}")
    chosen = {own: files[own]} if single and PROJECT_FILE not in files else files
    return ProjectVersion(name, format_folder_prefix(base.strip("/")), compile_project(chosen, {}))


def format_folder_prefix(folder: str) -> str:
    return "" if folder in ("", ".") else f"{folder}/"
