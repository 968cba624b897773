"""The one way to open a SQLite file: modes, schema, and files that are lost while they are open."""

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.journal.journal_database import JOURNAL_SCHEMA
from flowengine.releases.sqlite_archive import ARCHIVE_SCHEMA
from flowengine.storage import sqlite_file
from flowengine.storage.file_mode import restrict_to_owner
from flowengine.storage.sessions.session_file import SESSION_SCHEMA
from flowengine.storage.sqlite_errors import SchemaVersionError
from flowengine.storage.sqlite_file import SqliteSchema, create_file, open_sqlite_file

WORDS = SqliteSchema(
    2,
    {
        0: ("CREATE TABLE words (word TEXT)",),
        1: ("ALTER TABLE old_words RENAME TO words",),
    },
    additions=("CREATE TABLE IF NOT EXISTS later (number INTEGER)",),
)
LOOKING = """
import sqlite3, sys
found = sqlite3.connect(sys.argv[1])
found.execute("SELECT count(*) FROM sqlite_schema").fetchone()
found.close()
"""
READING = (
    "import sqlite3, sys; "
    "print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM written').fetchone()[0])"
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read_words(path: Path) -> list[str]:
    return [
        word
        for (word,) in open_sqlite_file(path, WORDS, 1.0).connection.execute("SELECT * FROM words")
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.db"


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o755, 0o606])
def test_database_that_others_may_read_is_for_its_owner_afterwards(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    files = [tmp_path / name for name in ("a.db", "a.db-wal", "a.db-shm")]
    for file in files:
        file.touch()
        file.chmod(mode)
    create_file(files[0])
    assert {mode_of(file) for file in files} == {mode & 0o700}
    assert f"a.db (mode {mode:04o}): from now on its user alone may" in caplog.text
    caplog.clear()
    create_file(files[0])
    assert not caplog.text


def test_database_whose_mode_cannot_be_changed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is another user's."""
    file = tmp_path / "a.db"
    file.touch(0o644)
    file.chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    create_file(file)
    assert "(mode 0644), and that cannot be changed: Operation not permitted" in caplog.text


def test_mode_of_a_folder_or_a_missing_file_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    restrict_to_owner(tmp_path, tmp_path / "missing")
    assert mode_of(tmp_path) == 0o755


@pytest.mark.parametrize(
    "schema",
    [ARCHIVE_SCHEMA, JOURNAL_SCHEMA, SESSION_SCHEMA],
    ids=["archive", "journal", "store"],
)
def test_file_with_two_connections_keeps_what_is_written_after_somebody_looked(
    schema: SqliteSchema, tmp_path: Path
) -> None:
    path = tmp_path / "file.db"
    first = open_sqlite_file(path, schema, 1.0).connection
    first.execute("CREATE TABLE written (number INTEGER)")
    second = open_sqlite_file(path, schema, 1.0).connection
    subprocess.run([sys.executable, "-c", LOOKING, str(path)], check=True)
    first.execute("INSERT INTO written VALUES (1)")
    done = subprocess.run(
        [sys.executable, "-c", READING, str(path)], check=True, capture_output=True
    )
    assert done.stdout == b"1\n"
    first.close()
    second.close()


def test_new_file_has_the_schema_and_a_log_for_its_owner_alone(path: Path) -> None:
    connection = open_sqlite_file(path, WORDS, 1.0).connection
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (1000,)
    assert {mode_of(file) for file in path.parent.iterdir()} == {0o600}


def test_file_of_an_older_version_is_upgraded(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE old_words (word TEXT)")
        old.execute("INSERT INTO old_words VALUES ('kept')")
        old.execute("PRAGMA user_version = 1")
    connection = open_sqlite_file(path, WORDS, 1.0).connection
    assert connection.execute("SELECT * FROM words").fetchall() == [("kept",)]
    assert connection.execute("SELECT * FROM later").fetchall() == []
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)


@pytest.mark.parametrize(
    "statements",
    ["PRAGMA user_version = 3", "CREATE TABLE others (number)"],
    ids=["newer version", "other tables"],
)
def test_file_of_another_kind_is_refused_and_left_as_it_is(path: Path, statements: str) -> None:
    with sqlite3.connect(path) as other:
        other.execute(statements)
    content = path.read_bytes()
    with pytest.raises(SchemaVersionError):
        open_sqlite_file(path, WORDS, 1.0)
    assert path.read_bytes() == content


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    for file in path.parent.glob("words.db*"):
        file.unlink()


def replace(path: Path) -> None:
    """Put another file in place, beside the log of this one."""
    (path.parent / "copy.db").rename(path)


@pytest.mark.parametrize(
    ("lose", "kept"), [(delete, []), (delete_all, []), (replace, ["copied"])], ids=lambda _: ""
)
def test_successor_of_a_lost_file_is_what_is_in_its_place(
    path: Path, lose: Callable[[Path], None], kept: list[str]
) -> None:
    with sqlite3.connect(path.parent / "copy.db") as copy:
        copy.executescript(
            "CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('copied'); "
            "PRAGMA user_version = 2"
        )
    copy.close()
    file = open_sqlite_file(path, WORDS, 1.0)
    file.connection.execute("INSERT INTO words VALUES ('lost')")
    assert file.is_in_place()
    lose(path)
    assert not file.is_in_place()
    successor = file.open_successor(1.0)
    assert successor.is_in_place()
    assert read_words(path) == kept
    assert file.connection.execute("SELECT * FROM words").fetchall() == [("lost",)]
    file.connection.close()
    successor.connection.execute("INSERT INTO words VALUES ('new')")
    assert read_words(path) == [*kept, "new"]
    assert successor.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_successor_is_seen_by_others_with_what_is_copied(path: Path) -> None:
    file = open_sqlite_file(path, WORDS, 1.0)
    file.connection.execute("INSERT INTO words VALUES ('live')")
    path.unlink()
    seen: list[list[str]] = []
    reader = threading.Thread(target=lambda: seen.append(read_words(path)))

    def copy(new: sqlite3.Connection) -> None:
        reader.start()
        reader.join(0.1)
        assert seen == []
        new.executemany(
            "INSERT INTO words VALUES (?)", file.connection.execute("SELECT * FROM words")
        )

    file.open_successor(1.0, copy)
    reader.join(5)
    assert seen == [["live"]]


def test_successor_that_cannot_be_made_leaves_the_lost_file_open(path: Path) -> None:
    file = open_sqlite_file(path, WORDS, 1.0)
    path.unlink()
    path.mkdir()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        file.open_successor(1.0)
    file.connection.execute("INSERT INTO words VALUES ('still')")
    path.rmdir()
    assert file.open_successor(1.0).is_in_place()


def test_successor_whose_rows_cannot_be_copied_is_closed(path: Path) -> None:
    file = open_sqlite_file(path, WORDS, 1.0)
    path.unlink()
    connections: list[sqlite3.Connection] = []

    def fail(new: sqlite3.Connection) -> None:
        connections.append(new)
        raise sqlite3.OperationalError("disk is full")

    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        file.open_successor(1.0, fail)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connections[0].execute("SELECT * FROM words")


def test_file_that_another_process_writes_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "OPENING_SECONDS", 0.02)
    other = open_sqlite_file(path, WORDS, 1.0).connection
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_sqlite_file(path, WORDS, 1.0)
    other.execute("COMMIT")
    assert open_sqlite_file(path, WORDS, 1.0).is_in_place()
