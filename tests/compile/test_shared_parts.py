"""Flows that share their equal parts, in a project read the quick way, are those that are read and
compiled each by itself; and those that are compiled again after a change.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.compile import CompileResult, ProjectCompiler, compile_project
from flowengine.compile.shared_parts import SharedParts
from flowengine.source import document_reader
from flowengine.sources.project_folder import read_folder
from tests.compile.comparable_project import outcome
from tests.compile.test_incremental_compile import ENVIRONMENT, PROJECT, edited
from tests.runtime.flow_strategies import flows
from tests.thoroughness import THOROUGH

SAMPLES = Path(__file__).parents[2] / "flows"
SETTINGS = settings(
    max_examples=1000 if THOROUGH else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FLOW = """
flow: {name}
title: Line {name}
start: hello
vars: {{n: {{type: integer{default}}}}}
states:
  hello: {{say: "{words}", set: {{n: "${{vars.n + 1}}"}}, next: ask}}
  ask: {{menu: {{prompt: "Press 1, ${{vars.n}}.", options: {{1: bye}}, otherwise: bye}}}}
  bye: {{say: Bye., next: gone}}
  gone: {{hangup: {hangup}}}
"""


def add_copies(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The project with a second flow like each of its own, under another name."""
    copies = {
        f"copy-{name}": re.sub(rb"\bflow: *([\w-]+)", rb"flow: \1-2", content, count=1)
        for name, content in files.items()
        if "/" not in name and name != "project.yaml"
    }
    return {**files, **copies}


def compile_apart(files: Mapping[str, bytes]) -> CompileResult:
    """Compile without sharing anything, by the full loader."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SharedParts, "encode_head", lambda *_: None)
        patched.setattr(document_reader, "read_plain_document", lambda _: None)
        return compile_project(files, ENVIRONMENT)


def assert_all_ways_are_alike(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
    compiler = ProjectCompiler()
    compiler.compile(before, ENVIRONMENT)
    wanted = outcome(compile_apart(files))
    assert outcome(compile_project(files, ENVIRONMENT)) == wanted
    assert outcome(compiler.compile(files, ENVIRONMENT)) == wanted


def write_flow(name: str, **changes: str) -> bytes:
    given = {"default": ", default: 1", "words": "Hello.", "hangup": "", **changes}
    return FLOW.format(name=name, **given).encode()


def compile_pair(**changes: str) -> tuple[Any, Any]:
    """The programs of two flows that differ in nothing but their names and these words."""
    files = {"a.yaml": write_flow("a"), "b.yaml": write_flow("b", **changes)}
    assert_all_ways_are_alike({"a.yaml": write_flow("a")}, files)
    made = compile_project(files, ENVIRONMENT)
    return made.programs["a"], made.programs["b"]


def test_equal_states_of_two_flows_are_one() -> None:
    one, two = compile_pair()
    shared = {name for name in one.states if one.states[name] is two.states[name]}
    assert shared == {"hello", "bye", "gone"}  # a menu is called by the name of its flow
    assert one.machine is two.machine


def test_state_with_other_words_is_not_shared() -> None:
    one, two = compile_pair(words="Good morning.")
    assert one.states["hello"] is not two.states["hello"]
    assert one.states["bye"] is two.states["bye"]


def test_flow_with_another_variable_shares_no_state() -> None:
    one, two = compile_pair(default=", default: 1.0")
    assert not any(one.states[name] is two.states[name] for name in one.states)


def test_null_in_words_is_not_taken_for_nothing() -> None:
    one, two = compile_pair(hangup="null")
    assert not any(one.states[name] is two.states[name] for name in one.states)


def test_samples_come_out_the_same_all_ways() -> None:
    files = dict(read_folder(SAMPLES))
    assert_all_ways_are_alike(files, add_copies(files))


@SETTINGS
@given(data=st.data())
def test_edited_projects_come_out_the_same_all_ways(data: st.DataObject) -> None:
    assert_all_ways_are_alike(add_copies(PROJECT), add_copies(data.draw(edited(PROJECT))))


@SETTINGS
@given(files=flows())
def test_generated_projects_come_out_the_same_all_ways(files: dict[str, bytes]) -> None:
    assert_all_ways_are_alike(files, add_copies(files))
