"""The stores, each as a parameter of the tests that all of them must pass."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.storage.sessions.opened_stores import Opener, in_memory, on_postgresql, on_sqlite


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "memory":
        return in_memory
    if request.param == "sqlite":
        return on_sqlite(tmp_path / "calls.db")
    return on_postgresql(request.getfixturevalue("postgresql"))


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """How slow a machine is, is not asked here."""
    with pytest.MonkeyPatch.context() as patch:
        with suppress(ImportError):  # without the driver there is no such store to test
            patch.setattr(
                "flowengine.storage.sessions.postgresql_store.STATEMENT_TIMEOUT_SECONDS", 30.0
            )
        yield
