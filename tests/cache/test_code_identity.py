"""The identity of the program changes with whatever the problems of a project depend on."""

import os
from collections.abc import Callable
from pathlib import Path
from time import time_ns

import pytest

from flowengine.cache.code_identity import compute_code_identity


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program with a schema beside it, installed packages and zone data."""
    for name in (
        "code/package/inner/module.py",
        "code/package/__pycache__/module.pyc",
        "code/schemas/flow.json",
        "installed/babel-2.19.0.dist-info/METADATA",
        "zones/tzdata.zi",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    monkeypatch.setenv("TZDIR", str(tmp_path / "zones"))
    monkeypatch.setattr("flowengine.cache.code_identity.LOADED_AT", time_ns() + 10**11)
    return tmp_path / "code" / "package"


def upgrade_babel(root: Path) -> None:
    installed = root / "installed"
    (installed / "babel-2.19.0.dist-info").rename(installed / "babel-2.20.0.dist-info")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file changes": lambda root: (root / "code/package/inner/module.py").write_text("after!"),
    "a file comes": lambda root: (root / "code/package/inner/more.py").write_text(""),
    "a file goes": lambda root: (root / "code/package/inner/module.py").unlink(),
    "a schema changes": lambda root: (root / "code/schemas/flow.json").write_text("after!"),
    "a package is upgraded": upgrade_babel,
    "the search path changes": lambda root: os.sys.path.append(str(root)),  # type: ignore[attr-defined]
    "the zone data changes": lambda root: (root / "zones/tzdata.zi").write_text("after!"),
    "other zone data is named": lambda root: os.environ.update(TZDIR=str(root)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_identity_differs_after_a_change(package: Path, change: Callable[[Path], object]) -> None:
    before = compute_code_identity(package)
    assert before == compute_code_identity(package)
    change(package.parents[1])
    assert compute_code_identity(package) not in (None, before)


def test_identity_stays_when_python_compiles_a_module(package: Path) -> None:
    before = compute_code_identity(package)
    (package / "__pycache__/module.pyc").write_text("after!")
    assert compute_code_identity(package) == before


def test_identity_of_code_that_may_have_changed_since_it_was_loaded_is_unknown(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.cache.code_identity.LOADED_AT", time_ns())
    assert compute_code_identity(package) is None
