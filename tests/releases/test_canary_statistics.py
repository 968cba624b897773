"""The figures of a canary, summed from the callbacks of several machines, are those of one journal
that has them all.
"""

import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.journal import CanaryFigures, read_canary_callbacks, read_figures
from flowengine.releases.canary_statistics import CanaryTable, load_machine_id
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    FLOW,
    answered,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)

SINCE = 1.0
CALLS = [
    lambda call: [ring(call), press("0", call), answered(call), ended(call, seconds=30)],
    lambda call: [
        ring(call),
        press("2", call),
        keyed("654321", call),
        press("0", call),
        ended(call, "CALLEEHANGUP", seconds=50),
    ],
    lambda call: [ring(call), ended(call, seconds=4)],
    lambda call: [ring(call), press("9", call), press("", call, "hangup"), ended(call, seconds=8)],
    lambda call: [ring(call), press("2", call)],
    lambda call: [ring(call), ring(call), press("0", call)],
]


@pytest.fixture(params=["sqlite", "postgresql"])
def tally(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CanaryTable]:
    where = (
        tmp_path / "releases.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgresql"))
    )
    with closing(CanaryTable(where)) as made:
        yield made


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, list[str]]:
    """A journal with calls on two releases."""
    path = tmp_path / "journal.db"
    good, bad = (
        compile_release(files()),
        compile_release(files(FLOW.replace('phone: "+14045009000"', 'phone: "${vars.name}"'))),
    )
    for number, release in enumerate((good, bad)):
        record(
            path,
            release,
            [event for call in range(18) for event in CALLS[call % len(CALLS)](f"{number}-{call}")],
        )
    return path, [good.id, bad.id]


def torn(whole: Path, machines: int, seed: int) -> list[Path]:
    """The same callbacks, each in the journal of one machine."""
    made = [whole.with_name(f"machine{number}.db") for number in range(machines)]
    chance = random.Random(seed)
    with closing(sqlite3.connect(whole)) as journal:
        owner = {
            number: chance.randrange(machines)
            for (number,) in journal.execute("SELECT number FROM callbacks")
        }
    for index, path in enumerate(made):
        shutil.copy(whole, path)
        with closing(sqlite3.connect(path)) as journal:
            journal.executemany(
                "DELETE FROM callbacks WHERE number = ?",
                [(number,) for number, one in owner.items() if one != index],
            )
            journal.commit()
    return made


def told(tally: CanaryTable, journal: Path, since: float = SINCE) -> None:
    """As a server does: until there is nothing more to tell."""
    while True:
        before = tally.load_uploaded_number(journal.name, since)
        found, number = read_canary_callbacks(journal, since, before)
        if number == before:
            return
        tally.save_callbacks(journal.name, since, found, number)


@pytest.mark.parametrize("machines", [1, 2, 3])
def test_calls_that_several_machines_answered_count_once_with_what_came_last(
    tally: CanaryTable,
    whole: tuple[Path, list[str]],
    machines: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[read_figures.__module__], "_CALLBACKS_PER_READ", 7)
    path, releases = whole
    for journal in torn(path, machines, seed=machines):
        told(tally, journal)
    assert tally.sum_figures([*releases, "nobody"], SINCE) == (
        {**read_figures(path, releases, SINCE), "nobody": CanaryFigures()},
        machines,
        0,
    )


def test_statistics_saved_twice_count_once(
    tally: CanaryTable, whole: tuple[Path, list[str]]
) -> None:
    path, releases = whole
    told(tally, path)
    found, number = read_canary_callbacks(path, SINCE, 0)
    tally.save_callbacks(path.name, SINCE, found, number)
    assert tally.sum_figures(releases, SINCE) == (read_figures(path, releases, SINCE), 1, 0)


def test_call_that_goes_on_between_two_uploads_counts_once(
    tally: CanaryTable, tmp_path: Path
) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    record(path, release, [ring("a"), ring("b")])
    told(tally, path)
    record(path, release, [press("0", "a"), ended("a", seconds=20)])
    told(tally, path)
    found = tally.sum_figures([release.id], SINCE).figures[release.id]
    assert (found.calls, found.ended, found.seconds) == (2, 1, 20.0)


def test_calls_that_began_before_the_canary_do_not_count_wherever_they_go_on(
    tally: CanaryTable, tmp_path: Path
) -> None:
    one, two, release = tmp_path / "one.db", tmp_path / "two.db", compile_release(files())
    replies = record(one, release, [ring("a"), press("2", "a")])
    shutil.copy(one, two)
    since = replies[1].record.at
    for path, number in ((one, 2), (two, 1)):
        with closing(sqlite3.connect(path)) as journal:
            journal.execute("DELETE FROM callbacks WHERE number = ?", (number,))
            journal.commit()
    for path in (one, two):
        told(tally, path, since)
    assert tally.sum_figures([release.id], since).figures[release.id].calls == 0


def test_statistics_of_a_deleted_journal_are_kept_and_a_new_one_adds(
    tally: CanaryTable, tmp_path: Path
) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    record(path, release, [ring("a"), ring("b"), ring("c")])
    told(tally, path)
    path.unlink()
    record(path, release, [ring("d")])
    told(tally, path)
    assert tally.sum_figures([release.id], SINCE).figures[release.id].calls == 4


def test_statistics_of_the_canary_before_are_deleted(
    tally: CanaryTable, whole: tuple[Path, list[str]]
) -> None:
    path, releases = whole
    told(tally, path)
    tally.delete_older_canaries(SINCE)
    assert tally.sum_figures(releases, SINCE).machines == 1
    tally.delete_older_canaries(time.time())
    assert tally.sum_figures(releases, SINCE) == (
        {name: CanaryFigures() for name in releases},
        0,
        0,
    )


def test_machine_id_is_the_same_for_each_load_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert (
        load_machine_id(tmp_path)
        == load_machine_id(tmp_path)
        != load_machine_id(tmp_path / "other")
    )


def test_call_that_goes_on_after_its_journal_was_deleted_counts_once(
    tally: CanaryTable, tmp_path: Path
) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    record(path, release, [ring("a")])
    told(tally, path)
    path.unlink()
    record(path, release, [press("0", "a"), ended("a", seconds=20)])
    told(tally, path)
    found = tally.sum_figures([release.id], SINCE).figures[release.id]
    assert (found.calls, found.ended, found.seconds) == (1, 1, 20.0)
