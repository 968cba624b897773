"""Drafts go along with their branches, whatever happens to those; and a release that was one drains
like any other.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.draft_follower import BranchUpdate, DraftFollower, follow_drafts
from flowengine.releases.ledger import Change, CommandRefusedError, Ledger
from flowengine.releases.publisher import Publisher
from flowengine.releases.release_commands import Actor, ReleaseCommands, read_git_spec
from flowengine.releases.release_retention import find_last_live_times
from tests.sources.git_repository import commit, flow, git, new_repository
from tests.waiting import wait_until_async

CALLER = ("+46701234567",)
ANN = Actor("ann")


class Room:
    """A desk, a repository, and whoever renews drafts."""

    def __init__(self, folder: Path) -> None:
        self.compile_worker = CompileWorker(folder / "releases.db", {})
        self.ledger = Ledger(folder / "releases.db")
        publisher = Publisher(self.compile_worker.archive, self.ledger, self.compile_worker.compile)
        self.commands = ReleaseCommands(self.compile_worker.archive, self.ledger, publisher)
        self.drafts = DraftFollower(publisher, self.ledger)
        self.publisher = publisher
        self.repository = new_repository(folder / "repository")
        self.says("One.")

    def says(self, words: str) -> None:
        commit(self.repository, {"flows/line.yaml": flow("line", words)}, words)

    def draft(self, name: str = "spring", ref: str = "main") -> None:
        self.commands.set_draft(name, read_git_spec(self.repository, ref, "flows"), CALLER, ANN)

    def renew(self) -> None:
        self.drafts.publish_updates(self.drafts.read_branches(self.drafts.find_following_drafts()))

    def heard(self, name: str = "spring") -> str:
        files = (
            self.compile_worker.archive.load_files(self.ledger.get_live().drafts[name].release)
            or {}
        )
        return "".join(content.decode() for content in files.values())


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.compile_worker.close()
    made.drafts.close()
    made.ledger.close()


def test_draft_is_renewed_once_for_a_new_commit(room: Room) -> None:
    room.draft()
    room.renew()
    assert len(room.ledger.list_changes()) == 1
    room.says("Two.")
    room.renew()
    room.renew()
    assert "Two." in room.heard()
    assert [(change.who, change.what, change.note) for change in room.ledger.list_changes()] == [
        ("ann", "draft", "One."),
        ("Ann Author <ann@example.com>", "draft", "Two."),
    ]


def test_draft_of_a_tag_stays_on_its_commit(room: Room) -> None:
    git(room.repository, "tag", "v1")
    room.draft(ref="v1")
    room.says("Two.")
    room.renew()
    assert "One." in room.heard()


def test_deleted_branch_leaves_its_draft_and_is_reported_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    git(room.repository, "checkout", "-q", "-b", "draft/spring")
    room.draft(ref="draft/spring")
    git(room.repository, "checkout", "-q", "main")
    git(room.repository, "branch", "-q", "-D", "draft/spring")
    with caplog.at_level(logging.ERROR):
        room.renew()
        room.renew()
    assert "One." in room.heard()
    assert [record.getMessage() for record in caplog.records] == [
        f"draft spring is unchanged: {room.repository} has no commit draft/spring"
    ]
    assert [rejected.place for rejected in room.compile_worker.archive.list_rejections()] == [
        f"{room.repository}@draft/spring"
    ]
    git(room.repository, "checkout", "-q", "-b", "draft/spring")
    room.renew()
    assert room.compile_worker.archive.list_rejections() == []
    room.says("Again.")
    room.renew()
    assert "Again." in room.heard()


async def test_archive_that_fails_is_said_once_and_drafts_go_on_when_it_is_back(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk, or while the database is away."""
    caplog.set_level(logging.INFO)
    pause = "flowengine.releases.draft_follower.FOLLOW_POLL_SECONDS"
    monkeypatch.setattr(pause, 0.001)
    room.draft()
    publish, tries = room.drafts.publish_updates, count(1)

    def fail_at_first(updates: list[BranchUpdate]) -> None:
        if next(tries) <= 3:
            raise ArchiveError("the archive of releases fails: the disk is full")
        publish(updates)
        monkeypatch.setattr(pause, 1e6)  # the test ends it there, and no look at the branch

    monkeypatch.setattr(room.drafts, "publish_updates", fail_at_first)
    following = asyncio.create_task(follow_drafts(room.drafts, room.compile_worker))
    await wait_until_async(lambda: "drafts are updated again" in caplog.text)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert error.getMessage() == (
        "drafts cannot be updated, and are unchanged: the archive of releases fails: the disk is full"
    )
    assert error.exc_info is None


def test_draft_that_was_changed_meanwhile_is_not_updated(room: Room) -> None:
    room.draft()
    draft = room.ledger.get_live().drafts["spring"]
    room.commands.end_draft("spring", ANN)
    room.says("Two.")
    _, files, origin, _ = read_git_spec(room.repository, "main", "flows")
    with pytest.raises(CommandRefusedError, match="draft spring has been changed meanwhile"):
        room.publisher.update_draft("spring", draft, files, origin, "bo")
    assert room.ledger.get_live().drafts == {}


def test_draft_that_could_not_be_published_is_published_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.draft()
    room.says("Two.")
    with monkeypatch.context() as full_disk:
        full_disk.setattr(
            room.compile_worker.archive,
            "put",
            lambda *_: (_ for _ in ()).throw(OSError("no space left on device")),
        )
        with pytest.raises(OSError, match="no space left"):
            room.renew()
    room.renew()
    assert "Two." in room.heard()


def test_release_was_last_live_when_it_was_replaced() -> None:
    story = (
        Change("ann", "publish", "r1"),
        Change("ann", "draft", "r2", name="spring", callers=("4670",)),
        Change("ann", "canary", "r3", share=0.1),
        Change("ann", "canary", "r4", share=0.1),
        Change("ann", "draft", "r5", name="spring", callers=("4670",)),
        Change("ann", "promote", "r4"),
        Change("ann", "undraft", "r5", name="spring"),
    )
    found = find_last_live_times([replace(change, at=float(at)) for at, change in enumerate(story)])
    assert found == {"r1": 5.0, "r2": 4.0, "r3": 3.0, "r4": 5.0, "r5": 6.0}
