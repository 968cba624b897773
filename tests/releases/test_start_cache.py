"""A server that starts with files which it has compiled before serves what it would serve without a
cache, whatever has become of that.
"""

from collections.abc import Mapping
from pathlib import Path
from time import time_ns

import pytest

from flowengine.compile import CompileResult
from flowengine.compile.deferred_compile import DeferredPrograms
from flowengine.releases import start_cache
from flowengine.releases.compile_worker import CompileWorker

FLOW = "flow: line\nstart: hi\nstates: {hi: {say: Hello., hangup: }}\n"
PROJECT = "project: test\nsecrets: {crm: CRM_TOKEN}\n"
FILES = {"line.yaml": FLOW.encode(), "project.yaml": PROJECT.encode()}


@pytest.fixture(autouse=True)
def settled_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder, and a program that counts as loaded a while after its last change."""
    monkeypatch.setattr("flowengine.cache.code_identity.LOADED_AT", time_ns() + 10**10)
    monkeypatch.setattr(start_cache, "MIN_RENEWAL_STATES", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "flowengine" / "check"


def start(
    folder: Path,
    files: Mapping[str, bytes] = FILES,
    *,
    cookies_only: bool = False,
    **variables: str,
) -> CompileResult:
    worker = CompileWorker(folder / "releases.db", variables, cookies_only=cookies_only)
    try:
        compiled = worker.compile_at_start(files)
        assert compiled.release is None or worker.load_release(compiled.release.id) is (
            compiled.release
        )
        assert compiled.release is None or worker.compile(files).release is not None
        return compiled
    finally:
        worker.close()


def is_deferred(compiled: CompileResult) -> bool:
    return isinstance(compiled.programs, DeferredPrograms)


def test_second_start_defers_and_says_the_same(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert [is_deferred(first), is_deferred(second)] == [False, True]
    assert first.release is not None
    assert second.release is not None
    assert second.release.id == first.release.id
    assert second.problems == first.problems
    assert [problem.code for problem in first.problems] == ["FE911", "FE905"]


def test_start_with_other_files_or_variables_compiles_all(tmp_path: Path) -> None:
    start(tmp_path)
    other = {**FILES, "line.yaml": FLOW.replace("Hello", "Hi").encode()}
    assert not is_deferred(start(tmp_path, other))
    assert not is_deferred(start(tmp_path, CRM_TOKEN="token"))


def test_start_with_another_value_of_a_secret_defers_and_uses_it(tmp_path: Path) -> None:
    app = "{key: 00000000-0000-0000-0000-000000000000, secret: APP_SECRET}"
    files = {**FILES, "project.yaml": f"project: test\napplications: [{app}]\n".encode()}
    for secret, deferred in (("Zmlyc3Q=", False), ("c2Vjb25k", True)):
        compiled = start(tmp_path, files, APP_SECRET=secret)
        assert is_deferred(compiled) is deferred
        assert compiled.release is not None
        assert list(compiled.release.applications.values()) == [secret]


def test_start_with_files_compiled_after_the_last_start_defers(tmp_path: Path) -> None:
    worker = CompileWorker(tmp_path / "releases.db", {})
    worker.compile(FILES)
    worker.save_last_compile()
    worker.close()
    assert is_deferred(start(tmp_path))


def test_start_without_a_store_compiles_all(tmp_path: Path) -> None:
    for _ in range(2):
        assert not is_deferred(start(tmp_path, cookies_only=True))


def test_cache_of_a_start_holds_no_secret(tmp_path: Path, settled_cache: Path) -> None:
    start(tmp_path, CRM_TOKEN="hush, this is a secret")
    (entry,) = settled_cache.iterdir()
    assert "hush" not in entry.read_text()


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON"])
def test_start_with_a_broken_cache_compiles_all(
    tmp_path: Path, settled_cache: Path, content: bytes
) -> None:
    start(tmp_path)
    (entry,) = settled_cache.iterdir()
    entry.write_bytes(content)
    assert not is_deferred(start(tmp_path))


def test_start_that_fails_to_defer_compiles_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(start_cache, "defer_compile", fail)
    assert not is_deferred(start(tmp_path))


def test_flows_with_errors_and_small_projects_are_not_kept(
    tmp_path: Path, settled_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(tmp_path, {"line.yaml": FLOW.replace("hi", "${gone", 1).encode()}).release is None
    monkeypatch.setattr(start_cache, "MIN_RENEWAL_STATES", 2)
    assert start(tmp_path).release is not None
    assert not settled_cache.exists()


def test_changed_program_compiles_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tmp_path)
    monkeypatch.setattr(start_cache, "compute_code_identity", lambda: b"another version")
    assert not is_deferred(start(tmp_path))
    monkeypatch.setattr(start_cache, "compute_code_identity", lambda: None)
    assert not is_deferred(start(tmp_path))
