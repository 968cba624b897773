"""Problems as text, JSON, SARIF and GitHub annotations."""

import json
from pathlib import Path

import pytest

from flowengine.problems import (
    Problem,
    Span,
    nearest,
    one_of,
    quoted,
    suggest,
    to_github,
    to_json,
    to_sarif,
    to_text,
)

GOLDEN = Path(__file__).parent / "golden"
SOURCES = {
    "flows/a b.yaml": b"\xef\xbb\xbfflow: a\r\nsay: \xe6\x97\xa5\xe6\x9c\xac !x\r\n",
    "flows/b.yaml": "states:\n\tmain: \x1b[31mred\n" + "x" * 300 + ": " + "y" * 300 + "\n",
}
PROBLEMS = [
    Problem("FE152", Span("flows/b.yaml", 3, 303, 3, 603), "far to the right"),
    Problem("FE106", Span("flows/b.yaml", 2, 1, 2, 2), "a tab, 100 % wrong: really", "use spaces"),
    Problem("FE130", Span("flows/b.yaml", 2, 8, 3, 5), "over two lines", "one\ntwo"),
    Problem("FE111", Span("flows/a b.yaml", 2, 9, 2, 11), '"!x" is a tag', "put quotes"),
    Problem("FE104", Span("flows/none.yaml", 1, 1, 1, 1), "the file is empty"),
    Problem("FE104", Span("flows/none.yaml", 1, 1, 1, 1), "the file is empty"),
]


def test_text(golden):
    text = to_text(PROBLEMS, SOURCES)
    assert "\x1b" not in text
    golden(GOLDEN / "problems.txt", text)


def test_colour_only_when_asked():
    plain, colour = to_text(PROBLEMS, SOURCES), to_text(PROBLEMS, SOURCES, colour=True)
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[36m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        assert code in colour
        colour = colour.replace(code, "")
    assert colour == plain


def test_carets_stand_under_wide_characters():
    rows = to_text([PROBLEMS[3]], SOURCES).split("\n")
    assert rows[1:3] == [" 2 | say: 日本 !x", "   | " + " " * 10 + "^^"]


def test_json_is_in_document_order():
    records = json.loads(to_json(PROBLEMS))
    assert [(record["file"], record["line"]) for record in records] == [
        ("flows/a b.yaml", 2),
        ("flows/b.yaml", 2),
        ("flows/b.yaml", 2),
        ("flows/b.yaml", 3),
        ("flows/none.yaml", 1),
    ]
    assert records[1]["severity"] == "error"
    assert set(records[0]) == {
        "code",
        "severity",
        "file",
        "line",
        "column",
        "end_line",
        "end_column",
        "message",
        "hint",
    }


def test_sarif(golden):
    sarif = json.loads(to_sarif(PROBLEMS))
    run = sarif["runs"][0]
    assert sarif["version"] == "2.1.0"
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    golden(GOLDEN / "problems.sarif", to_sarif(PROBLEMS) + "\n")


def test_github(golden):
    text = to_github(PROBLEMS)
    assert text.count("\n") == 5
    golden(GOLDEN / "problems.github", text)


def test_no_problems():
    assert to_text([]) == ""
    assert to_github([]) == ""
    assert json.loads(to_json([])) == []
    assert json.loads(to_sarif([]))["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("mian", 'did you mean "main"?'),
        ("Ask-Account", 'did you mean "ask_account"?'),
        ("zzz", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_suggest(word, hint):
    assert suggest(word, ["main", "ask_account", "agents"]) == hint


def test_words():
    assert nearest("main", ["main"]) == ""
    assert one_of(["a", "b", "c"]) == "a, b or c"
    assert one_of(["a"]) == "a"
    assert quoted("a\x1b[31m\nb") == '"a [31m b"'
    assert len(quoted("x" * 1000)) == 62
