"""A release whose flows are compiled on first use is the release of all flows compiled at once."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from flowengine.compile import CompileResult, compile_project, deferred_compile
from flowengine.compile.deferred_compile import UnexpectedProblemError, defer_compile
from flowengine.compile.release_facts import ReleaseFacts, describe_release
from flowengine.model.project_loader import AuthoredFile
from flowengine.sources.project_folder import read_folder
from tests.compile.comparable_project import outcome
from tests.compile.test_incremental_compile import ENVIRONMENT, PROJECT
from tests.runtime.flow_strategies import flows
from tests.thoroughness import examples

SAMPLES = Path(__file__).parents[2] / "flows"


def defer(files: dict[str, bytes], compiled: CompileResult) -> CompileResult:
    """The same files compiled on first use, by facts that were written down."""
    assert compiled.release is not None
    facts = describe_release(compiled.release, compiled.problems, files)
    read = msgspec.json.decode(msgspec.json.encode(facts), type=ReleaseFacts)
    deferred = defer_compile(files, ENVIRONMENT, read)
    assert deferred is not None
    return deferred


def assert_deferred_is_alike(files: dict[str, bytes]) -> None:
    compiled = compile_project(files, ENVIRONMENT)
    if compiled.release is not None:
        deferred = defer(files, compiled)
        assert outcome(deferred) == outcome(compiled)
        assert deferred.state_count == compiled.state_count


def refuse_to_compile_all(*_: object, **__: object) -> None:
    raise AssertionError("a flow could not be compiled by itself")


@pytest.fixture
def no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_compile, "compile_project", refuse_to_compile_all)


@pytest.mark.usefixtures("no_fallback")
def test_deferred_samples_equal_those_compiled_at_once() -> None:
    files = dict(read_folder(SAMPLES))
    assert compile_project(files, ENVIRONMENT).release is not None
    assert_deferred_is_alike(files)


@pytest.mark.usefixtures("no_fallback")
def test_deferred_project_with_subflows_equals_that_compiled_at_once() -> None:
    assert_deferred_is_alike(dict(PROJECT))


@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(files=flows())
def test_deferred_flows_of_all_kinds_equal_those_compiled_at_once(files: dict[str, bytes]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deferred_compile, "compile_project", refuse_to_compile_all)
        assert_deferred_is_alike(files)


def test_deferred_programs_compile_only_what_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load_file = deferred_compile.load_file

    def note_and_load(name: str, content: bytes) -> AuthoredFile:
        read.append(name)
        return load_file(name, content)

    monkeypatch.setattr(deferred_compile, "load_file", note_and_load)
    programs = defer(PROJECT, compile_project(PROJECT, ENVIRONMENT)).programs
    assert set(read) == {"line.yaml", "pin.yaml"}  # that of the first route, and its subflow
    assert "other" in programs
    assert list(programs) == ["hunt", "line", "other", "pin", "thanks"]
    assert programs.get("nowhere") is None
    assert programs["other"] is programs["other"]
    assert set(read) == {"line.yaml", "pin.yaml", "other.yaml"}


@pytest.mark.parametrize("error", [KeyError("line"), UnexpectedProblemError("broken")])
def test_flow_that_cannot_be_compiled_by_itself_is_compiled_with_all_others(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    compiled = compile_project(PROJECT, ENVIRONMENT)
    deferred = defer(PROJECT, compiled)
    monkeypatch.setattr(deferred_compile.DeferredFlows, "compile_flow", fail)
    assert deferred.programs.get("other") is not None
    assert outcome(deferred) == outcome(compiled)


def test_release_whose_shared_definitions_have_errors_is_not_deferred() -> None:
    compiled = compile_project(PROJECT, ENVIRONMENT)
    assert compiled.release is not None
    facts = describe_release(compiled.release, compiled.problems, PROJECT)
    wrong = {**PROJECT, "project.yaml": PROJECT["project.yaml"].replace(b"09:00", b"9")}
    assert defer_compile(wrong, ENVIRONMENT, facts) is None
