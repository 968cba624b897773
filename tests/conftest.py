"""Golden files, and a real PostgreSQL.

Golden files: whatever a person reads is kept as a file and compared. UPDATE_GOLDEN=1 writes them
anew; read the diff.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.thoroughness import examples

settings.register_profile("properties", max_examples=examples(100))
settings.load_profile("properties")


@pytest.fixture(scope="session")
def golden() -> Callable[[Path, str], None]:
    def compare(file: Path, text: str) -> None:
        if os.environ.get("UPDATE_GOLDEN") == "1":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), (
            f"{file.name} is missing: run with UPDATE_GOLDEN=1 and read what it writes"
        )
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server of this session, without TCP."""
    with (
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(prefix="flowengine-pg-", ignore_cleanup_errors=True) as folder,
    ):
        warnings.simplefilter("ignore")  # of its own libraries, about this machine
        server = pytest.importorskip("pgserver").get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The same server, and nothing of ours on it."""
    import psycopg

    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS flowengine CASCADE")
    return postgresql_server
