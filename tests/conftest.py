"""Golden files: whatever a person reads is kept as a file and compared. UPDATE_GOLDEN=1 writes them anew; read the diff."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> Callable[[Path, str], None]:
    def compare(file: Path, text: str) -> None:
        if os.environ.get("UPDATE_GOLDEN") == "1":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file.name} is missing: run with UPDATE_GOLDEN=1 and read what it writes"
        assert text == file.read_text(encoding="utf-8")

    return compare
