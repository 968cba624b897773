"""A backup that is taken while calls are answered, and what becomes of those calls when it is put
back.
"""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.journal import CallFilter, SqliteJournalReader
from flowengine.server.backup import BackupError, read_manifest
from tests.support_line import Line, Server, said
from tests.waiting import wait_until


@pytest.fixture
def server(support_line_folder: Path) -> Iterator[Server]:
    server = Server(support_line_folder, workers=2)
    server.start()
    yield server
    server.kill(signal.SIGTERM)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_call_under_way_goes_on_after_a_restore(server: Server, tmp_path: Path) -> None:
    """Others call while the backup is taken."""
    line = Line(server.port, "call-1", echo=False)  # nothing but the store knows the call
    line.ring()
    line.press("1")
    # the journal is written a moment after the answers
    wait_until(lambda: "  pie " in run("calls", "call-1", "--store", server.store).output)
    stopping, answered = threading.Event(), []

    def call_on() -> None:
        while not stopping.is_set():
            other = Line(server.port, f"other-{len(answered)}", echo=False)
            answered.append(other.ring()["action"]["name"])

    caller = threading.Thread(target=call_on)
    caller.start()
    wait_until(lambda: len(answered) > 3)
    folder = tmp_path / "backup"
    done = run("backup", str(folder), "--store", server.store)
    stopping.set()
    caller.join()
    assert (done.exit_code, set(answered)) == (0, {"runMenu"}), done.output
    names = {file.name for file in read_manifest(folder).files}
    assert {"calls.db", "releases.db", "journal.db"} <= names
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700

    server.kill(signal.SIGTERM)
    for file in [*server.folder.glob("*.db*"), *server.folder.glob("cookie.key")]:
        file.unlink()
    restored = run("restore", str(folder), "--store", server.store)
    assert restored.exit_code == 0, restored.output
    server.start()
    assert said(line.press("12345674", "sequence")).startswith("Hello Ann")
    calls = SqliteJournalReader(server.folder / "journal.db").list_calls(CallFilter())
    assert "call-1" in {call.call for call in calls}
    assert "publish" in run("releases", "--store", server.store, "--json").output


def test_dump_of_postgresql_is_restored_with_calls_and_journal(
    support_line_folder: Path, tmp_path: Path, postgresql: str
) -> None:
    """By the commands of docs/operations/backup.md."""
    tools = Path(pytest.importorskip("pgserver").__file__).parent / "pginstall" / "bin"
    server = Server(support_line_folder, workers=2, store=postgresql)
    server.start()
    line = Line(server.port, "call-1", echo=False)
    line.ring()
    line.press("1")
    wait_until(lambda: "  pie " in run("calls", "call-1", "--store", postgresql).output)
    dump = [
        "--format",
        "custom",
        "--schema",
        "flowengine",
        "--file",
        str(tmp_path / "flowengine.dump"),
    ]
    subprocess.run([tools / "pg_dump", *dump, postgresql], check=True)
    Line(server.port, "later", echo=False).ring()  # nothing of a dump holds it up
    server.kill(signal.SIGTERM)
    with psycopg.connect(postgresql) as connection:
        connection.execute("DROP SCHEMA flowengine CASCADE")
    subprocess.run(
        [tools / "pg_restore", "--dbname", postgresql, str(tmp_path / "flowengine.dump")],
        check=True,
    )
    server.start()
    assert said(line.press("12345674", "sequence")).startswith("Hello Ann")
    wait_until(lambda: run("calls", "call-1", "--store", postgresql).output.count("  pie ") == 2)
    server.kill(signal.SIGTERM)


