"""The version before this one, which servers of before run in tests of upgrades."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fork_server import ROOT

# What was released last. Raise it after each release, to its commit; tests then say which promises
# of docs/operations/upgrades.md no longer hold. Its dependencies are those of this version.
PREVIOUS_REVISION = "032ff5d8bd87a9cc64402384aabb50b5d6c2df13"
_PATHS = ("flowengine", "schemas", "tests/__init__.py", "tests/fork_server.py")


@contextmanager
def lay_out_previous_version() -> Iterator[Path]:
    """A folder with the source code of the version before, for as long as the block takes. Skips the
    test where this is no clone with its history.
    """
    archived = subprocess.run(
        ["git", "archive", PREVIOUS_REVISION, *_PATHS], cwd=ROOT, capture_output=True, check=False
    )
    if archived.returncode:
        pytest.skip(f"this clone lacks {PREVIOUS_REVISION}: {archived.stderr.decode().strip()}")
    with TemporaryDirectory(prefix="flowengine-previous-", ignore_cleanup_errors=True) as folder:
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
