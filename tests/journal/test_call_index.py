"""The index of a journal: what it finds is what the journal has, whichever end it is read from."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from flowengine.compile import Release, compile_project
from flowengine.journal import CallFilter, SqliteJournalReader, call_index, sqlite_feed
from flowengine.journal.answer_rates import AnswerRates
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_search import CallQuery
from flowengine.journal.journal_database import open_for_writing
from flowengine.journal.journal_error import JournalError
from flowengine.journal.sqlite_feed import SqliteJournalFeed
from tests.journal.journal_line import Clock, answered, ended, files, keyed, press, record, ring

BEFORE_ALL, AFTER_ALL = 0.0, 4e9
CALLS = [
    *(ring("bill"), press("9", "bill"), press("1", "bill"), keyed("12345678", "bill"), answered("bill")),
    ended("bill", "CALLEEHANGUP"),
    *(ring("lost"), press("", "lost", "timeout"), ended("lost")),
    *(ring("open"), press("2", "open")),
]  # fmt: skip


@cache
def build_release(journal: str = "") -> Release:
    release = compile_project(files(journal=journal), {}).release
    assert release is not None
    return release


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "journal.db"
    record(path, build_release(), CALLS)
    return path


@pytest.fixture(params=[2000, 1], ids=["at once", "row by row"])
def index(
    journal: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CallIndex]:
    """Read at once, and from the last callback to the first."""
    monkeypatch.setattr(call_index, "CHUNK_CALLBACKS", request.param)
    index = CallIndex(SqliteJournalFeed(journal))
    assert index.catch_up()
    assert index.get_progress() == (len(CALLS), True)
    yield index
    index.close()


def find(index: CallIndex, **wanted: object) -> list[str]:
    return [call.call for call in index.find_calls(CallQuery(**wanted)).calls]  # type: ignore[arg-type]


def test_index_calls_are_those_that_reader_lists(index: CallIndex, journal: Path) -> None:
    listed = SqliteJournalReader(journal).list_calls(CallFilter())
    found = index.find_calls(CallQuery()).calls
    for read, call in zip(listed, found, strict=True):
        for name in ("call", "at", "until", "callbacks", "seconds", "outcome", "ended", "reason", "release", "flow", "exit"):  # fmt: skip
            assert getattr(call, name) == getattr(read, name), name
        assert call.caller == read.event["cli"]
        assert call.called == read.event["to"]["endpoint"]


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ({}, ["open", "lost", "bill"]),
        ({"flow": "line", "state": "main"}, ["lost"]),
        ({"flow": "line", "state": "agents"}, ["bill"]),
        ({"flow": "line", "state": "nowhere"}, []),
        ({"flow": "line"}, ["open", "lost", "bill"]),
        ({"flow": "other"}, []),
        ({"progress": "under way"}, ["open"]),
        ({"progress": "ended"}, ["lost", "bill"]),
        ({"outcome": "answered"}, ["open", "lost", "bill"]),
        ({"outcome": "apology"}, []),
        ({"number": "+12015550123"}, ["open", "lost", "bill"]),
        ({"number": "0201 555-0123"}, ["open", "lost", "bill"]),
        ({"number": "+*********23", "progress": "ended"}, ["lost", "bill"]),
        ({"number": "23", "progress": "ended"}, ["lost", "bill"]),
        ({"number": "99"}, ["open", "lost", "bill"]),
        ({"number": "24"}, []),
        ({"number": "+46701234567"}, []),
        ({"number": "3"}, []),
        ({"until": 1.0}, []),
        ({"since": 4e9}, []),
        ({"release": "nothing"}, []),
    ],
)
def test_query_finds_calls_the_latest_first(
    index: CallIndex, wanted: dict[str, object], calls: list[str]
) -> None:
    assert find(index, **wanted) == calls


def test_pages_of_one_call_list_each_call_once(index: CallIndex) -> None:
    for number in ("", "23"):
        found, after = [], None
        while True:
            page = index.find_calls(CallQuery(number=number, limit=1), after)
            found += [call.call for call in page.calls]
            after = page.next
            if after is None:
                break
        assert found == ["open", "lost", "bill"]


def test_numbers_in_clear_are_found_by_any_spelling(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    record(path, build_release("{numbers: clear, words: clear}"), CALLS)
    index = CallIndex(SqliteJournalFeed(path))
    index.catch_up()
    for number in ("+1 201 555-0123", "0201 5550123", "0123", "12015550123", "5550199"):
        assert find(index, number=number) == ["open", "lost", "bill"], number
    for number in ("1201555", "+12015550124", "+442015550123"):
        assert find(index, number=number) == [], number
    index.close()


def test_passages_count_how_callers_left_each_state(index: CallIndex) -> None:
    found = index.count_passages("line", BEFORE_ALL, AFTER_ALL)
    assert (found["welcome"].entered, found["welcome"].exits) == (3, {"next": 3})
    assert (found["main"].entered, found["main"].again, found["main"].hung_up) == (3, 2, 1)
    assert found["main"].exits == {"key 1": 1, "key 2": 1}
    assert found["look_up"].exits == {"next": 1}
    assert (found["agents"].entered, found["agents"].ended, found["agents"].hung_up) == (1, 1, 0)
    assert index.count_passages("line", AFTER_ALL, AFTER_ALL + 60) == {}
    assert index.count_passages("other", BEFORE_ALL, AFTER_ALL) == {}


def test_live_places_are_those_of_calls_under_way(index: CallIndex) -> None:
    now = index.find_calls(CallQuery()).calls[0].until
    assert index.list_live_places(now) == [("line", "ask_order", build_release().id, 1)]
    assert index.list_live_places(now + 86_400) == []


def test_catch_up_reads_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a")])
    index = CallIndex(SqliteJournalFeed(path))
    assert index.catch_up()
    assert not index.catch_up()
    record(path, build_release(), [ring("b"), ended("b")])
    assert index.catch_up()
    assert find(index) == ["b", "a"] or find(index) == ["a", "b"]
    assert sorted(call.callbacks for call in index.find_calls(CallQuery()).calls) == [1, 2]
    index.close()


def test_replaced_journal_is_indexed_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a"), ended("a")])
    index = CallIndex(SqliteJournalFeed(path))
    index.catch_up()
    for file in tmp_path.glob("journal.db*"):
        file.unlink()
    with pytest.raises(JournalError):
        index.catch_up()
    record(path, build_release(), [ring("b")])
    assert index.catch_up()
    assert find(index) == ["b"]
    assert index.count_passages("line", BEFORE_ALL, AFTER_ALL)["main"].entered == 1
    index.close()


def test_dropped_calls_leave_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_index, "PRUNE_SECONDS", 0.0)
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a"), ended("a")])
    index = CallIndex(SqliteJournalFeed(path))
    index.catch_up()
    time.sleep(0.01)
    file = open_for_writing(path)
    file.connection.execute("UPDATE callbacks SET at = at - 864000")
    record(path, build_release(), [ring("b")])
    file.connection.execute(
        "DELETE FROM callbacks WHERE at < (SELECT max(at) FROM callbacks) - 1000"
    )
    index.catch_up()
    file.connection.close()
    assert "b" in find(index)
    index.close()


def test_answer_rates_of_the_last_minute_forget_what_was_before() -> None:
    rates = AnswerRates()
    assert rates.measure(100.0) == (0, 0, None)
    for second in range(100):
        rates.add(float(second), second * 1000, is_failed=second % 50 == 0)
    assert rates.measure(99.0) == (61, 1, 96.0)
    assert rates.measure(200.0) == (0, 0, None)


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE callbacks SET readable = '{no JSON' WHERE number = 2",
        "UPDATE callbacks SET readable = '[1]' WHERE number = 2",
        "UPDATE callbacks SET own = CAST(x'ff' AS TEXT) WHERE number = 2",
        "UPDATE callbacks SET dimension = 4711 WHERE number = 2",
        "UPDATE callbacks SET at = 'noon' WHERE number = 2",
    ],
)
def test_row_that_cannot_be_read_is_left_out(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a"), ring("b"), ring("c"), ended("a")])
    file = open_for_writing(path)
    file.connection.execute(fault)
    file.connection.close()
    index = CallIndex(SqliteJournalFeed(path))
    assert index.catch_up()
    assert sorted(find(index)) == ["a", "c"]
    assert index.get_progress().is_whole
    assert "number 2 of" in caplog.text
    assert not index.catch_up()
    index.close()


def test_journal_that_vanishes_while_it_is_read_raises_journal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a")])
    index = CallIndex(SqliteJournalFeed(path))
    real = sqlite_feed.open_for_reading

    def open_and_remove(path: Path, busy_seconds: float) -> sqlite3.Connection:
        connection = real(path, busy_seconds)
        path.unlink()
        return connection

    monkeypatch.setattr(sqlite_feed, "open_for_reading", open_and_remove)
    with pytest.raises(JournalError, match="no call journal"):
        index.catch_up()
    index.close()


def test_locked_journal_is_said_to_be_busy_after_a_short_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_feed, "INDEX_BUSY_SECONDS", 0.01)
    path = tmp_path / "journal.db"
    record(path, build_release(), [ring("a")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        index = CallIndex(SqliteJournalFeed(path))
        with pytest.raises(JournalError, match="is busy"):
            index.catch_up()
        index.close()


@pytest.mark.parametrize("is_at_once", [True, False])
def test_index_keeps_the_newest_callbacks_of_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_at_once: bool
) -> None:
    monkeypatch.setattr(call_index, "PRUNE_SECONDS", 0.0)
    monkeypatch.setattr(call_index, "MAX_INDEXED_CALLBACKS", 4)
    monkeypatch.setattr(call_index, "CHUNK_CALLBACKS", 1)
    path = tmp_path / "journal.db"
    index = CallIndex(SqliteJournalFeed(path))
    clock = Clock()
    for number in range(8):
        record(path, build_release(), [ring(f"c{number}")], clock=clock)
        if not is_at_once:
            index.catch_up()
    index.catch_up()
    assert find(index) == ["c7", "c6", "c5", "c4"]
    assert index.get_progress() == (4, False)
    assert not index.catch_up()
    index.close()