def test_restore_overwrites_nothing(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert run("backup", str(folder), "--store", server.store).exit_code == 0
    done = run("restore", str(folder), "--store", server.store)
    assert done.exit_code == 1
    assert "already: stop the server" in done.output
    again = run("backup", str(folder), "--store", server.store)
    assert "is there already" in again.output
    shutil.copytree(folder, tmp_path / "broken")
    file = tmp_path / "broken" / "releases.db"
    file.write_bytes(file.read_bytes()[:-1])
    elsewhere = f"sqlite:{tmp_path / 'new' / 'calls.db'}"
    done = run("restore", str(tmp_path / "broken"), "--store", elsewhere)
    assert "is not what was backed up" in done.output
    assert not (tmp_path / "new").exists()
    (tmp_path / "broken" / "backup.json").unlink()
    with pytest.raises(BackupError, match="no whole backup"):
        read_manifest(tmp_path / "broken")


def test_restore_of_no_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text('{"at": 1, "files": []}')
    done = run("restore", str(tmp_path), "--store", f"sqlite:{tmp_path / 'new' / 'calls.db'}")
    assert done.exit_code == 1
    assert "is a backup of no files" in done.output


def test_backup_of_postgresql_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("backup", str(tmp_path / "backup"), "--store", "postgresql://db/voice")
    assert (done.exit_code, "pg_dump --format custom" in done.output) == (1, True)
    done = run("backup", str(tmp_path / "backup"), "--store", f"sqlite:{tmp_path / 'calls.db'}")
    assert "there is no session store" in done.output
    done = run("backup", str(tmp_path / "backup"), "--store", "none", "--journal", "sqlite:no.db")
    assert "no server has kept anything" in done.output


def make_files(folder: Path) -> str:
    """The databases of a server that has kept something, and its store."""
    folder.mkdir()
    for name in ("calls.db", "releases.db", "journal.db"):
        with closing(sqlite3.connect(folder / name)) as database:
            database.execute("CREATE TABLE kept (content TEXT)")
    return f"sqlite:{folder / 'calls.db'}"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--store", "none"], "calls.db"),
        (["--store", "sqlite:new/calls.db", "--journal", "postgresql://db/voice"], "journal.db"),
    ],
)
def test_restore_without_a_place_for_a_file_restores_nothing(
    options: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = make_files(tmp_path / "old")
    assert run("backup", "saved", "--store", store).exit_code == 0
    done = run("restore", "saved", *options)
    assert done.exit_code == 1
    assert f"no place for {name}: name its --store" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {"old", "saved"}


def test_backup_says_that_a_journal_on_postgresql_is_not_in_it(tmp_path: Path) -> None:
    store = make_files(tmp_path / "old")
    journal = "postgresql://flowengine@db/voice"
    done = run("backup", str(tmp_path / "saved"), "--store", store, "--journal", journal)
    assert done.exit_code == 0
    assert "not in the backup: the call journal" in done.stderr
    assert "pg_dump --format custom" in done.stderr
    assert not (tmp_path / "saved" / "journal.db").exists()


def test_backup_of_a_store_that_is_not_there_is_refused(server: Server, tmp_path: Path) -> None:
    """A mistyped store beside that of the server would make a backup without the calls."""
    done = run("backup", str(tmp_path / "a"), "--store", f"{server.store}x")
    assert (done.exit_code, (tmp_path / "a").exists()) == (1, False)
    assert f"there is no session store {server.store.removeprefix('sqlite:')}x" in done.output
    for store in (server.store.removeprefix("sqlite:"), "mysql:calls", ""):
        for command in ("backup", "restore"):
            done = run(command, str(tmp_path), "--store", store)
            assert (done.exit_code, "is no store: write sqlite:PATH" in done.output) == (2, True)


def test_backup_that_cannot_be_written_names_its_folder(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("backup", str(tmp_path / "file/backup"), "--store", server.store)
    assert done.exit_code == 1
    assert f"cannot be written: Not a directory: {tmp_path / 'file/backup'}" in done.output


def test_restore_that_fails_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server would start on half of a backup."""
    folder, new = tmp_path / "backup", tmp_path / "new"
    wait_until((tmp_path / "journal.db").exists)  # a worker makes it after it has begun to answer
    assert run("backup", str(folder), "--store", server.store).exit_code == 0
    copied = shutil.copyfile

    def copy_until_full(source: Path, target: Path) -> None:
        if source.name == "journal.db":
            raise OSError(28, "No space left on device")
        copied(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copy_until_full)
        done = run("restore", str(folder), "--store", f"sqlite:{new / 'calls.db'}")
    assert (done.exit_code, "cannot be put back" in done.output) == (1, True)
    assert not any(new.iterdir())
    done = run("restore", str(folder), "--store", f"sqlite:{new / 'calls.db'}")
    assert done.exit_code == 0, done.output
    names = {file.name for file in read_manifest(folder).files}
    assert {file.name for file in new.iterdir()} == names
    assert {file.stat().st_mode & 0o777 for file in new.iterdir()} == {0o600}


def test_restored_files_are_on_the_disk_under_their_names(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power after the command must not leave empty files."""
    folder, new = tmp_path / "backup", tmp_path / "new"
    assert run("backup", str(folder), "--store", server.store).exit_code == 0
    synced: dict[int, tuple[int, list[str]]] = {}
    sync = os.fsync

    def note_sync(descriptor: int) -> None:
        sync(descriptor)
        found = os.fstat(descriptor)
        names = os.listdir(descriptor) if stat.S_ISDIR(found.st_mode) else []
        synced[found.st_ino] = (found.st_size, names)

    monkeypatch.setattr(os, "fsync", note_sync)
    assert run("restore", str(folder), "--store", f"sqlite:{new / 'calls.db'}").exit_code == 0
    files = [*new.iterdir()]
    for file in files:
        found = file.stat()
        assert synced[found.st_ino][0] == found.st_size > 0
    assert sorted(synced[new.stat().st_ino][1]) == sorted(file.name for file in files)
