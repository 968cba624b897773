"""`flowengine calls`, as somebody types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT
from tests.compiled_release import compile_release
from tests.journal.journal_line import answered, ended, files, keyed, press, record, ring

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def store(tmp_path: Path) -> str:
    record(tmp_path / "journal.db", compile_release(files()), [
        *(ring("bill"), press("9", "bill"), press("1", "bill"), keyed("12345674", "bill"), answered("bill"), ended("bill")),
        *(ring("order"), press("2", "order"), keyed("654321", "order"), ended("order", "CALLEEHANGUP", 31)),
        ring("still"),
    ])  # fmt: skip
    return f"sqlite:{tmp_path / 'calls.db'}"


def calls(store: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["calls", "--store", store, *arguments])


def test_calls_command_prints_a_list_and_a_call(
    store: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / "calls.txt", calls(store).output)
    golden(GOLDEN / "call.txt", calls(store, "bill").output)


def test_calls_command_prints_the_same_as_json(store: str) -> None:
    listed = json.loads(calls(store, "--json").output)
    assert [(call["call"], call["ended"], call["seconds"]) for call in listed] == [
        ("still", False, 0), ("order", True, 31), ("bill", True, 20),
    ]  # fmt: skip
    steps = json.loads(calls(store, "bill", "--json").output)
    assert [step["event"] for step in steps] == ["ice", "pie", "pie", "pie", "ace", "dice"]


def test_calls_command_without_a_call_to_show_says_so(store: str) -> None:
    assert calls(store, "--outcome", "error").output == "no calls\n"
    assert calls(store, "--outcome", "error", "--json").output == "[]\n"


def test_calls_command_takes_the_beginning_of_an_id(store: str) -> None:
    assert calls(store, "bi").output == calls(store, "bill").output


def test_calls_command_with_an_ambiguous_beginning_names_the_calls(tmp_path: Path) -> None:
    record(tmp_path / "journal.db", compile_release(files()), [ring("aa1"), ring("aa2")])
    told = calls(f"sqlite:{tmp_path / 'calls.db'}", "aa")
    assert (told.exit_code, "aa is the beginning of several calls: aa1, aa2" in told.output) == (
        2,
        True,
    )


def test_calls_command_shows_no_controls_of_a_caller(tmp_path: Path) -> None:
    hostile = "\0\x1b[2J\u202e\nmore"
    numbers = compile_release(files(journal="{numbers: clear}"))
    record(
        tmp_path / "journal.db",
        numbers,
        [{**ring("a" + hostile), "cli": hostile}, ended("a" + hostile, hostile)],
    )
    store = f"sqlite:{tmp_path / 'calls.db'}"
    for told in (calls(store), calls(store, "a")):
        assert told.exit_code == 0
        assert all(line.isprintable() for line in told.output.split("\n")), told.output
        assert "more" in told.output


def test_outcomes_are_named(store: str) -> None:
    told = calls(store, "--outcome", "foo")
    assert told.exit_code == 2
    assert all(name in told.output for name in OUTCOMES_BY_WEIGHT)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--limit", "1"], ["still"]),
        (["--outcome", "apology"], []),
        (["--outcome", "answered"], ["still", "order", "bill"]),
        (["--release", "nobody"], []),
        (["--since", "2100-01-01"], []),
        (["--since", "2020-01-01T10:00"], ["still", "order", "bill"]),
    ],
)
def test_calls_command_lists_what_its_options_select(
    store: str, arguments: list[str], found: list[str]
) -> None:
    assert [call["call"] for call in json.loads(calls(store, "--json", *arguments).output)] == found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "the journal has no call nobody"),
        (["--since", "soon"], "soon is no time: write 30m, 1h or 7d for that long ago"),
    ],
)
def test_calls_command_reports_what_is_not_there(
    store: str, arguments: list[str], told: str
) -> None:
    found = calls(store, *arguments)
    assert found.exit_code == 2
    assert told in found.output


def test_without_a_journal_the_command_says_where_it_looked(tmp_path: Path) -> None:
    found = calls(f"sqlite:{tmp_path / 'calls.db'}")
    assert found.exit_code == 2
    assert "there is no call journal" in found.output
