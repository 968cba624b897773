"""Checking a project again whenever it has changed."""

import asyncio
from pathlib import Path

import pytest

from flowengine.lsp.project_checker import CheckedProject, ProjectChecker, WorkerThreads
from flowengine.lsp.project_session import OpenDocument, ProjectSession

FLOW = "flow: hello\nstates:\n  welcome:\n    say: Hello.\n    next: nowhere\n"


async def check(folder: Path) -> list[CheckedProject]:
    """What a fresh checker tells until it has compiled."""
    session = ProjectSession(folder)
    session.opened["hello.yaml"] = OpenDocument((folder / "hello.yaml").as_uri(), FLOW, 1)
    found: list[CheckedProject] = []
    is_compiled = asyncio.Event()

    def publish(checked: CheckedProject, _: ProjectChecker) -> None:
        found.append(checked)
        if checked.compiled.programs:
            is_compiled.set()

    checker = ProjectChecker(session, WorkerThreads(), publish)
    checker.note_change()
    await is_compiled.wait()
    return found


async def test_problems_of_the_same_files_are_told_before_they_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("flowengine.lsp.project_checker.compute_code_identity", lambda: b"code")
    (only,) = await check(tmp_path)
    remembered, again = await check(tmp_path)
    assert remembered.problems == again.problems == only.problems
    assert remembered.problems
    assert not remembered.compiled.programs
    assert again.compiled.programs.keys() == {"hello"}
