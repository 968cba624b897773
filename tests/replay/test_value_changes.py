"""What of the values of variables people may read."""

from typing import Any

import pytest

from flowengine.replay.value_changes import ValueHider
from tests.compiled_release import compile_release

FLOW = b"flow: line\nstart: bye\nstates: {bye: {hangup: }}\n"


@pytest.mark.parametrize(
    "value",
    ["Ann", ["Ann"], {"name": "Ann"}, [{"all": [{"name": ("Ann", "")}]}], {"a": [1, True, "Ann"]}],
)
def test_value_with_words_anywhere_is_shown_without_them(value: Any) -> None:
    shown = show(value, numbers="clear", words="masked")
    assert "Ann" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "value",
    ["+12025550123", ["+12025550123"], {"a": ["+12025550123"]}, {"+12025550123": 1}, 12025550123],
)
def test_value_with_a_number_anywhere_is_shown_without_it(value: Any) -> None:
    assert "2025550123" not in show(value, numbers="masked", words="clear")


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "true"), ("", ""), (7, "7"), ([1, "b", None], "[1, 'b', None]")]
)
def test_value_of_a_project_that_hides_nothing_is_shown(value: Any, shown: str) -> None:
    assert show(value, numbers="clear", words="clear") == shown


def show(value: Any, *, numbers: str, words: str) -> str:
    policy = f"project: p\njournal: {{numbers: {numbers}, words: {words}}}\n".encode()
    release = compile_release({"project.yaml": policy, "line.yaml": FLOW})
    return ValueHider(release, is_secret=False).show(value)
