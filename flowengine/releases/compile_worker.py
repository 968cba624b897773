"""Compiles and archives releases in a thread of its own, one after the other, while callbacks are
answered.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

# the compiler imports it when it first needs it, for which no callback should wait
import flowengine.source.schema_validation  # noqa: F401
from flowengine.cache.variable_presence import RecordedVariables
from flowengine.compile import CompileResult, Release
from flowengine.compile.project_rechecker import ProjectRechecker
from flowengine.cooperative import run_cooperatively
from flowengine.problems import Problem
from flowengine.releases.archive import NO_FILES, Archive, ArchivedFiles
from flowengine.releases.archive_location import ArchiveLocation
from flowengine.releases.start_cache import load_cached_compile, save_compile

log = logging.getLogger(__name__)
T = TypeVar("T")
# objects that the collector scans after compiling, in two milliseconds; a changed flow makes fewer
MAX_YOUNG_OBJECTS = 20_000


class LoadedFlows(NamedTuple):
    """The compiled flows of a process, for the processes that it forks."""

    compiler: ProjectRechecker
    release: Release | None
    archived: ArchivedFiles


class CompileWorker:
    """An archive and an incremental compiler, with a thread of their own. Before there is an event
    loop, call the methods directly; later, pass them to `run`.
    """

    def __init__(
        self,
        location: ArchiveLocation,
        environment: Mapping[str, str],
        *,
        cookies_only: bool = False,
        loaded: LoadedFlows | None = None,
    ) -> None:
        loaded = loaded or LoadedFlows(ProjectRechecker(), None, NO_FILES)
        self.archive = Archive(location, loaded.archived)
        self._compiler, self._latest = loaded.compiler, loaded.release
        # who has compiled with it before knows what was asked for then
        self._environment = (
            environment
            if isinstance(environment, RecordedVariables)
            else RecordedVariables(environment)
        )
        self._cookies_only = cookies_only
        self._recalled: CompileResult | None = None
        self._unsaved: tuple[Mapping[str, bytes], tuple[Problem, ...]] | None = None
        # one thread, as two may use neither the compiler nor the connection of the archive
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="releases")
        self.is_working = False

    def get_loaded_flows(self, release: Release) -> LoadedFlows:
        """What forked processes begin with: the release, and the compiler that has compiled it.
        This worker must not compile any more.
        """
        return LoadedFlows(self._compiler, release, self.archive.latest)

    def compile_at_start(self, files: Mapping[str, bytes]) -> CompileResult:
        """Compile the project that a server starts with. Where it was compiled before, its flows are
        compiled when a call first needs them (docs/decisions/0093).
        """
        if not self._cookies_only:
            self._recalled = load_cached_compile(files, self._environment)
        if self._recalled is not None:
            self._latest = self._recalled.release
            return self._recalled
        compiled = self.compile(files)
        self.save_last_compile()
        return compiled

    def compute_release_id(self, files: Mapping[str, bytes]) -> str:
        """The id of the release of these files."""
        return self._compiler.compute_release_id(files)

    def compile(self, files: Mapping[str, bytes]) -> CompileResult:
        """Compile a project."""
        recalled = self._recalled
        if recalled and recalled.release and recalled.release.id == self.compute_release_id(files):
            return recalled
        with freeze_collector():
            compiled = self._compiler.compile(
                files, self._environment, cookies_only=self._cookies_only
            )
        if compiled.release is not None:
            self._latest, self._unsaved = compiled.release, (files, compiled.problems)
        return compiled

    def save_last_compile(self) -> None:
        """Save what the last compilation without errors has found, for the next start."""
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is not None and self._latest is not None and not self._cookies_only:
            files, problems = unsaved
            save_compile(files, self._environment, self._latest, problems)

    def load_release(self, release_id: str) -> Release | None:
        """Load and compile a release of the archive. None where the archive does not have it, or
        this version of the engine refuses it.
        """
        if self._latest is not None and self._latest.id == release_id:
            return self._latest  # the process that publishes a release serves it next
        files = self.archive.load_files(release_id)
        if files is None:
            return None
        compiled = self.compile(files)
        if compiled.release is None:
            log.error("release %s no longer compiles: %s", release_id, compiled.problems[0].message)
        return compiled.release

    async def find_release(self, release_id: str) -> Release | None:
        """Load a release in the thread."""
        return await self.run(lambda: self.load_release(release_id))

    async def run(self, work: Callable[[], T]) -> T:
        """Run the work in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def close(self) -> None:
        """Close the archive. Work that runs is not waited for: a compilation may take long, and a
        database may never answer. What it uses stays open until the process ends.
        """
        self._thread.shutdown(wait=False, cancel_futures=True)
        if not self.is_working:
            self.archive.close()

    def _run(self, work: Callable[[], T]) -> T:
        self.is_working = True
        try:
            return run_cooperatively(work)
        finally:
            self.is_working = False


@contextmanager
def freeze_collector() -> Iterator[None]:
    """Exempt compiled flows from garbage collection (docs/decisions/0039). They stay and are in no
    cycles, but scanning them would stop callbacks: a millisecond or two for one flow, a second for
    a thousand.

    Garbage that is frozen with them is never freed, and exceptions of failed lookups are cycles, so
    a collection comes first: it scans the objects since the last freeze, in a millisecond. Garbage
    of callbacks during the compilation is collected afterwards where there are few new objects.
    """
    enabled = gc.isenabled()
    if enabled:
        gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled and gc.get_count()[0] < MAX_YOUNG_OBJECTS:
            gc.collect(0)
        gc.freeze()
        if enabled:
            gc.enable()
