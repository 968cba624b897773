"""A folder that people edit, and a branch that they push to, are followed as they change."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from releases_repository import commit, flow, git, new_repository

from flowengine.model.project_folder import read_content
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.leader_lock import FileLeaderLock
from flowengine.releases.ledger import Ledger
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.source_follower import follow_source
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FlowSource
from flowengine.sources.folder_source import FolderSource

PATIENCE = 10.0


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.02)


class Following:
    """Somebody who follows a place, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "releases.db"
        self.workshop = CompileWorker(self.path, {})
        self.ledger = Ledger(self.path)
        self.publisher = Publisher(self.workshop.archive, self.ledger, self.workshop.compile)
        self.made: list[PublishResult] = []

    async def says(self, words: str) -> None:
        """Wait until new calls hear these words."""
        await until(lambda: words in self.words())

    async def refused(self, number: int) -> None:
        """Wait until so many changes had errors."""
        await until(lambda: sum(not made.release for made in self.made) >= number)

    def words(self) -> str:
        live = Ledger(self.path).get_live().current
        files = self.workshop.archive.load_files(live) or {}
        return " ".join(content.decode() for content in files.values())

    async def through(
        self, place: FlowSource, story: Callable[["Following"], Awaitable[None]]
    ) -> None:
        task = asyncio.create_task(
            follow_source(place, self.publisher, self.workshop, self.made.append)
        )
        try:
            await story(self)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def run(
    tmp_path: Path, place: FlowSource, story: Callable[[Following], Coroutine[Any, Any, None]]
) -> Following:
    following = Following(tmp_path)
    asyncio.run(following.through(place, story))
    return following


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "flows"
    made.mkdir()
    (made / "line.yaml").write_text(flow("line", "One."))
    return made


def test_a_saved_file_is_live(tmp_path: Path, folder: Path) -> None:
    async def story(following: Following) -> None:
        await following.says("One.")
        (folder / "line.yaml").write_text(flow("line", "Two."))
        await following.says("Two.")

    run(tmp_path, FolderSource(folder), story)


def test_editors_replace_files_rename_and_delete_them(tmp_path: Path, folder: Path) -> None:
    async def story(following: Following) -> None:
        await following.says("One.")
        (folder / ".line.yaml.swp").write_text("half")
        (folder / "line.yaml~").write_text(flow("line", "Two."))
        (folder / "line.yaml~").replace(folder / "line.yaml")
        await following.says("Two.")
        (folder / "line.yaml").rename(folder / "renamed.yaml")
        (folder / "renamed.yaml").write_text(flow("line", "Three."))
        await following.says("Three.")
        (folder / "more.yaml").write_text(flow("more", "Four."))
        (folder / "project.yaml").write_text("project: test\nroutes: [{flow: line}]\n")
        await following.says("Four.")
        (folder / "more.yaml").unlink()
        await until(lambda: "Four." not in following.words())

    run(tmp_path, FolderSource(folder), story)


def test_a_half_written_file_is_survived(tmp_path: Path, folder: Path) -> None:
    async def story(following: Following) -> None:
        await following.says("One.")
        whole = flow("line", "Two.")
        (folder / "line.yaml").write_text(whole[: whole.index("hangup")] + "hang")
        await following.refused(1)
        assert "One." in following.words()
        (folder / "line.yaml").write_text(whole)
        await following.says("Two.")

    following = run(tmp_path, FolderSource(folder), story)
    assert [change.what for change in following.ledger.list_changes()] == ["publish", "publish"]


def test_a_store_in_the_folder_of_the_flows_is_no_change_of_them(folder: Path) -> None:
    """What has errors is noted in that store: it was refused again for its own note, for ever."""

    async def story(following: Following) -> None:
        await following.says("One.")
        (folder / "line.yaml").write_text("flow: line\nstart: nowhere\n")
        await following.refused(1)
        await asyncio.sleep(1)

    (folder / ".flowengine").mkdir()
    following = Following(folder / ".flowengine")
    asyncio.run(following.through(FolderSource(folder), story))
    assert [bool(made.release) for made in following.made] == [True, False]


def test_a_folder_that_is_moved_away_and_replaced(tmp_path: Path, folder: Path) -> None:
    async def story(following: Following) -> None:
        await following.says("One.")
        shutil.move(folder, tmp_path / "old")
        await asyncio.sleep(0.3)
        assert "One." in following.words()
        shutil.copytree(tmp_path / "old", folder)
        (folder / "line.yaml").write_text(flow("line", "Two."))
        await following.says("Two.")

    run(tmp_path, FolderSource(folder), story)


