"""Every change to what is live is recorded, and what is live follows from the record alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.releases.archive_location import ArchiveLocation
from flowengine.releases.ledger import (
    Change,
    CommandRefusedError,
    Draft,
    Ledger,
    LiveState,
    apply_changes,
)
from tests.fork_server import FlowengineProcess

PUBLISH = Change("ann", "publish", "r1", place="/srv/flows")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> ArchiveLocation:
    return (
        tmp_path / "releases.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgresql"))
    )


@pytest.fixture
def ledger_of(where: ArchiveLocation) -> Iterator[Callable[..., Ledger]]:
    """The ledger, opened once more, and further changes in it."""

    def opened(*changes: Change) -> Ledger:
        ledger = stack.enter_context(closing(Ledger(where)))
        for at, change in enumerate(changes):
            ledger.append_change(lambda _live, change=change: change, float(at))
        return ledger

    with ExitStack() as stack:
        yield opened


CASES = {
    "publishing": ([PUBLISH], LiveState("r1", place="/srv/flows", followed="r1", number=1)),
    "rolling back leaves the place where it was": (
        [
            PUBLISH,
            Change("ann", "publish", "r2", place="/srv/flows"),
            Change("bo", "rollback", "r1"),
        ],
        LiveState("r1", place="/srv/flows", followed="r2", number=3),
    ),
    "a canary": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1)],
        LiveState("r1", "r2", 0.1, place="/srv/flows", followed="r1", number=2),
    ),
    "a canary that is promoted": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1), Change("bo", "promote", "r2")],
        LiveState("r2", place="/srv/flows", followed="r1", number=3),
    ),
    "a canary that is withdrawn": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1), Change("bo", "withdraw", "r2")],
        LiveState("r1", place="/srv/flows", followed="r1", number=3),
    ),
    "a canary that is published": (
        [Change("bo", "canary", "r2", share=0.1), Change("bo", "publish", "r2")],
        LiveState("r2", number=2),
    ),
    "publishing beside a canary": (
        [Change("bo", "canary", "r2", share=0.1), Change("bo", "publish", "r3")],
        LiveState("r3", "r2", 0.1, number=2),
    ),
    "drafts by name": (
        [
            Change("bo", "draft", "r4", name="spring", callers=("4670", "4671")),
            Change("bo", "draft", "r5", name="spring", callers=("4670",)),
            Change("bo", "draft", "r6", name="summer", callers=("4672",)),
            Change("bo", "undraft", name="summer"),
        ],
        LiveState(drafts={"spring": Draft("r5", frozenset({"4670"}))}, number=4),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_live_state_follows_from_the_changes(case: str, ledger_of: Callable[..., Ledger]) -> None:
    changes, expected = CASES[case]
    ledger = ledger_of(*changes)
    assert ledger.get_live() == expected
    assert ledger_of().get_live() == expected


def test_ledger_records_who_did_what_and_when(ledger_of: Callable[..., Ledger]) -> None:
    ledger = ledger_of(PUBLISH, Change("bo", "rollback", "r0", note="the menu was wrong"))
    assert [
        (item.number, item.at, item.who, item.what, item.note) for item in ledger.list_changes()
    ] == [
        (1, 0.0, "ann", "publish", ""),
        (2, 1.0, "bo", "rollback", "the menu was wrong"),
    ]
    assert [item.number for item in ledger.list_changes(since=1)] == [2]


def test_refused_change_changes_nothing(ledger_of: Callable[..., Ledger]) -> None:
    ledger = ledger_of(PUBLISH)

    def refuse(_live: LiveState) -> Change:
        raise CommandRefusedError("there is no candidate")

    with pytest.raises(CommandRefusedError):
        ledger.append_change(refuse, 2.0)
    assert ledger.get_live().number == 1
    ledger.append_change(lambda live: Change("ann", "rollback", live.current), 3.0)
    assert ledger.get_live().number == 2


def test_others_see_a_change_at_once_and_decide_on_what_is_live_then(
    ledger_of: Callable[..., Ledger],
) -> None:
    mine, theirs = ledger_of(), ledger_of()
    assert theirs.get_live() == LiveState()
    mine.append_change(lambda _live: PUBLISH, 1.0)
    assert theirs.get_live().current == "r1"
    theirs.append_change(lambda live: Change("bo", "canary", live.current + "+", share=0.5), 2.0)
    assert mine.get_live().candidate == "r1+"


def test_processes_that_change_at_the_same_time_lose_nothing(
    ledger_of: Callable[..., Ledger], where: ArchiveLocation, tmp_path: Path
) -> None:
    ledger_of()
    (tmp_path / "program.py").write_text(
        "import sys; from pathlib import Path; from flowengine.releases.ledger import Change, "
        "Ledger\n"
        "ledger = Ledger(sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1]))\n"
        "for n in range(50): ledger.append_change(lambda live: Change(sys.argv[2], 'publish', "
        "str(live.number + 1)), 0.0)\n"
    )
    running = [
        FlowengineProcess([str(where), str(number)], program=str(tmp_path / "program.py"))
        for number in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    changes = ledger_of().list_changes()
    assert [change.release for change in changes] == [str(number) for number in range(1, 151)]
    assert {change.who for change in changes} == {"0", "1", "2"}


names = st.sampled_from(["r1", "r2", "r3"])
changes = st.builds(
    Change,
    who=st.just("ann"),
    what=st.sampled_from(
        ["publish", "rollback", "canary", "promote", "withdraw", "draft", "undraft"]
    ),
    release=names,
    share=st.sampled_from([0.0, 0.25]),
    name=st.sampled_from(["spring", "summer"]),
    callers=st.just(("4670",)),
    place=st.sampled_from(["", "/srv"]),
)


@given(st.lists(changes, max_size=12), st.integers(0, 12))
def test_live_state_is_the_same_wherever_the_changes_are_split(
    made: list[Change], split: int
) -> None:
    assert apply_changes(apply_changes(LiveState(), made[:split]), made[split:]) == apply_changes(
        LiveState(), made
    )
