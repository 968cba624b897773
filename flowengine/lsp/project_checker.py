"""Compiles the projects of an editor in a thread, and tells of their problems."""

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from flowengine.cache.check_result import CheckResult
from flowengine.cache.code_identity import compute_code_identity
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import VariablePresence
from flowengine.compile import CompileResult
from flowengine.compile.project_rechecker import ProjectRechecker
from flowengine.environment import VARIABLES
from flowengine.explanation.flow_explanation import FlowExplanation
from flowengine.lsp.project_session import ProjectSession, ProjectSnapshot
from flowengine.model import CompileCache
from flowengine.problems import Problem, sort_problems
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.source import INTERNAL_CODE

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.1  # changes that come one after the other are compiled at once


def start_thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=name)


class WorkerThreads(msgspec.Struct, frozen=True):
    """One thread to compile in, as two compilations at once would only take turns; and one to explain
    in, which no problem should wait for.
    """

    compiler: ThreadPoolExecutor = msgspec.field(default_factory=partial(start_thread, "compiler"))
    explanation: ThreadPoolExecutor = msgspec.field(
        default_factory=partial(start_thread, "explanation")
    )


class CheckedProject(msgspec.Struct, frozen=True):
    """What is known of a project at one moment."""

    snapshot: ProjectSnapshot
    compiled: CompileResult
    problems: tuple[Problem, ...]


NOT_COMPILED = CompileResult(None, (), {}, {})


def compute_snapshot_key(snapshot: ProjectSnapshot) -> bytes | None:
    """The key by which `check` keeps what it finds in these files."""
    code = None if snapshot.unreadable else compute_code_identity()
    return compute_key(code, CheckResult, snapshot.files, cookies_only=False) if code else None


def load_cached_problems(snapshot: ProjectSnapshot) -> tuple[Problem, ...] | None:
    """What was found in these files before."""
    key = compute_snapshot_key(snapshot)
    known = load_result(key, CheckResult, VARIABLES) if key else None
    return known.problems if known else None


def cache_problems(
    snapshot: ProjectSnapshot, environment: VariablePresence, compiled: CompileResult
) -> None:
    """Keep what was found for the next start, and for `check`."""
    key = compute_snapshot_key(snapshot)
    if key and not any(problem.code == INTERNAL_CODE for problem in compiled.problems):
        counts = len(compiled.programs), compiled.state_count
        save_result(key, environment.asked, CheckResult(compiled.problems, *counts))


class ProjectChecker(msgspec.Struct):
    """Checks one project whenever it has changed. `publish` is told of the newest result alone."""

    session: ProjectSession
    threads: WorkerThreads
    publish: Callable[[CheckedProject, "ProjectChecker"], None]
    latest: CheckedProject | None = None
    _compiler: ProjectRechecker = msgspec.field(default_factory=ProjectRechecker)
    _memory: CompileCache = msgspec.field(default_factory=CompileCache)
    _last_sound: CheckedProject | None = None
    _explained: tuple[CheckedProject, FlowExplanation] | None = None
    _is_outdated: bool = False
    _task: asyncio.Task[None] | None = None

    def note_change(self) -> None:
        """Check the project soon."""
        self._is_outdated = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._check_until_current())

    def stop(self) -> None:
        """Check no more."""
        if self._task:
            self._task.cancel()

    async def explain(self) -> FlowExplanation | None:
        """What the states do, by the last version without errors."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads.explanation, self._build_explanation)

    async def _check_until_current(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._is_outdated:
            self._is_outdated = False
            try:
                snapshot = self.session.take_snapshot()
                if self.latest is None:
                    await self._publish_cached(snapshot)
                check = partial(self._check, snapshot)
                loop = asyncio.get_running_loop()
                self.latest = checked = await loop.run_in_executor(self.threads.compiler, check)
            except Exception:  # whatever it is, the next change may mend it
                log.exception("the check of %s failed", self.session.folder)
            else:
                if not self._is_outdated:
                    self.publish(checked, self)

    async def _publish_cached(self, snapshot: ProjectSnapshot) -> None:
        """Tell what was found last time in the same files: compiling them all takes longer."""
        recall = partial(load_cached_problems, snapshot)
        found = await asyncio.get_running_loop().run_in_executor(self.threads.compiler, recall)
        if found is not None:
            self.publish(CheckedProject(snapshot, NOT_COMPILED, found), self)

    def _check(self, snapshot: ProjectSnapshot) -> CheckedProject:
        if not snapshot.has_flows():
            return CheckedProject(snapshot, NOT_COMPILED, ())
        is_first = self.latest is None
        # no value of the environment gets into what an editor shows
        environment = VariablePresence(VARIABLES)
        compiled = self._compiler.compile(snapshot.files, environment)
        problems = [*snapshot.unreadable, *compiled.problems]
        if snapshot.unreadable:
            problems = [problem for problem in problems if problem.code != "FE501"]
        if compiled.release and snapshot.scenarios:
            problems += load_scenarios(snapshot.scenarios, compiled)[1]
        checked = CheckedProject(snapshot, compiled, tuple(sort_problems(problems)))
        if compiled.release:
            self._last_sound = checked
        if is_first:
            cache_problems(snapshot, environment, compiled)
            gc.freeze()  # nearly all of it stays: no collection need walk through it
        return checked

    def _build_explanation(self) -> FlowExplanation | None:
        sound = self._last_sound
        if sound is None or sound.compiled.release is None:
            return None
        if self._explained is None or self._explained[0] is not sound:
            explanation = FlowExplanation.from_release(
                sound.compiled.release, sound.snapshot.files, self._memory
            )
            self._memory.rotate_generations(sound=True)
            self._explained = (sound, explanation)
        return self._explained[1]
