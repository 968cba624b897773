"""Upgrades of what a server keeps are shown before they are done, and never go back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.storage.sessions import open_store
from tests.journal.journal_line import record, ring
from tests.journal.test_postgresql_failures import RELEASE
from tests.journal.version_2 import make_journal


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *arguments])


def read_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute("PRAGMA user_version").fetchone()[0])


def test_dry_run_shows_statements_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_journal(path).close()
    store = f"sqlite:{tmp_path / 'calls.db'}"
    done = run("--store", store, "--dry-run")
    assert done.exit_code == 0
    assert f"{path}: from version 2 to 3\n    ALTER TABLE callbacks ADD COLUMN" in done.output
    assert read_version(path) == 2
    assert run("--store", store).exit_code == 0
    assert read_version(path) == 3
    done = run("--store", store)
    assert done.stdout == f"{path}: version 3, as needed\n"
    assert f"there is no session store {tmp_path / 'calls.db'}" in done.stderr


def test_newer_file_is_refused_with_cure(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    record(path, RELEASE, [ring("a")])
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 9")
    done = run("--store", f"sqlite:{tmp_path / 'calls.db'}")
    assert done.exit_code == 1
    assert "version 9, where this flowengine knows 3: install the newer version" in done.output
    assert done.stderr.endswith("nothing was upgraded\n")
    assert read_version(path) == 9


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database, but long enough to look like one" * 99)
    done = run("--store", f"sqlite:{tmp_path / 'calls.db'}", "--dry-run")
    assert (done.exit_code, f"{path} cannot be read: file is not" in done.output) == (1, True)


async def test_parts_of_postgresql_are_told(postgresql: str) -> None:
    assert run("--store", postgresql).output == "nothing is kept here yet\n"
    await open_store(postgresql).close()
    done = run("--store", postgresql)
    assert (done.exit_code, done.output.count(", as needed\n")) == (0, 3)
    with psycopg.connect(postgresql) as connection:
        connection.execute("UPDATE flowengine.parts SET version = 9 WHERE name = 'queues'")
    done = run("--store", postgresql, "--dry-run")
    assert done.exit_code == 1
    assert " queues: version 9, where this flowengine knows 1" in done.output
