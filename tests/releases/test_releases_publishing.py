"""What is published is live for new calls; what has errors never is; what was taken back stays
back.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from releases_repository import flow

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.releases.archive import Origin
from flowengine.releases.desk import By, Desk, Wanted
from flowengine.releases.ledger import Ledger, Live, Refused
from flowengine.releases.publisher import Publisher
from flowengine.releases.registry import News, follow
from flowengine.releases.workshop import Workshop
from flowengine.sinch import Ace, Ice

HERE, THERE = Origin("/srv/flows"), Origin("/srv/others")
GOOD, BETTER, BROKEN = (
    {"line.yaml": flow("line", words).encode()} for words in ("One.", "Two.", "${nothing}")
)


class Office:
    """A workshop, its ledger and its publisher, as a worker has them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "releases.db"
        self.workshop = Workshop(self.path, {})
        self.ledger = Ledger(self.path)
        self.time = 0.0
        self.publisher = Publisher(
            self.workshop.archive, self.ledger, self.workshop.compile, self.now
        )

    def now(self) -> float:
        self.time += 1
        return self.time

    def close(self) -> None:
        self.workshop.close()
        self.ledger.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def published(office: Office, files: dict[str, bytes], origin: Origin = HERE) -> str:
    return office.publisher.follow(files, origin, "ann").release


def test_what_a_place_has_goes_live_once(office: Office) -> None:
    first = published(office, GOOD)
    assert office.ledger.live().current == first
    assert not office.publisher.follow(GOOD, HERE, "ann").changed
    assert len(office.ledger.all()) == 1


def test_errors_never_go_live_and_are_remembered_until_they_are_mended(office: Office) -> None:
    first = published(office, GOOD)
    made = office.publisher.follow(BROKEN, HERE, "ann")
    assert (made.release, made.changed) == ("", False)
    assert [problem.code for problem in made.problems if problem.severity == "error"] == ["FE301"]
    assert office.ledger.live().current == first
    (rejected,) = office.workshop.archive.rejected()
    assert (rejected.place, rejected.problems) == ("/srv/flows", made.problems)
    office.publisher.follow(GOOD, HERE, "ann")
    assert office.workshop.archive.rejected() == []


def test_what_was_taken_back_stays_back_until_the_place_changes(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER)
    office.publisher.rollback("bo")
    assert office.ledger.live().current == first
    assert published(office, BETTER) == second
    assert office.ledger.live().current == first
    third = published(office, {**BETTER, "more.yaml": flow("more", "Three.").encode()})
    assert office.ledger.live().current == third


def test_another_place_takes_over_and_the_first_one_again(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER, THERE)
    assert office.ledger.live().current == second
    assert published(office, GOOD) == first
    assert office.ledger.live().current == first


def test_going_back_goes_further_back_each_time(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER)
    published(office, {"line.yaml": flow("line", "Three.").encode()})
    assert office.publisher.rollback("bo").release == second
    assert office.publisher.rollback("bo").release == first
    with pytest.raises(Refused, match="no release to go back to"):
        office.publisher.rollback("bo")


@pytest.mark.parametrize("verb", ["promote", "withdraw"])
def test_there_must_be_a_candidate(office: Office, verb: str) -> None:
    with pytest.raises(Refused, match="no candidate"):
        getattr(office.publisher, verb)("bo")


def test_the_current_release_cannot_be_its_own_candidate(office: Office) -> None:
    first = published(office, GOOD)
    with pytest.raises(Refused, match="current already"):
        office.publisher.canary(first, 0.1, "bo")


def ring(caller: str, call: str = "call-1") -> Ice:
    return Ice(call_id=call, cli=caller)


async def shown(office: Office) -> Registry:
    """A worker of its own, that knows nothing but what the archive says."""
    workshop = Workshop(office.path, {})
    live = office.ledger.live()
    release = workshop.release(live.current)
    assert release is not None
    registry = Registry(release, workshop.find)
    await registry.show(live)
    workshop.close()
    return registry


def test_a_share_of_callers_reaches_the_candidate_and_always_the_same_ones(office: Office) -> None:
    published(office, GOOD)
    candidate = office.publisher.keep(BETTER, HERE).release
    office.publisher.canary(candidate, 0.2, "bo")
    registry = asyncio.run(shown(office))
    chosen = {
        caller
        for caller in range(1000, 3000)
        if registry.release_for(ring(f"4670{caller}")).id == candidate
    }
    assert 0.15 < len(chosen) / 2000 < 0.25
    again = asyncio.run(shown(office))
    assert chosen == {
        caller
        for caller in range(1000, 3000)
        if again.release_for(ring(f"+4670{caller}", "other")).id == candidate
    }


