"""A journal on a PostgreSQL server tells the same of the same calls as one in a file, whichever
machine wrote what.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flowengine.compile import Release, compile_project
from flowengine.journal import CallFilter, JournalReader, open_journal_reader
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT
from flowengine.journal.call_search import CallQuery
from flowengine.journal.journal_location import build_journal_feed
from flowengine.states import LookupRequest, LookupResult
from tests.journal.journal_line import (
    FLOW,
    SEALER,
    Clock,
    answered,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)

CALLS = [
    *(ring("bill"), press("9", "bill"), press("1", "bill"), keyed("12345678", "bill"), answered("bill")),
    ended("bill", "CALLEEHANGUP"),
    *(ring("lost"), press("", "lost", "timeout"), ended("lost")),
    *(ring("again"), press("1", "again"), press("1", "again"), ended("again")),
    *(ring("open"), press("2", "open"), keyed("123456", "open")),
    *(ring("Ä-odd"), press("2", "Ä-odd")),
]  # fmt: skip


@cache
def build_release(journal: str = "") -> Release:
    release = compile_project(files(journal=journal), {}).release
    assert release is not None
    return release


@pytest.fixture(params=["", "{numbers: clear, words: clear}"], ids=["masked", "clear"])
def both(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: str
) -> Iterator[tuple[JournalReader, JournalReader]]:
    """The same calls in a file and on a server."""
    release = build_release(request.param)
    for location in (tmp_path / "journal.db", postgresql):
        record(location, release, CALLS, clock=Clock())
    with (
        closing(open_journal_reader(tmp_path / "journal.db")) as in_file,
        closing(open_journal_reader(postgresql)) as on_server,
    ):
        yield in_file, on_server


def drop_times(entries: list[Any]) -> list[Any]:
    """How long an answer took differs each time."""
    for entry in entries:
        entry.shown.pop("ms", None)
    return entries


def test_server_lists_calls_as_file_does(both: tuple[JournalReader, JournalReader]) -> None:
    in_file, on_server = both
    calls = in_file.list_calls(CallFilter())
    assert on_server.list_calls(CallFilter()) == calls
    for wanted in (
        CallFilter(limit=2),
        CallFilter(since=calls[1].at),
        CallFilter(release="nobody"),
        CallFilter(release=calls[0].release, outcome="apology"),
        CallFilter(outcome="answered", limit=1),
    ):
        assert on_server.list_calls(wanted) == in_file.list_calls(wanted), wanted


async def fail_lookup(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(500)


def test_calls_are_found_by_the_worst_outcome_of_their_callbacks(
    tmp_path: Path, postgresql: str
) -> None:
    failing = [ring("fails"), press("1", "fails"), keyed("12345678", "fails"), answered("fails")]
    broken = compile_project(files(FLOW.replace("Welcome.", "${10 / size(vars.name)}")), {}).release
    assert broken is not None
    for location in (tmp_path / "journal.db", postgresql):
        record(location, build_release(), failing, fail_lookup)
        record(location, build_release(), [ring("good"), press("0", "good")])
        record(location, broken, [ring("bad"), ended("bad")])
        with closing(open_journal_reader(location)) as reader:
            found = {
                outcome: [call.call for call in reader.list_calls(CallFilter(outcome=outcome))]
                for outcome in OUTCOMES_BY_WEIGHT
            }
            listed = [(call.call, call.outcome) for call in reader.list_calls(CallFilter())]
        assert {outcome: calls for outcome, calls in found.items() if calls} == {
            "answered": ["good"],
            "failed": ["fails"],
            "apology": ["bad"],
        }
        assert listed == [("bad", "apology"), ("good", "answered"), ("fails", "failed")]


def test_server_tells_callbacks_as_file_does(both: tuple[JournalReader, JournalReader]) -> None:
    in_file, on_server = both
    for call in in_file.list_calls(CallFilter()):
        expected = drop_times(in_file.list_callbacks(call.call))
        assert drop_times(on_server.list_callbacks(call.call)) == expected
        assert on_server.load_recorded_call(call.call, SEALER) == in_file.load_recorded_call(
            call.call, SEALER
        )
        assert on_server.find_call_ids(call.call[:2]) == [call.call]
    recorded = [*on_server.iter_recorded_calls(0.0, SEALER)]
    assert recorded == [*in_file.iter_recorded_calls(0.0, SEALER)]


def test_figures_of_server_are_those_of_file(both: tuple[JournalReader, JournalReader]) -> None:
    in_file, on_server = both
    release = in_file.list_calls(CallFilter())[0].release
    second = sorted(call.at for call in in_file.list_calls(CallFilter()))[1]
    for since in (0.0, second, second + 0.5):
        figures = on_server.read_figures([release, "nobody"], since)
        assert figures == in_file.read_figures([release, "nobody"], since)
    assert on_server.read_figures([release], 0.0)[release].calls == 5
    assert (on_server.count_machines(0.0), on_server.count_lost(0.0)) == (1, 0)


def test_index_of_server_is_that_of_file(tmp_path: Path, postgresql: str) -> None:
    found = []
    for location in (tmp_path / "journal.db", postgresql):
        record(location, build_release(), CALLS, clock=Clock())
        with closing(CallIndex(build_journal_feed(location))) as index:
            assert index.catch_up()
            assert not index.catch_up()
            assert index.get_progress() == (len(CALLS), True)
            calls = index.find_calls(CallQuery()).calls
            found.append([
                *[(call.call, call.at, call.outcome, call.place, call.exit, call.called) for call in calls],
                index.count_passages("line", 0.0, 4e9),
                index.find_calls(CallQuery(number="23")).calls[0].call,
            ])  # fmt: skip
    assert found[0] == found[1]


def test_missing_journal_says_so(postgresql: str) -> None:
    with pytest.raises(Exception, match=r"there is no call journal on postgresql://"):
        open_journal_reader(postgresql)


def test_answers_that_many_hear_stand_once(postgresql: str) -> None:
    calls = [event for number in range(20) for event in (ring(f"call-{number}"),)]
    record(postgresql, build_release(), calls)
    with psycopg.connect(postgresql) as connection:
        ((texts, dimensions),) = connection.execute(
            "SELECT (SELECT count(*) FROM flowengine.journal_texts), "
            "(SELECT count(*) FROM flowengine.journal_dimensions)"
        ).fetchall()
    assert (texts, dimensions) == (2, 1)  # what came and what was said, both a second time
