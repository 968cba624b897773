"""A folder that people edit, and a branch that they push to, are followed as they change."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.leader_lock import FileLeaderLock
from flowengine.releases.ledger import Ledger
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.source_follower import follow_source, log_problems
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FlowSource
from flowengine.sources.folder_source import FolderSource
from flowengine.sources.project_folder import read_content
from tests.sources.git_repository import commit, flow, git, new_repository
from tests.waiting import wait_until_async


class Following:
    """Somebody who follows a place, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "releases.db"
        self.compile_worker = CompileWorker(self.path, {})
        self.ledger = Ledger(self.path)
        self.publisher = Publisher(
            self.compile_worker.archive, self.ledger, self.compile_worker.compile
        )
        self.made: list[PublishResult] = []

    async def says(self, words: str) -> None:
        """Wait until new calls hear these words."""
        await wait_until_async(lambda: words in self.words())

    async def refused(self, number: int) -> None:
        """Wait until so many changes had errors."""
        await wait_until_async(lambda: sum(not made.release for made in self.made) >= number)

    def words(self) -> str:
        live = Ledger(self.path).get_live().current
        files = self.compile_worker.archive.load_files(live) or {}
        return " ".join(content.decode() for content in files.values())


@asynccontextmanager
async def follow(folder: Path, place: FlowSource) -> AsyncIterator[Following]:
    """Follow a source, with the store in this folder."""
    following = Following(folder)
    task = asyncio.create_task(
        follow_source(place, following.publisher, following.compile_worker, following.made.append)
    )
    try:
        yield following
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "flows"
    made.mkdir()
    (made / "line.yaml").write_text(flow("line", "One."))
    return made


async def test_saved_file_goes_live(tmp_path: Path, folder: Path) -> None:
    async with follow(tmp_path, FolderSource(folder)) as following:
        await following.says("One.")
        (folder / "line.yaml").write_text(flow("line", "Two."))
        await following.says("Two.")


async def test_editors_replace_files_rename_and_delete_them(tmp_path: Path, folder: Path) -> None:
    async with follow(tmp_path, FolderSource(folder)) as following:
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
        await wait_until_async(lambda: "Four." not in following.words())


async def test_refused_edit_logs_each_problem_at_its_own_level(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with follow(tmp_path, FolderSource(folder)) as following:
        await following.says("One.")
        (folder / "line.yaml").write_text(flow("line", "Two.").replace("hangup:", "next: no #1"))
        await following.refused(1)
        log_problems("refused", following.made[-1])
    levels = {
        code: {record.levelname for record in caplog.records if code in record.getMessage()}
        for code in ("FE203", "FE130")
    }
    assert levels == {"FE203": {"ERROR"}, "FE130": {"WARNING"}}


async def test_half_written_file_never_goes_live(tmp_path: Path, folder: Path) -> None:
    async with follow(tmp_path, FolderSource(folder)) as following:
        await following.says("One.")
        whole = flow("line", "Two.")
        (folder / "line.yaml").write_text(whole[: whole.index("hangup")] + "hang")
        await following.refused(1)
        assert "One." in following.words()
        (folder / "line.yaml").write_text(whole)
        await following.says("Two.")
    assert [change.what for change in following.ledger.list_changes()] == ["publish", "publish"]


async def test_store_in_the_folder_of_the_flows_is_no_change_of_them(folder: Path) -> None:
    """What has errors is noted in that store: it was refused again for its own note, for ever."""
    (folder / ".flowengine").mkdir()
    async with follow(folder / ".flowengine", FolderSource(folder)) as following:
        await following.says("One.")
        (folder / "line.yaml").write_text("flow: line\nstart: nowhere\n")
        await following.refused(1)
        await asyncio.sleep(1)
    assert [bool(made.release) for made in following.made] == [True, False]


async def test_folder_moved_away_and_replaced_is_followed(tmp_path: Path, folder: Path) -> None:
    async with follow(tmp_path, FolderSource(folder)) as following:
        await following.says("One.")
        shutil.move(folder, tmp_path / "old")
        await asyncio.sleep(0.3)
        assert "One." in following.words()
        shutil.copytree(tmp_path / "old", folder)
        (folder / "line.yaml").write_text(flow("line", "Two."))
        await following.says("Two.")


async def test_symbolic_link_that_is_redirected_is_followed(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "line.yaml").write_text(flow("line", "Two."))
    link = tmp_path / "link"
    link.symlink_to(folder)

    async with follow(tmp_path, FolderSource(link)) as following:
        await following.says("One.")
        (tmp_path / "next").symlink_to(other)
        (tmp_path / "next").replace(link)
        await following.says("Two.")


async def test_branch_that_is_pushed_to_is_followed(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "One.")}, "Begin")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))

    place = BranchSource(bare, "main", "flows")
    async with follow(tmp_path, place) as following:
        await following.says("One.")
        commit(repository, {"flows/line.yaml": flow("line", "${nothing}")}, "Break")
        git(repository, "push", "-q", str(bare), "main")
        await following.refused(1)
        assert "One." in following.words()
        commit(repository, {"flows/line.yaml": flow("line", "Two.")}, "Mend\n\nIt was broken.")
        git(repository, "push", "-q", str(bare), "main")
        await following.says("Two.")
    place.close()
    latest = following.compile_worker.archive.list_releases()[0].origin
    assert (latest.commit, latest.author, latest.title) == (
        git(repository, "rev-parse", "HEAD"),
        "Ann Author <ann@example.com>",
        "Mend",
    )
    assert [(change.who, change.note) for change in following.ledger.list_changes()] == [
        ("Ann Author <ann@example.com>", "Begin"),
        ("Ann Author <ann@example.com>", "Mend"),
    ]


