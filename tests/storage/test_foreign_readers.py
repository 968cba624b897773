"""Whoever looks into the files of a running server and goes again takes nothing with them."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from flowengine.journal.journal_database import open_for_writing
from flowengine.releases.sqlite_archive import open_archive_file as archive
from flowengine.storage.sessions.sqlite_connection import open_session_file as store

LOOKING = """
import sqlite3, sys
found = sqlite3.connect(sys.argv[1])
found.execute("SELECT count(*) FROM sqlite_schema").fetchone()
found.close()
"""
READING = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM written').fetchone()[0])"


@pytest.mark.parametrize(
    "connect",
    [archive, open_for_writing, partial(store, busy_seconds=1.0)],
    ids=["archive", "journal", "store"],
)
def test_file_with_two_connections_keeps_what_is_written_after_a_foreign_reader(
    connect: Callable[[Path], sqlite3.Connection], tmp_path: Path
) -> None:
    path = tmp_path / "file.db"
    first = connect(path)
    first.execute("CREATE TABLE written (number INTEGER)")
    second = connect(path)
    subprocess.run([sys.executable, "-c", LOOKING, str(path)], check=True)
    first.execute("INSERT INTO written VALUES (1)")
    done = subprocess.run(
        [sys.executable, "-c", READING, str(path)], check=True, capture_output=True
    )
    assert done.stdout == b"1\n"
    first.close()
    second.close()
