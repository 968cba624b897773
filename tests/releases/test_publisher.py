"""What is published is live for new calls; what has errors never is; what was taken back stays
back.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import CommandRefusedError, Ledger, LiveState
from flowengine.releases.publisher import Publisher
from flowengine.releases.registry import ChangeSignal, follow_ledger
from flowengine.releases.release_commands import Actor, ReleaseCommands, ReleaseSpec
from flowengine.sinch import Ace, Ice
from flowengine.sources.flow_source import FlowOrigin
from tests.sources.git_repository import flow
from tests.waiting import PATIENCE_SECONDS

HERE, THERE = FlowOrigin("/srv/flows"), FlowOrigin("/srv/others")
GOOD, BETTER, BROKEN = (
    {"line.yaml": flow("line", words).encode()} for words in ("One.", "Two.", "${nothing}")
)


class Office:
    """A compile_worker, its ledger and its publisher, as a worker has them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "releases.db"
        self.compile_worker = CompileWorker(self.path, {})
        self.ledger = Ledger(self.path)
        self.time = 0.0
        self.publisher = Publisher(
            self.compile_worker.archive, self.ledger, self.compile_worker.compile, self.now
        )

    def now(self) -> float:
        self.time += 1
        return self.time

    def close(self) -> None:
        self.compile_worker.close()
        self.ledger.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def published(office: Office, files: dict[str, bytes], origin: FlowOrigin = HERE) -> str:
    return office.publisher.publish_if_new(files, origin, "ann").release


def test_source_is_published_once(office: Office) -> None:
    first = published(office, GOOD)
    assert office.ledger.get_live().current == first
    assert not office.publisher.publish_if_new(GOOD, HERE, "ann").changed
    assert len(office.ledger.list_changes()) == 1


def test_errors_never_go_live_and_are_remembered_until_they_are_mended(office: Office) -> None:
    first = published(office, GOOD)
    made = office.publisher.publish_if_new(BROKEN, HERE, "ann")
    assert (made.release, made.changed) == ("", False)
    assert [problem.code for problem in made.problems if problem.severity == "error"] == ["FE301"]
    assert office.ledger.get_live().current == first
    (rejected,) = office.compile_worker.archive.list_rejections()
    assert (rejected.place, rejected.problems) == ("/srv/flows", made.problems)
    office.publisher.publish_if_new(GOOD, HERE, "ann")
    assert office.compile_worker.archive.list_rejections() == []


def test_release_that_was_rolled_back_stays_back_until_its_source_changes(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER)
    office.publisher.rollback("bo")
    assert office.ledger.get_live().current == first
    assert published(office, BETTER) == second
    assert office.ledger.get_live().current == first
    third = published(office, {**BETTER, "more.yaml": flow("more", "Three.").encode()})
    assert office.ledger.get_live().current == third


def test_publishing_from_two_sources_alternates_the_live_release(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER, THERE)
    assert office.ledger.get_live().current == second
    assert published(office, GOOD) == first
    assert office.ledger.get_live().current == first


def test_going_back_goes_further_back_each_time(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER)
    published(office, {"line.yaml": flow("line", "Three.").encode()})
    assert office.publisher.rollback("bo").release == second
    assert office.publisher.rollback("bo").release == first
    with pytest.raises(CommandRefusedError, match="no release to go back to"):
        office.publisher.rollback("bo")


@pytest.mark.parametrize("verb", ["promote", "withdraw"])
def test_promote_and_withdraw_without_a_candidate_are_refused(office: Office, verb: str) -> None:
    with pytest.raises(CommandRefusedError, match="no candidate"):
        getattr(office.publisher, verb)("bo")


def test_current_release_as_candidate_is_refused(office: Office) -> None:
    first = published(office, GOOD)
    with pytest.raises(CommandRefusedError, match="current already"):
        office.publisher.set_canary(first, 0.1, "bo")


def ring(caller: str, call: str = "call-1") -> Ice:
    return Ice(call_id=call, cli=caller)


async def shown(office: Office) -> Registry:
    """A worker of its own, that knows nothing but what the archive says."""
    compile_worker = CompileWorker(office.path, {})
    live = office.ledger.get_live()
    release = compile_worker.load_release(live.current)
    assert release is not None
    registry = Registry(release, compile_worker.find_release)
    await registry.serve_live_state(live)
    compile_worker.close()
    return registry


async def test_canary_reaches_its_share_of_callers_and_always_the_same_ones(
    office: Office,
) -> None:
    published(office, GOOD)
    candidate = office.publisher.compile_and_store(BETTER, HERE).release
    office.publisher.set_canary(candidate, 0.2, "bo")
    registry = await shown(office)
    chosen = {
        caller
        for caller in range(1000, 3000)
        if registry.select_release(ring(f"4670{caller}")).id == candidate
    }
    assert 0.15 < len(chosen) / 2000 < 0.25
    again = await shown(office)
    assert chosen == {
        caller
        for caller in range(1000, 3000)
        if again.select_release(ring(f"+4670{caller}", "other")).id == candidate
    }


