"""Files that are written together: all of them, or none."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from shutil import copymode

from flowengine.sources.project_folder import resolve_link


def write_file_set(files: Mapping[Path, bytes]) -> None:
    """Write all files, and make the folders that they need. Raises OSError where one cannot be
    written; then all files and folders are as they were.
    """
    with ExitStack() as undo:
        stage_file_set(files, undo)
        undo.pop_all()


def stage_file_set(files: Mapping[Path, bytes], undo: ExitStack) -> None:
    """Write all files, each in the end by a rename, so that a full disk shows before any change;
    `undo` takes it back. Raises OSError.
    """
    staged = [stage_file(path, content, undo) for path, content in files.items()]
    for path, new in staged:
        if path.exists():
            undo.callback(path.write_bytes, path.read_bytes())
        else:
            undo.callback(path.unlink, missing_ok=True)
        new.replace(path)


def stage_file(path: Path, content: bytes, undo: ExitStack) -> tuple[Path, Path]:
    """Where a link leads, and the new content beside it."""
    path = resolve_link(path)
    make_folder(path.parent, undo)
    new = path.with_name(f".{path.name}.new")
    undo.callback(new.unlink, missing_ok=True)
    new.write_bytes(content)
    if path.exists():
        copymode(path, new)
    return path, new


def make_folder(folder: Path, undo: ExitStack) -> None:
    """Make a folder, with those that it is in; one that was there stays when `undo` is run."""
    if folder.exists():  # a file, too: what is made in it fails
        return
    make_folder(folder.parent, undo)
    folder.mkdir()
    undo.callback(folder.rmdir)
