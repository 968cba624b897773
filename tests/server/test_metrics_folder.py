"""The folder of metrics goes with its server, even where that was killed."""

import mmap
import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from flowengine.server.metrics_folder import (
    FOLDER_PREFIX,
    LOCK_FILE,
    MIN_OLD_FOLDER_SECONDS,
    MIN_STALE_SECONDS,
    delete_stale_folders,
    make_metrics_folder,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def make_folder(place: Path, name: str, age: float) -> Path:
    """What a killed server leaves."""
    folder = place / f"{FOLDER_PREFIX}{name}"
    folder.mkdir()
    (folder / "counter_17.db").touch()
    (folder / LOCK_FILE).touch()
    then = time.time() - age
    os.utime(folder / LOCK_FILE, (then, then))
    return folder


def test_folders_of_killed_servers_are_deleted_at_the_next_start(place: Path) -> None:
    killed = make_folder(place, "killed", 2 * MIN_STALE_SECONDS)
    young = make_folder(place, "young", 0)
    other = place / f"{FOLDER_PREFIX}other"  # which no server has locked yet
    other.mkdir()
    with make_metrics_folder() as folder:
        assert not killed.exists()
        assert (young.exists(), other.exists()) == (True, True)
        delete_stale_folders(place, time.time() + 2 * MIN_STALE_SECONDS)
        assert Path(folder).is_dir(), "its server lives"
        assert not young.exists()
    assert not Path(folder).exists()


def test_folder_that_cannot_be_deleted_stops_no_server(place: Path) -> None:
    folder = make_folder(place, "odd", 2 * MIN_STALE_SECONDS)
    (folder / LOCK_FILE).unlink()
    (folder / LOCK_FILE).mkdir()
    with make_metrics_folder():
        assert folder.exists()


def make_old_folder(place: Path, name: str, *files: str) -> Path:
    """What a server of before the lock leaves."""
    folder = place / f"flowengine-{name}"
    folder.mkdir()
    then = time.time() - 2 * MIN_OLD_FOLDER_SECONDS
    for file in files:
        (folder / file).write_bytes(bytes(100))
        os.utime(folder / file, (then, then))
    return folder


def test_folders_of_killed_servers_of_before_are_deleted(place: Path) -> None:
    killed = make_old_folder(place, "08h0rg_n", "counter_17.db", "gauge_livemax_17.db")
    mapped = make_old_folder(place, "mappedin", "counter_18.db", "gauge_livemax_17.db")
    others = [
        make_old_folder(place, "somebody", "counter_17.db", "letter.txt"),
        make_old_folder(place, "starting"),
        make_old_folder(place, "previous-a0b1c2d3", "counter_17.db"),
    ]
    young = make_old_folder(place, "writing_", "counter_17.db")
    (young / "counter_17.db").touch()
    with (mapped / "counter_18.db").open("r+b") as file:
        whole = mmap.mmap(file.fileno(), 0)
    with make_metrics_folder():
        assert not killed.exists()
        assert all(folder.exists() for folder in (mapped, young, *others))
    whole.close()
    with make_metrics_folder():
        assert not mapped.exists()
    assert signal.getsignal(signal.SIGIO) == signal.SIG_DFL