@pytest.mark.parametrize(("share", "reached"), [(0.0, False), (1.0, True)])
def test_the_share_may_be_none_or_all(office: Office, share: float, reached: bool) -> None:
    published(office, GOOD)
    candidate = office.publisher.keep(BETTER, HERE).release
    office.publisher.canary(candidate, share, "bo")
    registry = asyncio.run(shown(office))
    assert {
        registry.release_for(ring(f"4670{caller}")).id == candidate for caller in range(1000, 1100)
    } == {reached}
    assert (registry.release_for(Ace(call_id="placed")).id == candidate) is reached


def test_a_draft_is_reached_by_its_callers_alone(office: Office) -> None:
    first = published(office, GOOD)
    draft = office.publisher.keep(BETTER, HERE).release
    office.publisher.draft("spring", draft, ("46701234567",), "bo")
    registry = asyncio.run(shown(office))
    assert registry.release_for(ring("+46 70-123 45 67")).id == draft
    assert registry.release_for(ring("46701234568")).id == first
    assert registry.release_for(ring("private")).id == first


def test_a_worker_finds_old_releases_in_the_archive_and_compiles_each_once(office: Office) -> None:
    first = published(office, GOOD)
    published(office, BETTER)

    async def together() -> None:
        workshop = Workshop(office.path, {})
        release = workshop.release(office.ledger.live().current)
        assert release is not None
        registry = Registry(release, workshop.find)
        found = await asyncio.gather(*(registry.load(first) for _ in range(20)))
        assert {item.id for item in found if item} == {first}
        assert len({id(item) for item in found}) == 1
        assert await registry.load("gone") is None
        workshop.close()

    asyncio.run(together())


def test_releases_that_are_not_needed_are_let_go_of_but_never_what_is_live(office: Office) -> None:
    first, second = published(office, GOOD), published(office, BETTER)

    async def forgetting() -> Registry:
        registry = await shown(office)
        workshop = Workshop(office.path, {})
        found = workshop.release(first)
        assert found is not None
        registry.add([found])
        registry.forget([])
        workshop.close()
        return registry

    registry = asyncio.run(forgetting())
    assert registry.get(first) is None
    assert [release.id for release in registry.known] == [second]


def test_a_release_that_no_longer_compiles_is_no_way_back(office: Office) -> None:
    """No worker could have served it, and none could have started again."""
    first = published(office, GOOD)
    office.workshop.archive.put("olden", BROKEN, HERE, 1.0)
    office.publisher.publish("olden", "ann")
    second = published(office, BETTER)
    desk = Desk(office.workshop.archive, office.ledger, office.publisher)
    tried: list[Callable[[], object]] = [
        lambda: desk.rollback("olden", By("ann")),
        lambda: desk.publish(Wanted("olden"), By("ann")),
        lambda: desk.canary(Wanted("olden"), 0.1, By("ann")),
        lambda: desk.draft("spring", Wanted("olden"), ("+46701234567",), By("ann")),
    ]
    for attempt in tried:
        with pytest.raises(Refused, match="nothing has changed: release olden no longer compiles"):
            attempt()
    assert office.ledger.live().current == second
    assert desk.rollback("", By("ann")).release == first


def test_what_cannot_be_loaded_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.releases.registry.AGAIN_SECONDS", 0.05)
    published(office, GOOD)
    fails = [True, True, False]

    async def act() -> None:
        workshop = Workshop(office.path, {})
        first = workshop.release(office.ledger.live().current)
        assert first is not None
        second = published(office, BETTER)

        async def find(release_id: str) -> Release | None:
            return None if fails.pop(0) else workshop.release(release_id)

        async def look() -> Live:
            return office.ledger.live()

        registry, shown = Registry(first, find), asyncio.Event()
        task = asyncio.create_task(
            follow(registry, look, News(0.01), lambda name: shown.set() if name == second else None)
        )
        await asyncio.wait_for(shown.wait(), 10)
        assert registry.current.id == second
        task.cancel()
        workshop.close()

    asyncio.run(act())
    assert fails == []
