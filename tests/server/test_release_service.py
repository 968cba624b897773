"""Whatever happens to the files beside it, a server goes on to follow its flows, and its workers
come up again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from flowengine.compile import Release
from flowengine.compile.loaded_project import to_loaded_project
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.release_retention import ReleaseRetention
from flowengine.releases.sqlite_archive import SqliteDatabase
from flowengine.server import release_service as followed
from flowengine.server.first_release import choose_first_release
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.sources.flow_source import FlowOrigin
from flowengine.storage.sessions import MemoryStore, SavedCall, open_store
from tests.waiting import PATIENCE_SECONDS

FLOW = "flow: line\nstart: bye\nstates:\n  bye: {say: %s, hangup: }\n"
OLDEN = {"line.yaml": b"flow: line\nstart: nowhere\n"}


class House:
    def __init__(self, folder: Path) -> None:
        (folder / "flows").mkdir()
        self.flows = folder / "flows" / "line.yaml"
        self.settings = ServerSettings(
            str(folder / "flows"), store=f"sqlite:{folder / 'store' / 'calls.db'}"
        )
        self.save("One.")
        self.live = ReleaseService(self.settings)

    def save(self, words: str) -> None:
        self.flows.write_text(FLOW % words)

    async def serves(self, words: str) -> None:
        """Wait until a worker serves what was saved."""
        self.live.publish()
        registry = self.live.create_registry()
        tasks = list(self.live.create_tasks(registry, MemoryStore(), lambda _release: None))
        try:
            await asyncio.sleep(0.5)
            before = registry.current.id
            self.save(words)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while registry.current.id == before:  # noqa: ASYNC110  # nobody tells of it
                    await asyncio.sleep(0.02)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.live.close()


def fails(*_given: object) -> list[str]:
    raise ArchiveError("database or disk is full")


def unwatched(*_given: object, **_options: object) -> object:
    raise OSError("OS file watch limit reached")


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReleaseRetention, "run", fails)


def no_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowengine.sources.folder_source.awatch", unwatched)


@pytest.mark.parametrize("trouble", [full, no_watches])
async def test_flows_are_followed_while_something_beside_that_fails(
    house: House, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """It ended the following too, without a word, until the next restart."""
    monkeypatch.setattr(followed, "DRAIN_SECONDS", 0.05)
    trouble(monkeypatch)
    await house.serves("Two.")


async def test_leader_shows_its_own_publication_at_once_and_others_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that follows waited up to 50 ms until it looked what it had published itself."""
    monkeypatch.setattr(followed, "LEDGER_POLL_SECONDS", 60.0)
    house.live.close()
    house.live = ReleaseService(house.settings)
    await house.serves("Two.")


async def test_worker_drops_releases_that_no_call_is_on(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each release of five hours stayed in the memory of each worker."""
    monkeypatch.setattr(followed, "DRAIN_SECONDS", 0.05)
    store = open_store(f"sqlite:{tmp_path / 'calls.db'}")
    house.live.publish()
    registry = house.live.create_registry()
    first = registry.current

    await store.save("call", SavedCall(1, b"", b"", b"", 0.0, first.id), time.time() + 60)
    task = asyncio.create_task(house.live._forget_releases(registry, store))
    releases = [publish_release(house, words) for words in ("Two.", "Three.")]
    for release in releases:
        registry.serve(release)
    assert (
        len(registry.loaded_releases) == len(house.live.compile_worker.archive.list_releases()) == 3
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(registry.loaded_releases) == 3:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.02)
    assert {release.id for release in registry.loaded_releases} == {first.id, releases[-1].id}
    task.cancel()
    await store.close()


def publish_release(house: House, words: str) -> Release:
    house.save(words)
    published = house.live.publish()
    release = house.live.compile_worker.load_release(published.release) if published else None
    assert release is not None
    return release


async def test_server_that_lost_the_race_to_lead_says_that_it_does_not_follow(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house.live.publish()
    other = ReleaseService(replace(house.settings, flows=str(tmp_path / "others")))
    assert other.try_lead()
    other.leader_record.take_over("", 5.0)

    task = asyncio.create_task(house.live._run_as_leader(MemoryStore()))
    async with asyncio.timeout(PATIENCE_SECONDS):
        # nobody tells of it
        while "a store has one set of flows" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    task.cancel()
    other.close()
    assert f"which serves {tmp_path / 'others'}" in caplog.text


def test_worker_without_an_archive_publishes_what_it_serves(house: House) -> None:
    """Workers that came after its loss ended at once, again and again; with the last old one the
    server fell silent.
    """
    house.live.publish()
    before = house.live.create_registry().current.id
    for file in house.settings.folder.glob("releases.db*"):
        file.unlink()
    another = ReleaseService(house.settings)
    assert another.create_registry().current.id == before
    another.close()


def test_worker_without_archive_and_flows_fails_with_the_reason(house: House) -> None:
    house.flows.write_text("flow: line\n")
    with pytest.raises(SettingsError, match="no release is live"):
        house.live.create_registry()


def taken_back_to_what_no_longer_compiles(house: House) -> str:
    made = house.live.publish()
    assert made is not None
    house.live.compile_worker.archive.put("olden", OLDEN, FlowOrigin("/srv/flows"), 1.0)
    house.live.publisher.rollback("ann", "olden")
    return made.release


def test_server_whose_release_no_longer_compiles_starts_with_its_flows(house: House) -> None:
    there = taken_back_to_what_no_longer_compiles(house)
    live = ReleaseService(house.settings)
    found = live.flow_source.read()
    assert found is not None
    project = to_loaded_project(
        Path("flows"), found.files, live.compile_worker.compile(found.files)
    )
    announced: list[str] = []
    assert choose_first_release(live, found, project, announced.append).id == there
    assert announced == [
        "RELEASE olden, WHICH WAS LIVE, NO LONGER COMPILES: what the flows are now goes live."
    ]
    assert live.ledger.get_live().current == there
    live.close()


def test_worker_whose_release_no_longer_compiles_starts_with_the_flows(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    there = taken_back_to_what_no_longer_compiles(house)
    live = ReleaseService(house.settings)
    with caplog.at_level(logging.ERROR):
        assert live.create_registry().current.id == there
    live.close()
    assert "cannot be loaded any more" in caplog.text


def ended_by_the_disk(database: SqliteDatabase) -> None:
    with database.transaction():
        database.execute("ROLLBACK")  # as SQLite does by itself
        raise ArchiveError("the disk is full")


def test_transaction_ended_by_the_disk_is_over(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "releases.db")
    with pytest.raises(ArchiveError, match="full"):
        ended_by_the_disk(database)
    with database.transaction():
        assert database.execute("SELECT 1") == [(1,)]
    database.close()