@pytest.mark.parametrize(("share", "reached"), [(0.0, False), (1.0, True)])
async def test_canary_share_of_none_or_all_reaches_none_or_all(
    office: Office, share: float, reached: bool
) -> None:
    published(office, GOOD)
    candidate = office.publisher.compile_and_store(BETTER, HERE).release
    office.publisher.set_canary(candidate, share, "bo")
    registry = await shown(office)
    assert {
        registry.select_release(ring(f"4670{caller}")).id == candidate
        for caller in range(1000, 1100)
    } == {reached}
    assert (registry.select_release(Ace(call_id="placed")).id == candidate) is reached


async def test_draft_is_reached_by_its_callers_alone(office: Office) -> None:
    first = published(office, GOOD)
    draft = office.publisher.compile_and_store(BETTER, HERE).release
    office.publisher.set_draft("spring", draft, ("46701234567",), "bo")
    registry = await shown(office)
    assert registry.select_release(ring("+46 70-123 45 67")).id == draft
    assert registry.select_release(ring("46701234568")).id == first
    assert registry.select_release(ring("private")).id == first


async def test_worker_loads_old_releases_and_compiles_each_once(
    office: Office,
) -> None:
    first = published(office, GOOD)
    published(office, BETTER)

    compile_worker = CompileWorker(office.path, {})
    release = compile_worker.load_release(office.ledger.get_live().current)
    assert release is not None
    registry = Registry(release, compile_worker.find_release)
    found = await asyncio.gather(*(registry.load(first) for _ in range(20)))
    assert {item.id for item in found if item} == {first}
    assert len({id(item) for item in found}) == 1
    assert await registry.load("gone") is None
    compile_worker.close()


async def test_releases_that_are_not_needed_are_let_go_of_but_never_what_is_live(
    office: Office,
) -> None:
    first, second = published(office, GOOD), published(office, BETTER)

    registry = await shown(office)
    compile_worker = CompileWorker(office.path, {})
    found = compile_worker.load_release(first)
    assert found is not None
    registry.add([found])
    registry.unload_except([])
    compile_worker.close()
    assert registry.get(first) is None
    assert [release.id for release in registry.loaded_releases] == [second]


def test_rollback_to_a_release_that_no_longer_compiles_is_refused(office: Office) -> None:
    """No worker could have served it, and none could have started again."""
    first = published(office, GOOD)
    office.compile_worker.archive.put("olden", BROKEN, HERE, 1.0)
    office.publisher.publish("olden", "ann")
    second = published(office, BETTER)
    desk = ReleaseCommands(office.compile_worker.archive, office.ledger, office.publisher)
    tried: list[Callable[[], object]] = [
        lambda: desk.rollback("olden", Actor("ann")),
        lambda: desk.publish(ReleaseSpec("olden"), Actor("ann")),
        lambda: desk.set_canary(ReleaseSpec("olden"), 0.1, Actor("ann")),
        lambda: desk.set_draft("spring", ReleaseSpec("olden"), ("+46701234567",), Actor("ann")),
    ]
    for attempt in tried:
        with pytest.raises(
            CommandRefusedError, match="nothing has changed: release olden no longer compiles"
        ):
            attempt()
    assert office.ledger.get_live().current == second
    assert desk.rollback("", Actor("ann")).release == first


async def test_release_that_cannot_be_loaded_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.releases.registry.RELOAD_PAUSE_SECONDS", 0.05)
    published(office, GOOD)
    fails = [True, True, False]

    async def act() -> None:
        compile_worker = CompileWorker(office.path, {})
        first = compile_worker.load_release(office.ledger.get_live().current)
        assert first is not None
        second = published(office, BETTER)

        async def find(release_id: str) -> Release | None:
            return None if fails.pop(0) else compile_worker.load_release(release_id)

        async def look() -> LiveState:
            return office.ledger.get_live()

        registry, shown = Registry(first, find), asyncio.Event()
        task = asyncio.create_task(
            follow_ledger(
                registry,
                look,
                ChangeSignal(0.01),
                lambda name: shown.set() if name == second else None,
            )
        )
        await asyncio.wait_for(shown.wait(), PATIENCE_SECONDS)
        assert registry.current.id == second
        task.cancel()
        compile_worker.close()

    await act()
    assert fails == []


async def test_database_that_is_away_is_logged_once_and_said_to_be_back(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flowengine.releases.registry")
    published(office, GOOD)
    compile_worker = CompileWorker(office.path, {})
    first = compile_worker.load_release(office.ledger.get_live().current)
    assert first is not None
    looks, back = [True, True, False, False], asyncio.Event()

    async def find(_release_id: str) -> Release | None:
        return first

    async def look() -> LiveState:
        if looks.pop(0):
            raise ArchiveError("connection refused")
        if not looks:
            back.set()
            looks.append(False)
        return office.ledger.get_live()

    task = asyncio.create_task(
        follow_ledger(Registry(first, find), look, ChangeSignal(0.01), lambda _name: None)
    )
    await asyncio.wait_for(back.wait(), PATIENCE_SECONDS)
    task.cancel()
    compile_worker.close()
    assert caplog.messages == [
        "the live releases cannot be looked up; those in memory are served: connection refused",
        "the releases can be read again, after 0 seconds",
    ]
    assert not any(record.exc_info for record in caplog.records)
