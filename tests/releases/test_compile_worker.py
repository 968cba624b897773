"""Where releases are made: what is known there is not made again, and callbacks get their turn
meanwhile.
"""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowengine.compile import Release
from flowengine.releases.compile_worker import CompileWorker
from flowengine.sources.flow_source import FlowOrigin
from tests.sources.git_repository import flow
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def compile_worker(tmp_path: Path) -> Iterator[CompileWorker]:
    made = CompileWorker(tmp_path / "releases.db", {})
    yield made
    made.close()


def files(words: str, flows: int = 1) -> dict[str, bytes]:
    lines = {
        f"line-{number}.yaml": flow(f"line-{number}", words).encode() for number in range(flows)
    }
    return {**lines, "project.yaml": b"project: test\nroutes: [{flow: line-0}]\n"}


def kept(compile_worker: CompileWorker, words: str) -> Release:
    release = compile_worker.compile(files(words)).release
    assert release is not None
    compile_worker.archive.put(release.id, files(words), FlowOrigin("test"), 1.0)
    return release


def test_release_compiled_last_is_loaded_without_compiling(compile_worker: CompileWorker) -> None:
    first = kept(compile_worker, "One.")
    assert compile_worker.load_release(first.id) is first
    assert compile_worker.compile(files("${nothing}")).release is None
    assert compile_worker.load_release(first.id) is first


def test_earlier_release_is_loaded_by_its_id(
    compile_worker: CompileWorker,
) -> None:
    first, second = kept(compile_worker, "One."), kept(compile_worker, "Two.")
    assert [
        found.id for name in (first.id, second.id) if (found := compile_worker.load_release(name))
    ] == [
        first.id,
        second.id,
    ]
    assert compile_worker.load_release("gone") is None


def fails() -> None:
    raise LookupError


@pytest.mark.parametrize("work", [sys.getswitchinterval, fails])
async def test_callbacks_get_their_turn_sooner_while_something_long_goes_on(
    compile_worker: CompileWorker, work: Callable[[], Any]
) -> None:
    usual = sys.getswitchinterval()
    try:
        assert (await compile_worker.run(work)) < usual / 5
    except LookupError:
        assert work is fails
    assert sys.getswitchinterval() == usual


async def test_closing_waits_for_no_work_and_leaves_it_the_archive(
    compile_worker: CompileWorker,
) -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> Release:
        begun.set()
        over.wait(PATIENCE_SECONDS)
        return kept(compile_worker, "One.")

    working = asyncio.create_task(compile_worker.run(work))
    await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    compile_worker.close()
    assert not working.done()
    over.set()
    assert (await working).id


@pytest.mark.parametrize("collected", [True, False])
def test_collector_skips_a_large_release(compile_worker: CompileWorker, *, collected: bool) -> None:
    before = gc.isenabled()
    passes: list[int] = []
    gc.callbacks.append(
        seen := lambda phase, told: passes.append(told["generation"]) if phase == "start" else None
    )
    gc.enable() if collected else gc.disable()
    try:
        frozen = gc.get_freeze_count()
        compiled = compile_worker.compile(files("One.", flows=400))
        # one pass, before there is anything of the release to look through
        assert (gc.isenabled(), passes) == (collected, [2] if collected else [])
        assert gc.get_freeze_count() > frozen + 20_000
        assert compiled.release is not None
    finally:
        gc.callbacks.remove(seen)
        gc.enable() if before else gc.disable()
        gc.unfreeze()


class Circle:
    """Garbage that only the collector frees, such as the exception of a lookup that fails."""

    def __init__(self) -> None:
        self.me = self


def test_garbage_is_collected_before_a_release_is_frozen(compile_worker: CompileWorker) -> None:
    compile_worker.compile(files("Warm."))
    before = gc.isenabled()
    gc.enable()
    try:
        lost = [weakref.ref(Circle()) for _ in range(100)]
        compile_worker.compile(files("One."))
        assert [ref for ref in lost if ref() is not None] == []
    finally:
        gc.enable() if before else gc.disable()
        gc.unfreeze()
