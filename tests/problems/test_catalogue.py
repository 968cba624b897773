"""The catalogue explains every code, and its examples are true."""

import pytest

from flowengine.problems import CATALOGUE, Problem, Severity, Span, format_explanation
from flowengine.source import read_document

SPAN = Span("f.yaml", 1, 1, 1, 2)
SOURCE = [code for code, entry in CATALOGUE.items() if "FE101" <= code <= "FE139" and entry.wrong]


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_catalogue_entry_is_complete(entry):
    assert entry.code.startswith("FE")
    assert not entry.title.endswith(".")
    assert len(entry.explanation) > 40
    assert bool(entry.wrong) == bool(entry.right)
    assert entry.code.startswith("FE9") <= (entry.severity is Severity.WARNING)
    assert entry.title in format_explanation(entry.code)


@pytest.mark.parametrize("code", SOURCE)
def test_wrong_is_wrong_and_right_is_right(code):
    assert code in [
        problem.code for problem in read_document(CATALOGUE[code].wrong.encode(), "f")[1]
    ]
    assert read_document(CATALOGUE[code].right.encode(), "f")[1] == []


def test_explanation_shows_both_examples():
    assert format_explanation("fe116") == (
        "FE116 (error): {{ }} in place of ${ }\n\n"
        "A value of a variable is written as ${...}; it needs no quotes. To YAML, {{ }} is "
        "a\ngroup within a group.\n\n"
        "Wrong:\n\n    say: {{ vars.name }}\n\nRight:\n\n    say: ${vars.name}\n"
    )


def test_unknown_code_is_refused():
    with pytest.raises(LookupError, match='did you mean "FE'):
        format_explanation("FE1O1")
    with pytest.raises(AssertionError):
        Problem("FE000", SPAN, "nothing")
