"""Every code in the source is explained, every explained code exists, and the examples are true."""

import re
from pathlib import Path

import pytest
from compile.projects import codes, compiled

import flowengine
from flowengine.problems import CATALOGUE

SOURCE = Path(flowengine.__file__).parent
USED = {
    code
    for file in SOURCE.rglob("*.py")
    for code in re.findall(r'"(FE[0-9]{3})"', file.read_text(encoding="utf-8"))
}
OTHERS = ("FE1", "FE6", "FE7")  # shown by the tests of the source, the switch and the scenarios
FLOWS = [entry for entry in CATALOGUE.values() if not entry.code.startswith(OTHERS)]
SHOWN = [entry for entry in FLOWS if entry.wrong]


def test_every_code_of_the_source_is_in_the_catalogue_and_the_other_way_round():
    assert set(CATALOGUE) - USED == set()
    assert USED - set(CATALOGUE) == set()


def test_only_what_needs_many_files_or_none_is_not_shown():
    assert [entry.code for entry in FLOWS if not entry.wrong] == ["FE233", "FE508", "FE509"]


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.code)
def test_the_wrong_example_is_wrong_and_the_right_one_is_right(entry):
    cookies_only = entry.code == "FE403"
    assert entry.code in codes(entry.wrong, cookies_only=cookies_only)
    right = compiled(entry.right, cookies_only=cookies_only)
    assert right.problems == ()
    assert right.release is not None
