"""One language server for all tests of a worker, and folders of flows for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.editor import Editor

FLOWS = Path(__file__).parents[2] / "flows"


@pytest.fixture(scope="session")
def editor() -> Iterator[Editor]:
    with Editor() as made:
        yield made


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """The sample flows in a folder of their own, whose problems nobody else asks for."""
    return Path(shutil.copytree(FLOWS, tmp_path / "flows"))
