"""Problems as text, JSON, SARIF and GitHub annotations."""

import json
import re
from pathlib import Path

import pytest

from flowengine.problems import (
    Problem,
    Span,
    find_nearest,
    join_with_or,
    quote_value,
    suggest_name,
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


def test_text_report_reads_as_its_golden_file(golden):
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


def test_sarif_report_reads_as_its_golden_file(golden):
    sarif = json.loads(to_sarif(PROBLEMS))
    run = sarif["runs"][0]
    assert sarif["version"] == "2.1.0"
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    golden(GOLDEN / "problems.sarif", to_sarif(PROBLEMS) + "\n")


def test_github_report_reads_as_its_golden_file(golden):
    text = to_github(PROBLEMS)
    assert text.count("\n") == 5
    golden(GOLDEN / "problems.github", text)


def test_reports_without_problems_are_empty():
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
def test_nearest_name_is_suggested(word, hint):
    assert suggest_name(word, ["main", "ask_account", "agents"]) == hint


def test_message_words_are_quoted_and_joined():
    assert find_nearest("main", ["main"]) == ""
    assert join_with_or(["a", "b", "c"]) == "a, b or c"
    assert join_with_or(["a"]) == "a"
    assert quote_value("a\x1b[31m\nb") == '"a [31m b"'
    assert len(quote_value("x" * 1000)) == 62


# --- what readers of SARIF 2.1.0 and of workflow logs demand

UNREADABLE = Problem("FE104", Span.for_file("flows/none.yaml"), "the file is empty")
ODD_FILES = {
    "a b%20c#d?e.yaml": "a%20b%2520c%23d%3Fe.yaml",
    "flöws/日.yaml": "fl%C3%B6ws/%E6%97%A5.yaml",
    "a:b.yaml": "a%3Ab.yaml",
    "a\\b.yaml": "a%5Cb.yaml",
    "a\udcff.yaml": "a%FF.yaml",
    "/tmp/a b.yaml": "file:///tmp/a%20b.yaml",
}


@pytest.mark.parametrize("file", ODD_FILES)
def test_sarif_location_is_a_percent_encoded_uri(file):
    [result] = json.loads(to_sarif([Problem("FE104", Span(file, 1, 1, 1, 2), "empty")]))["runs"][0][
        "results"
    ]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == ODD_FILES[file]
    assert place.get("uriBaseId") == (None if file.startswith("/") else "%SRCROOT%")


def test_sarif_without_a_line_has_no_region():
    run = json.loads(to_sarif([UNREADABLE]))["runs"][0]
    assert "region" not in run["results"][0]["locations"][0]["physicalLocation"]
    assert to_github([UNREADABLE]).startswith("::error file=flows/none.yaml,title=FE104 ")


def test_sarif_run_is_what_code_scanning_reads():
    run = json.loads(to_sarif(PROBLEMS))["runs"][0]
    driver = run["tool"]["driver"]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+.*", driver["semanticVersion"])
    assert driver["version"] == driver["semanticVersion"]
    assert set(run["originalUriBaseIds"]) == {"%SRCROOT%"}
    assert run["columnKind"] == "unicodeCodePoints"
    for rule in driver["rules"]:
        assert {"text", "markdown"} == set(rule["help"])
        assert all(rule["help"].values())
        assert len(rule["shortDescription"]["text"]) <= 1024
        assert len(rule["fullDescription"]["text"]) <= 1024
    for result in run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        assert min(region.values()) >= 1
        start = (region["startLine"], region["startColumn"])
        assert start <= (region["endLine"], region["endColumn"])


def fingerprints(problems):
    results = json.loads(to_sarif(problems))["runs"][0]["results"]
    return [result["partialFingerprints"]["flowengineProblem/v1"] for result in results]


def test_sarif_fingerprint_stays_when_lines_move():
    def found(down):
        return [
            Problem("FE104", Span("a.yaml", 3 + down, 1, 3 + down, 2), f"as in line {1 + down}"),
            Problem("FE104", Span("a.yaml", 9 + down, 1, 9 + down, 2), f"as in line {7 + down}"),
            Problem("FE106", Span("a.yaml", 9 + down, 1, 9 + down, 2), "a tab"),
        ]

    assert fingerprints(found(0)) == fingerprints(found(40))
    assert len(set(fingerprints(found(0)))) == 3


@pytest.mark.parametrize("write", [to_json, to_sarif, to_github])
def test_output_with_lone_surrogates_can_be_encoded(write):
    problem = Problem("FE104", Span("a\udcff.yaml", 1, 1, 1, 2), "odd: \ud800")
    assert "a" in write([problem]).encode().decode()


def test_github_annotation_escapes_what_would_end_it():
    problem = Problem("FE104", Span("a,b:c%\n.yaml", 1, 1, 2, 2), "100 %\r\n::error::no")
    [line] = to_github([problem]).splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac%25%0A.yaml,line=1,endLine=2,title=")
    assert line.endswith("::100 %25%0D%0A::error::no")