def test_a_link_that_is_led_elsewhere(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "line.yaml").write_text(flow("line", "Two."))
    link = tmp_path / "link"
    link.symlink_to(folder)

    async def story(following: Following) -> None:
        await following.says("One.")
        (tmp_path / "next").symlink_to(other)
        (tmp_path / "next").replace(link)
        await following.says("Two.")

    run(tmp_path, FolderSource(link), story)


def test_a_branch_that_is_pushed_to(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "One.")}, "Begin")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))

    async def story(following: Following) -> None:
        await following.says("One.")
        commit(repository, {"flows/line.yaml": flow("line", "${nothing}")}, "Break")
        git(repository, "push", "-q", str(bare), "main")
        await following.refused(1)
        assert "One." in following.words()
        commit(repository, {"flows/line.yaml": flow("line", "Two.")}, "Mend\n\nIt was broken.")
        git(repository, "push", "-q", str(bare), "main")
        await following.says("Two.")

    place = BranchSource(bare, "main", "flows")
    following = run(tmp_path, place, story)
    place.close()
    latest = following.workshop.archive.list_releases()[0].origin
    assert (latest.commit, latest.author, latest.title) == (
        git(repository, "rev-parse", "HEAD"),
        "Ann Author <ann@example.com>",
        "Mend",
    )
    assert [(change.who, change.note) for change in following.ledger.list_changes()] == [
        ("Ann Author <ann@example.com>", "Begin"),
        ("Ann Author <ann@example.com>", "Mend"),
    ]


def test_what_is_in_the_way_is_reported_once_and_tried_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "One.")}, "Begin")

    async def story(following: Following) -> None:
        await following.says("One.")
        with monkeypatch.context() as full_disk:
            full_disk.setattr(following.workshop.archive, "put", full)
            commit(repository, {"flows/line.yaml": flow("line", "Two.")}, "Go on")
            await until(lambda: len(tried) > 2)
        await following.says("Two.")
        git(repository, "branch", "-q", "-m", "main", "other")
        await asyncio.sleep(0.7)
        git(repository, "branch", "-q", "-m", "other", "main")
        commit(repository, {"flows/line.yaml": flow("line", "Three.")}, "Go on again")
        await following.says("Three.")

    tried: list[object] = []

    def full(*given: object) -> None:
        tried.append(given)
        raise OSError("no space left on device")

    place = BranchSource(repository, "main", "flows")
    run(tmp_path, place, story)
    place.close()
    assert [
        record.getMessage().partition(": ")[2]
        for record in caplog.records
        if record.levelname == "ERROR"
    ] == [
        "no space left on device",
        f"{repository} has no commit main",
    ]


def test_a_disk_that_hangs_keeps_nobody_else_waiting(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.sources.abandonable_read.READ_SECONDS", 0.3)
    place, hangs, reads = FolderSource(folder), threading.Event(), list[bytes]()

    def hanging(file: Path) -> bytes:
        hangs.wait()
        reads.append(read_content(file))
        return reads[-1]

    async def story(following: Following) -> None:
        await following.says("One.")
        monkeypatch.setattr("flowengine.model.project_folder.read_content", hanging)
        (folder / "line.yaml").write_text(flow("line", "Two."))
        archive = following.workshop.archive
        while not (rejected := await following.workshop.run(archive.list_rejections)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert [problem.message for seen in rejected for problem in seen.problems] == [
            f"{folder} has not been read for 0.3 seconds: does its disk hang?"
        ]
        await asyncio.sleep(1)
        hangs.set()
        await following.says("Two.")
        assert len(reads) <= 2, "it was waited for, and not read again beside"
        assert following.workshop.archive.list_rejections() == []

    run(tmp_path, place, story)


def test_one_process_at_a_time_has_the_turn_until_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from flowengine.releases.leader_lock import "
        "FileLeaderLock\n"
        "turn = FileLeaderLock(Path(sys.argv[1])); print(turn.try_acquire(), flush=True)\n"
        "time.sleep(60)\n"
    )
    path = tmp_path / "turn.db"
    first = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"True\n"
    mine = FileLeaderLock(path)
    assert not mine.try_acquire()
    first.kill()
    first.communicate()
    assert mine.try_acquire()
    mine.close()
