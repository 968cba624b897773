"""Somebody takes the archive of releases away, or puts another one in its place, while it is open."""

import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.releases import sqlite_archive
from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.ledger import Change, Ledger
from flowengine.runtime.log_once import LogOnce
from flowengine.sources.flow_source import FlowOrigin


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sqlite_archive, "RESTORE_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_archive, "_log_once", LogOnce(logging.getLogger("archive")))
    return tmp_path / "releases.db"


def publish(ledger: Ledger, release: str) -> None:
    ledger.append_change(lambda _live: Change("Ann", "publish", release), 1.0)


def alone(path: Path) -> None:
    path.unlink()


def all_of_it(path: Path) -> None:
    for file in path.parent.glob("releases.db*"):
        file.unlink()


@pytest.mark.parametrize("how", [alone, all_of_it])
def test_deleted_archive_is_restored_as_it_was(
    path: Path, how: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    archive, first, second = Archive(path), Ledger(path), Ledger(path)
    archive.put("r1", {"a.yaml": b"a"}, FlowOrigin("flows"), 1.0)
    publish(first, "r1")
    for number in range(2, 5):
        how(path)
        publish((first, second)[number % 2], f"r{number}")
        assert (
            first.get_live().current,
            second.get_live().current,
            Ledger(path).get_live().current,
        ) == (f"r{number}",) * 3
        assert archive.load_files("r1") == Archive(path).load_files("r1") == {"a.yaml": b"a"}
    assert [change.release for change in second.list_changes()] == ["r1", "r2", "r3", "r4"]
    assert [line for line in caplog.messages if "put back" in line] == [
        (
            f"{path} was taken away while it was used, and has been put back: to begin anew, end the "
            "server first"
        )
    ]
    assert {file.name for file in path.parent.iterdir()} == {
        "releases.db",
        "releases.db-wal",
        "releases.db-shm",
    }


def test_process_that_missed_an_earlier_loss_restores_nothing(path: Path) -> None:
    awake, sleeper = Ledger(path), Ledger(path)
    publish(awake, "r1")
    all_of_it(path)
    publish(awake, "r2")
    all_of_it(path)
    with pytest.raises(ArchiveError, match="about to be put back"):
        sleeper.get_live()
    assert (
        awake.get_live().current,
        sleeper.get_live().current,
        Ledger(path).get_live().current,
    ) == (
        "r2",
        "r2",
        "r2",
    )


def test_older_copy_of_the_archive_is_live_once_put_in_place(path: Path) -> None:
    ledger = Ledger(path)
    publish(ledger, "r1")
    Ledger(path).close()
    shutil.copy(path, path.with_name("copy.db"))
    shutil.copy(path.with_name("releases.db-wal"), path.with_name("copy.db-wal"))
    publish(ledger, "r2")
    Archive(path.with_name("copy.db")).close()
    path.with_name("copy.db").rename(path)
    assert ledger.get_live().current == "r1"
    publish(ledger, "r3")
    assert Ledger(path).get_live().current == ledger.get_live().current == "r3"


def test_live_state_goes_on_where_the_archive_cannot_be_restored(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(path)
    publish(ledger, "r1")
    path.unlink()
    path.mkdir()
    assert ledger.get_live().current == "r1"
    assert "cannot be put back; what is live goes on until the server ends" in caplog.text
    path.rmdir()
    assert ledger.get_live().current == Ledger(path).get_live().current == "r1"


def test_archive_that_a_new_process_has_made_anew_gets_back_what_was_in_the_old_one(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, archive = Ledger(path), Archive(path)
    archive.put("r1", {"a.yaml": b"a"}, FlowOrigin("flows"), 1.0)
    publish(ledger, "r1")
    all_of_it(path)
    new = Ledger(path)
    assert new.get_live().current == ""
    assert ledger.get_live().current == new.get_live().current == "r1"
    assert Archive(path).load_files("r1") == {"a.yaml": b"a"}
    assert "has been put back" in caplog.text


def test_archive_with_a_table_of_a_version_before_is_put_back_without_it(path: Path) -> None:
    ledger = Ledger(path)
    publish(ledger, "r1")
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE canary_calls (call BLOB)")
    all_of_it(path)
    assert ledger.get_live().current == Ledger(path).get_live().current == "r1"
