"""The catalogue explains every code, and its examples are true."""

import re

import pytest

from flowengine.problems import CATALOGUE, Problem, Severity, Span, format_explanation
from flowengine.problems.catalogue_page import CataloguePageError, load_page
from flowengine.source import read_document

SPAN = Span("f.yaml", 1, 1, 1, 2)
SOURCE = [code for code, entry in CATALOGUE.items() if "FE101" <= code <= "FE139" and entry.wrong]


PAGE = """\
---
code: FE301
severity: error
title: an unknown name
---

There is nothing
of this name.

It may be misspelt.

## Wrong

```yaml
say: ${vars.teir}
```

## Right

```yaml
say: ${vars.tier}
```
"""
IN_ORDER = "after the front matter come an empty line and an explanation"
MALFORMED = {  # what is replaced in the page, by what, and what the message says
    "no front matter": ("---\ncode", "code", "a page begins with front matter"),
    "front matter without an end": ("name\n---", "name", "a page begins with front matter"),
    "no YAML": (
        "title: an",
        'title: "an',
        "the front matter is wrong: (?s:.*)unexpected end of stream",
    ),
    "no title": ("title: an unknown name\n", "", "the front matter is wrong: .*`title`"),
    "unknown severity": ("error", "eror", "the front matter is wrong: .*'eror'.*severity"),
    "unknown key": ("title", "hint: x\ntitle", "the front matter is wrong: .*`hint`"),
    "code of another page": ("FE301", "FE302", "the code FE302, the name of the file FE301"),
    "no explanation": ("There is nothing\nof this name.\n\nIt may be misspelt.\n\n", "", IN_ORDER),
    "no right example": (PAGE[PAGE.index("\n## Right") :], "", IN_ORDER),
    "another heading": ("## Right", "## Correct", IN_ORDER),
    "a fence that is not closed": ("```\n\n## Right", "\n## Right", IN_ORDER),
    "a block in another language": ("```yaml", "```json", IN_ORDER),
    "words after the examples": ("tier}\n```\n", "tier}\n```\n\nSee also FE302.\n", IN_ORDER),
}


@pytest.fixture
def page(tmp_path):
    return tmp_path / "FE301.md"


def test_catalogue_page_joins_the_lines_of_a_paragraph(page):
    page.write_text(PAGE, encoding="utf-8")
    entry = load_page(page)
    assert (entry.code, entry.severity, entry.title) == ("FE301", "error", "an unknown name")
    assert entry.explanation == "There is nothing of this name.\n\nIt may be misspelt."
    assert (entry.wrong, entry.right) == ("say: ${vars.teir}\n", "say: ${vars.tier}\n")


@pytest.mark.parametrize("case", MALFORMED)
def test_catalogue_page_malformed_says_what_is_wrong(case, page):
    old, new, message = MALFORMED[case]
    assert old in PAGE
    page.write_text(PAGE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CataloguePageError, match=message) as caught:
        load_page(page)
    assert str(caught.value).startswith(f"{page}: ")


@pytest.mark.parametrize("code", CATALOGUE)
def test_catalogue_entry_is_complete(code):
    assert re.fullmatch("FE[1-9][0-9]{2}", code)
    entry = CATALOGUE[code]
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
