"""A disk that is soon full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_SECONDS


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of one megabyte in this folder. Skips the test where nobody may mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    try:
        mounted = subprocess.run(
            command, capture_output=True, check=False, timeout=PATIENCE_SECONDS
        ).returncode
    except OSError:
        mounted = 1
    if mounted != 0:
        pytest.skip("a file system of its own needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=PATIENCE_SECONDS)


def fill_disk(filler: Path) -> None:
    """Write to this file until its disk is full."""
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