async def test_failure_to_publish_is_reported_once_and_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "One.")}, "Begin")

    tried: list[object] = []

    def full(*given: object) -> None:
        tried.append(given)
        raise OSError("no space left on device")

    place = BranchSource(repository, "main", "flows")
    async with follow(tmp_path, place) as following:
        await following.says("One.")
        with monkeypatch.context() as full_disk:
            full_disk.setattr(following.compile_worker.archive, "put", full)
            commit(repository, {"flows/line.yaml": flow("line", "Two.")}, "Go on")
            await wait_until_async(lambda: len(tried) > 2)
        await following.says("Two.")
        git(repository, "branch", "-q", "-m", "main", "other")
        await wait_until_async(lambda: "has no commit main" in caplog.text)
        git(repository, "branch", "-q", "-m", "other", "main")
        commit(repository, {"flows/line.yaml": flow("line", "Three.")}, "Go on again")
        await following.says("Three.")
    place.close()
    assert [
        record.getMessage().partition(": ")[2]
        for record in caplog.records
        if record.levelname == "ERROR"
    ] == [
        "no space left on device",
        f"{repository} has no commit main",
    ]


async def test_disk_that_hangs_keeps_no_other_source_waiting(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.sources.abandonable_read.READ_SECONDS", 0.3)
    place, hangs, reads = FolderSource(folder), threading.Event(), list[bytes]()

    def hanging(file: str) -> bytes:
        hangs.wait()
        reads.append(read_content(file))
        return reads[-1]

    async with follow(tmp_path, place) as following:
        await following.says("One.")
        monkeypatch.setattr("flowengine.sources.project_folder.read_content", hanging)
        (folder / "line.yaml").write_text(flow("line", "Two."))
        archive = following.compile_worker.archive
        while not (rejected := await following.compile_worker.run(archive.list_rejections)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert [problem.message for seen in rejected for problem in seen.problems] == [
            f"{folder} has not been read for 0.3 seconds: does its disk hang?"
        ]
        await asyncio.sleep(1)
        hangs.set()
        await following.says("Two.")
        assert len(reads) <= 2, "it was waited for, and not read again beside"
        assert following.compile_worker.archive.list_rejections() == []


def test_file_leader_lock_is_held_by_one_process_until_it_is_killed(tmp_path: Path) -> None:
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
