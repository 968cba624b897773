"""A mistake of flowengine's own is a problem of the file that was being compiled: whatever a file
holds, and whatever fails, compiling raises nothing.
"""

import logging
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.compile import CompileResult, ProjectCompiler, compile_project
from flowengine.source import read_document
from flowengine.sources.project_folder import read_folder
from tests.thoroughness import examples

SECRET = "s3cr3t-t0ken"
SAMPLES = read_folder(Path(__file__).parents[2] / "flows")
UNREADABLE = {"&a x": "FE112", "*a": "FE113", "!t x": "FE111", "&a [x]": "FE112", "!t {a: b}": "FE111"}  # fmt: skip
OTHERS = ["null", "7", "-1", "1e400", "true", "''", "[1, a]", "[[]]", "{a: b}", "{}", "${nothing}"]
PLACES = [
    (name, document, path)
    for name, content in SAMPLES.items()
    if (document := read_document(content, name)[0])
    for path in document.values
]
COMPILER = ProjectCompiler()
PROJECT = b"project: test\nroutes: [{flow: one}]\nsecrets: {crm: CRM_TOKEN}\n"
FLOW = "flow: {}\nstart: welcome\nstates:\n  welcome:\n    say: {}\n    hangup:\n"
FILES = {
    "project.yaml": PROJECT,
    "one.yaml": FLOW.format("one", "Hello.").encode(),
    "two.yaml": FLOW.format("two", "Fails.").encode(),
}


def replaced(document: Any, path: Any, value: str) -> str:
    """The text of a file with another value in this place."""
    start, end = document.values[path]
    blank = " " if start == end else ""  # a value that is not there has its key before it
    return str(document.text[:start] + blank + value + document.text[end:])


def codes(compiled: CompileResult) -> list[str]:
    return [problem.code for problem in compiled.problems if problem.severity == "error"]


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), st.sampled_from([*UNREADABLE, *OTHERS]))
def test_project_with_any_value_replaced_raises_nothing(
    place: tuple[str, Any, Any], value: str
) -> None:
    name, document, path = place
    text = replaced(document, path, value)
    compiled = COMPILER.compile({**SAMPLES, name: text.encode()}, {})
    assert "FE509" not in codes(compiled), compiled.problems
    if value in UNREADABLE:
        assert UNREADABLE[value] in codes(compiled)
        assert compiled.release is None


@pytest.mark.parametrize("value", UNREADABLE)
def test_value_that_is_an_alias_anchor_or_tag_is_reported_at_its_place(
    value: str,
) -> None:
    """Of one sample each value, of the others some."""
    few = random.Random(value).sample(PLACES, 40)
    for name, document, path in [place for place in PLACES if place[0] == "ask-pin.yaml"] + few:
        text = replaced(document, path, value)
        compiled = compile_project({name: text.encode()}, {})
        told = [problem for problem in compiled.problems if problem.code == UNREADABLE[value]]
        start, end = document.values[path]
        line, column = document.source.get_position(start)
        assert (line, column + (start == end)) in [
            (problem.span.line, problem.span.column) for problem in told
        ], (text, told)
        assert all(problem.hint for problem in told)
        assert "FE509" not in codes(compiled)


@pytest.mark.parametrize("key", ["*a ", "&a welcome", "!t welcome"])
@pytest.mark.parametrize("file", ["one.yaml", "project.yaml"])
def test_key_that_is_an_alias_anchor_or_tag_is_reported(key: str, file: str) -> None:
    text = FILES[file].decode() + f"{key}: x\n"
    compiled = compile_project({**FILES, file: text.encode()}, {})
    assert {"FE111", "FE112", "FE113"} & set(codes(compiled))
    assert "FE509" not in codes(compiled)


@pytest.mark.parametrize(
    "name", ["messages/common.yaml", "tables/rooms.yaml", "calendars/nights.yaml", "project.yaml"]
)
@pytest.mark.parametrize("value", UNREADABLE)
def test_files_that_flows_share_hold_no_aliases(name: str, value: str) -> None:
    document, _ = read_document(SAMPLES[name], name)
    assert document is not None
    paths = list(document.values)
    for path in random.Random(value).sample(paths, min(12, len(paths))):
        text = replaced(document, path, value)
        compiled = COMPILER.compile({**SAMPLES, name: text.encode()}, {})
        assert UNREADABLE[value] in codes(compiled)
        assert "FE509" not in codes(compiled)


def fail_on_two(*given: Any, **named: Any) -> Any:
    """Whatever it is given: a document, a flow, a program, many of them."""
    two = "flow: two"

    def is_two(value: Any) -> bool:
        document = getattr(value, "document", value)
        return getattr(document, "text", "").startswith(two)

    for value in (*given, *named.values()):
        several = value.values() if isinstance(value, Mapping) else [value]
        for program in several:
            if is_two(program):
                raise KeyError(SECRET)
    return []


def fail(*_given: Any, **_named: Any) -> Any:
    raise RecursionError(SECRET)


