"""Exported calls are those that have ended, whole, and masked as the journal is."""

import csv
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.compile import Release, compile_project
from flowengine.journal import call_export
from flowengine.journal.call_export import FinishedCall, iter_finished_calls
from flowengine.journal.export_files import (
    EXPORT_COLUMNS,
    export_calls,
    find_export_writer,
    format_moment,
    quote_formula,
)
from flowengine.journal.journal_location import JournalLocation, build_journal_feed
from tests.journal.journal_line import Clock, ended, files, keyed, press, record, ring

CALLS = [
    ring("first"),
    ring("second"),
    *(press("1", "second"), keyed("12345678", "second"), ended("second", seconds=41)),
    ring("open"),
    ended("first", "CALLEEHANGUP"),
    ended("never begun"),
]


def build_release(journal: str = "") -> Release:
    release = compile_project(files(journal=journal), {}).release
    assert release is not None
    return release


@pytest.fixture(params=["file", "server"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> JournalLocation:
    location: JournalLocation = (
        tmp_path / "journal.db"
        if request.param == "file"
        else request.getfixturevalue("postgresql")
    )
    record(location, build_release(), CALLS, clock=Clock())
    return location


def export(journal: JournalLocation, since: float = 0.0) -> list[FinishedCall]:
    with closing(build_journal_feed(journal)) as feed:
        return [*iter_finished_calls(feed, since)]


@pytest.mark.parametrize("chunk", [1, 3, 2000])
def test_finished_calls_are_told_whole(
    journal: JournalLocation, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_export, "CHUNK_CALLBACKS", chunk)
    monkeypatch.setattr(call_export, "SETTLED_SECONDS", 0.0)
    found = {call.call: call for call in export(journal)}
    assert set(found) == {"first", "second"}
    second = found["second"]
    assert (second.callbacks, second.seconds, second.reason) == (4, 41, "callerhangup")
    assert (second.flow, second.last_flow, second.state) == ("line", "line", "agents")
    assert (second.exit, second.outcome, second.parent) == ("line/greet: next", "answered", "")
    assert (second.caller, second.called) == ("+*********23", "+*********99")
    assert second.began < second.ended < second.began + 20
    assert found["first"].reason == "calleehangup"


def test_calls_that_began_before_are_left_out(journal: JournalLocation) -> None:
    first, second = sorted(export(journal), key=lambda call: call.began)
    assert [call.call for call in export(journal, second.began)] == ["second"]
    assert export(journal, first.ended + 1e6) == []


def test_command_writes_csv(journal: JournalLocation, tmp_path: Path) -> None:
    where = f"sqlite:{journal}" if isinstance(journal, Path) else journal
    file = tmp_path / "calls.csv"
    done = CliRunner().invoke(main, ["calls", "--journal", where, "--export", str(file)])
    assert (done.exit_code, done.output) == (0, f"2 calls written to {file}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    rows = [*csv.DictReader(file.read_text().splitlines())]
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert {row["call"]: row["reason"] for row in rows} == {
        "first": "calleehangup",
        "second": "callerhangup",
    }
    assert rows[0]["began"] == format_moment(export(journal)[0].began)
    more = ["--export", str(file), "--outcome", "error"]
    assert CliRunner().invoke(main, ["calls", "--journal", where, *more]).exit_code == 0
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    ["=1", "+1+1", "-1+1", "+1,=1", " =1", "\n=1", "\t1", "@a", "\uff1d1", "+49 12", "+4930\n"],
)
def test_formula_in_csv_is_quoted(text: str) -> None:
    assert quote_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "+4930123456", "+49******56", "-1", "sip:a@b", "a=1", " a"])
def test_text_in_csv_that_is_no_formula_stays(text: str) -> None:
    assert quote_formula(text) == text


def test_parquet_has_the_same_with_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    record(
        tmp_path / "journal.db",
        build_release("{numbers: clear, words: clear}"),
        CALLS,
        clock=Clock(),
    )
    calls = export(tmp_path / "journal.db")
    file = tmp_path / "calls.parquet"
    write = find_export_writer(file)
    assert write is not None
    assert export_calls(file, calls, write) == 2
    table = parquet.read_table(file)
    assert tuple(table.column_names) == EXPORT_COLUMNS
    kinds = {name: str(table.schema.field(name).type) for name in ("call", "began", "seconds")}
    assert kinds == {"call": "string", "began": "timestamp[ms, tz=UTC]", "seconds": "int64"}
    (first, *_) = [row for row in table.to_pylist() if row["call"] == calls[0].call]
    assert first["began"].timestamp() == pytest.approx(calls[0].began, abs=0.001)
    assert first["caller"] == "12015550123"


def test_export_of_nothing_has_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("calls.csv", "calls.parquet"):
        write = find_export_writer(tmp_path / name)
        assert write is not None
        assert export_calls(tmp_path / name, [], write) == 0
    assert (tmp_path / "calls.csv").read_text() == ",".join(EXPORT_COLUMNS) + "\n"
    assert parquet.read_table(tmp_path / "calls.parquet").num_rows == 0


def test_export_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("before")

    def fail() -> Iterable[FinishedCall]:
        yield from ()
        raise OSError("the disk is full")

    write = find_export_writer(file)
    assert write is not None
    with pytest.raises(OSError, match="the disk is full"):
        export_calls(file, fail(), write)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("calls.csv", "before")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--export", "calls.xls"], "ends neither in .csv nor in .parquet"),
        (["--export", "calls.csv", "--json"], "leave out --json"),
        (["--export", "calls.csv", "--limit", "3"], "leave out --limit"),
        (["a-call", "--export", "calls.csv"], "leave out CALL"),
        (["--export", "calls.csv"], "there is no call journal"),
    ],
)
def test_export_that_cannot_be_says_why(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done: Any = CliRunner().invoke(main, ["calls", *arguments])
    assert done.exit_code == 2
    assert said in done.output
    assert [*tmp_path.iterdir()] == []


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Not the draft beside it, which nobody has named."""
    record(tmp_path / "journal.db", build_release(), [ring("a")])
    place = tmp_path / "missing" / "calls.csv"
    words = ["--journal", f"sqlite:{tmp_path / 'journal.db'}", "--export", str(place)]
    done: Any = CliRunner().invoke(main, ["calls", *words])
    assert done.exit_code == 2
    assert f"{place} cannot be written: No such file or directory" in done.output


def test_missing_pyarrow_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    record(tmp_path / "journal.db", build_release(), CALLS)
    arguments = ["--journal", f"sqlite:{tmp_path / 'journal.db'}", "--export", "calls.parquet"]
    done = CliRunner().invoke(main, ["calls", *arguments])
    assert done.exit_code == 2
    assert 'pip install "flowengine[parquet]"' in done.output
