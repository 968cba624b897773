"""A release whose flows are compiled on first use is the release of all flows compiled at once."""

from pathlib import Path

import msgspec
import pytest

from flowengine.compile import CompileResult, compile_project, deferred_compile
from flowengine.compile.deferred_compile import defer_compile
from flowengine.compile.release_facts import ReleaseFacts, describe_release
from flowengine.sources.project_folder import read_folder
from tests.compile.comparable_project import outcome
from tests.compile.test_incremental_compile import ENVIRONMENT, PROJECT

SAMPLES = Path(__file__).parents[2] / "flows"


def defer(files: dict[str, bytes], compiled: CompileResult) -> CompileResult:
    """The same files compiled on first use, by facts that were written down."""
    assert compiled.release is not None
    facts = describe_release(compiled.release, compiled.problems, files)
    read = msgspec.json.decode(msgspec.json.encode(facts), type=ReleaseFacts)
    deferred = defer_compile(files, ENVIRONMENT, read, cookies_only=False)
    assert deferred is not None
    return deferred


def assert_deferred_is_alike(files: dict[str, bytes]) -> None:
    compiled = compile_project(files, ENVIRONMENT)
    if compiled.release is not None:
        deferred = defer(files, compiled)
        assert outcome(deferred) == outcome(compiled)
        assert deferred.state_count == compiled.state_count


@pytest.fixture
def no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a flow could not be compiled by itself")

    monkeypatch.setattr(deferred_compile, "compile_project", fail)


@pytest.mark.usefixtures("no_fallback")
def test_deferred_samples_equal_those_compiled_at_once() -> None:
    files = dict(read_folder(SAMPLES))
    assert compile_project(files, ENVIRONMENT).release is not None
    assert_deferred_is_alike(files)


@pytest.mark.usefixtures("no_fallback")
def test_deferred_project_with_subflows_equals_that_compiled_at_once() -> None:
    assert_deferred_is_alike(dict(PROJECT))
