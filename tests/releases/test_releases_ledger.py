"""Every change to what is live is recorded, and what is live follows from the record alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.releases.ledger import Change, Draft, Ledger, Live, Refused, fold

PUBLISH = Change("ann", "publish", "r1", place="/srv/flows")


def ledger_of(folder: Path, *changes: Change) -> Ledger:
    ledger = Ledger(folder / "releases.db")
    for at, change in enumerate(changes):
        ledger.change(lambda _live, change=change: change, float(at))
    return ledger


CASES = {
    "publishing": ([PUBLISH], Live("r1", place="/srv/flows", followed="r1", number=1)),
    "rolling back leaves the place where it was": (
        [PUBLISH, Change("ann", "publish", "r2", place="/srv/flows"), Change("bo", "rollback", "r1")],
        Live("r1", place="/srv/flows", followed="r2", number=3),
    ),
    "a canary": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1)],
        Live("r1", "r2", 0.1, place="/srv/flows", followed="r1", number=2),
    ),
    "a canary that is promoted": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1), Change("bo", "promote", "r2")],
        Live("r2", place="/srv/flows", followed="r1", number=3),
    ),
    "a canary that is withdrawn": (
        [PUBLISH, Change("bo", "canary", "r2", share=0.1), Change("bo", "withdraw", "r2")],
        Live("r1", place="/srv/flows", followed="r1", number=3),
    ),
    "a canary that is published": ([Change("bo", "canary", "r2", share=0.1), Change("bo", "publish", "r2")], Live("r2", number=2)),
    "publishing beside a canary": (
        [Change("bo", "canary", "r2", share=0.1), Change("bo", "publish", "r3")],
        Live("r3", "r2", 0.1, number=2),
    ),
    "drafts by name": (
        [
            Change("bo", "draft", "r4", name="spring", callers=("4670", "4671")),
            Change("bo", "draft", "r5", name="spring", callers=("4670",)),
            Change("bo", "draft", "r6", name="summer", callers=("4672",)),
            Change("bo", "undraft", name="summer"),
        ],
        Live(drafts={"spring": Draft("r5", frozenset({"4670"}))}, number=4),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_live_after(case: str, tmp_path: Path) -> None:
    changes, expected = CASES[case]
    ledger = ledger_of(tmp_path, *changes)
    assert ledger.live() == expected
    assert Ledger(tmp_path / "releases.db").live() == expected


def test_the_record_says_who_did_what_and_when(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, PUBLISH, Change("bo", "rollback", "r0", note="the menu was wrong"))
    assert [(item.number, item.at, item.who, item.what, item.note) for item in ledger.all()] == [
        (1, 0.0, "ann", "publish", ""),
        (2, 1.0, "bo", "rollback", "the menu was wrong"),
    ]
    assert [item.number for item in ledger.all(since=1)] == [2]


def test_what_makes_no_sense_changes_nothing(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, PUBLISH)

    def refuse(_live: Live) -> Change:
        raise Refused("there is no candidate")

    with pytest.raises(Refused):
        ledger.change(refuse, 2.0)
    assert ledger.live().number == 1
    ledger.change(lambda live: Change("ann", "rollback", live.current), 3.0)
    assert ledger.live().number == 2


def test_others_see_a_change_at_once_and_decide_on_what_is_live_then(tmp_path: Path) -> None:
    mine, theirs = ledger_of(tmp_path), Ledger(tmp_path / "releases.db")
    assert theirs.live() == Live()
    mine.change(lambda _live: PUBLISH, 1.0)
    assert theirs.live().current == "r1"
    theirs.change(lambda live: Change("bo", "canary", live.current + "+", share=0.5), 2.0)
    assert mine.live().candidate == "r1+"


def test_processes_that_change_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    ledger_of(tmp_path)
    program = (
        "import sys; from pathlib import Path; from flowengine.releases.ledger import Change, Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for n in range(50): ledger.change(lambda live: Change(sys.argv[2], 'publish', str(live.number + 1)), 0.0)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "releases.db"), str(number)]) for number in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    changes = Ledger(tmp_path / "releases.db").all()
    assert [change.release for change in changes] == [str(number) for number in range(1, 151)]
    assert {change.who for change in changes} == {"0", "1", "2"}


names = st.sampled_from(["r1", "r2", "r3"])
changes = st.builds(
    Change,
    who=st.just("ann"),
    what=st.sampled_from(["publish", "rollback", "canary", "promote", "withdraw", "draft", "undraft"]),
    release=names,
    share=st.sampled_from([0.0, 0.25]),
    name=st.sampled_from(["spring", "summer"]),
    callers=st.just(("4670",)),
    place=st.sampled_from(["", "/srv"]),
)


@given(st.lists(changes, max_size=12), st.integers(0, 12))
def test_it_makes_no_difference_where_one_begins_to_follow(made: list[Change], split: int) -> None:
    assert fold(fold(Live(), made[:split]), made[split:]) == fold(Live(), made)
