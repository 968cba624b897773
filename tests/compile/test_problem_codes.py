"""Every code in the source is explained, every explained code exists, and the examples are true."""

import re
from pathlib import Path

import pytest

import flowengine
from flowengine.problems import CATALOGUE
from tests.compile.project_texts import codes, compiled

SOURCE = Path(flowengine.__file__).parent
USED = {
    code
    for file in SOURCE.rglob("*.py")
    for code in re.findall(r'"(FE[0-9]{3})"', file.read_text(encoding="utf-8"))
}
OTHERS = ("FE1", "FE6", "FE7")  # shown by the tests of the source, the switch and the scenarios
FLOWS = [entry for entry in CATALOGUE.values() if not entry.code.startswith(OTHERS)]
SHOWN = [entry for entry in FLOWS if entry.wrong]


def test_codes_of_the_source_are_those_of_the_catalogue():
    assert set(CATALOGUE) - USED == set()
    assert USED - set(CATALOGUE) == set()


def test_entries_without_an_example_need_many_files_or_none():
    assert [entry.code for entry in FLOWS if not entry.wrong] == ["FE233", "FE508", "FE509"]


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.code)
def test_catalogue_examples_are_wrong_and_right_as_they_say(entry):
    cookies_only = entry.code in ("FE403", "FE422", "FE427")
    assert entry.code in codes(entry.wrong, cookies_only=cookies_only)
    right = compiled(entry.right, cookies_only=cookies_only)
    # the environment of a test has no secrets
    assert [problem for problem in right.problems if problem.code != "FE905"] == []
    assert right.release is not None
