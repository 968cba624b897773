"""Only the folders that flows lie in are watched: what goes on beside and below them wakes nobody."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.sources.folder_source import FolderSource
from tests.sources.git_repository import flow
from tests.waiting import wait_until_async

INFO = Path("/proc/self/fdinfo")
pytestmark = pytest.mark.skipif(not INFO.is_dir(), reason="only Linux tells what is watched")


def watches() -> int:
    """How many folders this process has the system watch."""
    found = 0
    for file in INFO.iterdir():
        try:
            found += file.read_text().count("inotify wd:")
        except OSError:  # closed meanwhile
            continue
    return found


def busy(folder: Path) -> Path:
    """A folder with thousands of files in a tree."""
    for number in range(60):
        (folder / f"part{number}").mkdir(parents=True)
        for file in range(50):
            (folder / f"part{number}" / f"{file}.yaml").write_text("")
    return folder


def single(folder: Path) -> Path:
    (folder / "menu.yaml").write_text(flow("menu", "One."))
    busy(folder / "beside")
    return folder / "menu.yaml"


def project(folder: Path) -> Path:
    (folder / "menu.yaml").write_text(flow("menu", "One."))
    (folder / "tables").mkdir()
    busy(folder / "node_modules")
    return folder


@pytest.mark.parametrize(
    ("make", "watched"), [(single, 1), (project, 2)], ids=["single", "project"]
)
async def test_watches_are_set_on_folders_of_flows_only(
    tmp_path: Path, make: Callable[[Path], Path], watched: int
) -> None:
    place = FolderSource(make(tmp_path))
    woken: list[object] = []
    beside = [*tmp_path.glob("*/part*/*.yaml")]

    async def wake() -> None:
        async for change in place.watch_changes():
            woken.append(change)  # noqa: PERF401  # they are counted while they come

    before = watches()
    task = asyncio.create_task(wake())
    while len(woken) < 2:  # noqa: ASYNC110  # the second one as the watch stands
        await asyncio.sleep(0.05)
    assert watches() - before == watched
    first = len(woken)
    for file in beside:
        file.write_text("changed")
    await asyncio.sleep(1)
    assert len(woken) == first
    (tmp_path / "menu.yaml").write_text(flow("menu", "Two."))
    await wait_until_async(lambda: len(woken) > first)
    task.cancel()


async def test_changes_go_on_after_files_whose_names_are_no_utf_8(tmp_path: Path) -> None:
    """The watcher ends with an error at such a name, if it looks at the right moment."""
    (tmp_path / "menu.yaml").write_text(flow("menu", "One."))
    place = FolderSource(tmp_path)
    woken: list[object] = []

    async def wake() -> None:
        async for change in place.watch_changes():
            woken.append(change)  # noqa: PERF401  # they are counted while they come

    task = asyncio.create_task(wake())
    await wait_until_async(lambda: len(woken) > 1)
    for number in range(40):
        (tmp_path / os.fsdecode(b"\xff%d.yaml" % number)).touch()
        await asyncio.sleep(0.01 * (number % 7))
    for _ in range(2):
        before = len(woken)
        await wait_until_async(lambda before=before: len(woken) > before or task.done())
    assert not task.done()
    task.cancel()


async def test_told_change_is_read_without_a_look_at_the_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.sources.folder_source.FULL_READ_SECONDS", 1000.0)
    place, found = FolderSource(project(tmp_path)), list[dict[str, bytes]]()
    woken = 0

    async def follow() -> None:
        nonlocal woken
        async for _ in place.watch_changes():
            if snapshot := place.read():
                found.append(snapshot.files)
            woken += 1

    task = asyncio.create_task(follow())
    await wait_until_async(lambda: woken > 1)  # the watch stands
    monkeypatch.setattr("flowengine.sources.project_folder.iterate_file_names", None)
    for words in ("Two.", "Three."):
        (tmp_path / "menu.yaml").write_text(flow("menu", words))
        await wait_until_async(lambda words=words: words.encode() in found[-1]["menu.yaml"])
    task.cancel()


def test_folder_forgets_what_was_read_and_not_used(tmp_path: Path) -> None:
    place = FolderSource(project(tmp_path))
    first = place.read()
    assert first is not None
    assert place.read() is None
    place.forget_last_read()
    assert place.read() == first
