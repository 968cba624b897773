"""The identity of the program: what the problems of a project depend on beside its files."""

import hashlib
import os
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from time import time_ns
from typing import Final

from flowengine.sources.project_folder import SETTLED_NANOSECONDS, get_stamp

Stamp = tuple[int, ...]
LOADED_AT: Final = time_ns()
PACKAGE: Final = Path(__file__).parents[1]
METADATA_SUFFIXES: Final = (".dist-info", ".egg-info", ".egg-link")


def compute_code_identity(package: Path = PACKAGE) -> bytes | None:
    """A digest of the program's own files, of Python, of all packages that it can import and of the
    time zones, by their stamps: reading them all would take as long as a check.

    None where a file of the program has changed since it was loaded, or just before.
    """
    # in a source tree the schemas lie beside the package
    code = [*list_code_stamps(package), *list_code_stamps(package.parent / "schemas")]
    if any(is_unsettled(stamp) for _, stamp in code):
        return None
    given = (
        (sys.version, sys.executable, tuple(sys.flags), sys.getfilesystemencoding()),
        [(entry, list_installed(entry)) for entry in sys.path],
        list_zone_stamps(),
        code,
    )
    return hashlib.blake2b(repr(given).encode(errors="surrogatepass")).digest()


def list_code_stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """The stamps of all files below a folder, but for what Python has compiled from them."""
    folders = [os.fspath(folder)] if folder.is_dir() else []
    while folders:
        with os.scandir(folders.pop()) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            if entry.is_dir():
                folders += [entry.path] if entry.name != "__pycache__" else []
            else:
                yield entry.path, get_stamp(entry.stat())


def is_unsettled(stamp: Stamp) -> bool:
    """Whether a file may have another content than when this process read it."""
    changed_at = stamp[1]
    return changed_at > LOADED_AT - SETTLED_NANOSECONDS


def list_installed(entry: str) -> list[tuple[str, Stamp]]:
    """The packages in an entry of the search path by the folders of their metadata, which carry the
    version and are made anew by each installation.
    """
    place = Path(entry)
    if place.is_file():  # an archive
        return [("", get_stamp(place.stat()))]
    if not place.is_dir():
        return []
    with os.scandir(place) as entries:
        return sorted(
            (one.name, get_stamp(one.stat()))
            for one in entries
            if one.name.endswith(METADATA_SUFFIXES)
        )


def list_zone_stamps() -> list[tuple[str, Stamp]]:
    """The zone data of the system; that of the `tzdata` package is a package among the others."""
    named = os.environ.get("TZDIR")
    tables = [
        Path(folder, "tzdata.zi") for folder in ([named] if named else []) + [*zoneinfo.TZPATH]
    ]
    return [(os.fspath(table), get_stamp(table.stat())) for table in tables if table.is_file()]