STAGES = {
    "flowengine.source.schema_validation.locate_violations": (fail, "two.yaml"),
    "flowengine.model.project_loader.try_convert": (fail, "one.yaml"),
    "flowengine.model.project_loader.read_document": (fail, "one.yaml"),
    "flowengine.compile.project_compiler.compile_shared_definitions": (fail, "project.yaml"),
    "flowengine.compile.project_compiler.check_routes": (fail, "project.yaml"),
    "flowengine.compile.project_compiler.build_release": (fail, "project.yaml"),
    "flowengine.compile.project_compiler.compile_flows": (fail, "project.yaml"),
    "flowengine.compile.project_compiler.check_project": (fail, "project.yaml"),
    "flowengine.compile.incremental_compile.declare": (fail, "one.yaml"),
    "flowengine.compile.incremental_compile.compile_flow": (fail, "one.yaml"),
    "flowengine.compile.flow_compiler.build_machine": (fail, "one.yaml"),
    "flowengine.compile.flow_compiler.StateBuilder": (fail, "one.yaml"),
    "flowengine.compile.interprocedural_liveness.find_own_facts": (fail_on_two, "two.yaml"),
    "flowengine.compile.checks.state_loops.check": (fail_on_two, "two.yaml"),
    "flowengine.compile.checks.unreachable_states.check": (fail_on_two, "two.yaml"),
    "flowengine.compile.checks.shadowed_keys.check": (fail, "one.yaml"),
    "flowengine.compile.checks.secret_use.check": (fail, "project.yaml"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_exception_at_any_stage_is_a_problem_of_its_file_without_secrets(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stage: str
) -> None:
    failing, file = STAGES[stage]
    files = dict(FILES)
    if stage.endswith("locate_violations"):
        files["two.yaml"] = b"flow: two\nsya: x\n"
    monkeypatch.setattr(stage, failing)
    compiled = compile_project(files, {"CRM_TOKEN": SECRET})
    assert compiled.release is None
    told = [problem for problem in compiled.problems if problem.code == "FE509"]
    assert file in [problem.span.file for problem in told]
    assert all("flowengine/" in problem.message for problem in told)
    assert SECRET not in f"{compiled.problems}{caplog.text}"
    assert set(compiled.sources) == set(files)


def test_internal_error_is_reported_at_its_state_and_hides_no_other_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flowengine.states.builder.StateBuilder.compile_prompt", fail)
    files = {**FILES, "two.yaml": FILES["two.yaml"].replace(b"welcome\nst", b"wellcome\nst")}
    compiled = compile_project(files, {"CRM_TOKEN": SECRET})
    assert ("one.yaml", 4, 3) in [
        (problem.span.file, problem.span.line, problem.span.column) for problem in compiled.problems
    ]
    assert "FE203" in codes(compiled)


def test_failed_file_is_compiled_again_once_it_is_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiler = ProjectCompiler()
    for stage, (failing, _) in STAGES.items():
        with monkeypatch.context() as patch:
            patch.setattr(stage, failing)
            compiler.compile({**FILES, "three.yaml": b"flow: three\n"}, {"CRM_TOKEN": SECRET})
        assert compiler.compile(FILES, {"CRM_TOKEN": SECRET}).release is not None, stage


@pytest.mark.parametrize(("asked", "written"), [("", False), ("1", True)])
def test_traceback_is_logged_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    asked: str,
    *,
    written: bool,
) -> None:
    monkeypatch.setenv("FLOWENGINE_TRACEBACK", asked)
    monkeypatch.setattr("flowengine.compile.incremental_compile.compile_flow", fail)
    with caplog.at_level(logging.DEBUG):
        compile_project(FILES, {})
    assert ("RecursionError" in caplog.text) is written


Conflict = Callable[[str], str]
CONFLICTS: Mapping[str, Conflict] = {
    "git": lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> feature\n",
    "diff3": lambda text: (
        f"<<<<<<< HEAD\n{text}||||||| 1a2b\n{text}=======\n{text}>>>>>>> feature\n"
    ),
    "CRLF": lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> feature\n".replace(
        "\n", "\r\n"
    ),
    "first side": lambda text: f"<<<<<<< ours\n{text}",
    "last side": lambda text: f"{text}>>>>>>> theirs (what they did)\n",
    "divider": lambda text: f"=======\n{text}",
}


@pytest.mark.parametrize("how", CONFLICTS)
@pytest.mark.parametrize(
    "name", ["project.yaml", "ask-pin.yaml", "messages/common.yaml", "tables/rooms.yaml"]
)
def test_merge_conflict_is_one_problem_at_its_first_marker(name: str, how: str) -> None:
    lines = SAMPLES[name].decode().splitlines(keepends=True)
    text = "".join(lines[:4]) + CONFLICTS[how]("".join(lines[4:8])) + "".join(lines[8:])
    compiled = COMPILER.compile({**SAMPLES, name: text.encode()}, {})
    line = min(9, len(lines) + 1) if how == "last side" else 5
    assert [(item.code, item.span.file, item.span.line) for item in compiled.problems] == [
        ("FE120", name, line)
    ]
    assert "delete the marker lines" in compiled.problems[0].hint


def test_text_line_like_a_conflict_marker_is_no_conflict() -> None:
    words = "say: |\n      One\n      =======\n      <<<<<<< two\n"
    text = FILES["one.yaml"].replace(b"say: Hello.\n", words.encode())
    assert compile_project({"one.yaml": text}, {}).release is not None
    quoted = FILES["one.yaml"].replace(b"Hello.", b'"One\n=======\n  two"')
    assert codes(compile_project({"one.yaml": quoted}, {})) == []
