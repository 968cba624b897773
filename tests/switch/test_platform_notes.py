"""Each row of the platform notes' tables has a test of the switch: notes.yaml says which, and
nothing is missing from it.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml
from msgspec.structs import fields

from flowengine.svaml import AnyAction, AnyInstruction
from flowengine.switch.api.error_replies import ERROR_MESSAGES
from flowengine.switch.switch_settings import SwitchSettings

HERE = Path(__file__).parent
NOTES = yaml.safe_load((HERE / "notes.yaml").read_text(encoding="utf-8"))

PLATFORM = HERE.parents[2] / "shared/sinch/platform.md"


@pytest.fixture(scope="module")
def collected():
    options = [
        "-o",
        "addopts=--import-mode=importlib",
        "-q",
        "--collect-only",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    command = [sys.executable, "-m", "pytest", *options, str(HERE)]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=HERE.parents[1]
    ).stdout
    found = re.finditer(
        r"^tests/switch/(\w+/)?test_(\w+)\.py::test_(.+)",
        told.encode().decode("unicode_escape"),
        re.MULTILINE,
    )
    return [f"{match[1] or ''}{match[2]}::{match[3]}" for match in found]


def named_in(row):
    """The tests of a row; none where it says why it is `open`"""
    return [] if isinstance(row, dict) else [row] if isinstance(row, str) else row


def fits(test, wanted):
    if wanted.endswith("*]"):
        return test.startswith(wanted[:-2])
    return wanted in (test, test.partition("[")[0])


@pytest.mark.parametrize("table", NOTES)
def test_notes_rows_have_tests_that_exist(table, collected):
    for row, given in NOTES[table].items():
        assert named_in(given) or set(given) == {"open"}, row
        assert [
            wanted
            for wanted in named_in(given)
            if not any(fits(test, wanted) for test in collected)
        ] == [], row


def names(kinds):
    return {str(kind.__struct_config__.tag) for kind in get_args(kinds)}


def properties(kinds):
    return {
        f"{kind.__struct_config__.tag}.{name}"
        for kind in get_args(kinds)
        for name in kind.__struct_encode_fields__
    }


@pytest.mark.skipif(not PLATFORM.exists(), reason="the platform notes are not beside the repo")
def test_notes_added_later_have_rows():
    later = PLATFORM.read_text(encoding="utf-8").partition("\n## 8. ")[2]
    points = re.findall(r"^- (?:\*\*(.+?)\*\*|(`.+?`))", later, re.MULTILINE)
    assert {"".join(point) for point in points} == set(NOTES["8 added later"])


def test_notes_tables_have_all_rows():
    assert set(NOTES["1.1 actions"]) == names(AnyAction)
    assert set(NOTES["1.1 instructions"]) == names(AnyInstruction)
    assert properties(AnyAction) <= set(NOTES["1.2 actions, their properties and limits"])
    assert properties(AnyInstruction) <= set(NOTES["1.3 instructions, their properties and limits"])
    assert {str(code) for code in ERROR_MESSAGES} == {str(code) for code in NOTES["4.3 errors"]}
    assert {item.name for item in fields(SwitchSettings)} <= set(
        NOTES["7 open points, which are settings"]
    )
