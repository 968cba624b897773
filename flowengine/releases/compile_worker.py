"""Where releases are made: compiled and put away in a thread of its own, one thing after the other,
while callbacks are answered.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from flowengine.compile import CompileResult, ProjectCompiler, Release
from flowengine.cooperative import run_cooperatively
from flowengine.releases.archive import Archive
from flowengine.releases.archive_location import ArchiveLocation

log = logging.getLogger(__name__)
T = TypeVar("T")
# that are looked through after compiling, in two milliseconds; a flow that has changed makes fewer
MAX_YOUNG_OBJECTS = 20_000


class CompileWorker:
    """An archive, and a compiler that remembers. What is not `run` in its thread may be called
    before there is an event loop.
    """

    def __init__(
        self, where: ArchiveLocation, environment: Mapping[str, str], *, cookies_only: bool = False
    ) -> None:
        self.archive = Archive(where)
        self._compiler = ProjectCompiler()
        self._environment = environment
        self._cookies_only = cookies_only
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="releases")
        self._latest: Release | None = None

    def compile(self, files: Mapping[str, bytes]) -> CompileResult:
        """Compile a project."""
        with freeze_collector():
            compiled = self._compiler.compile(
                files, self._environment, cookies_only=self._cookies_only
            )
        self._latest = compiled.release or self._latest
        return compiled

    def load_release(self, release_id: str) -> Release | None:
        """A release from the archive. One that no longer compiles (with another version of the
        engine, say) is as good as gone.
        """
        if self._latest is not None and self._latest.id == release_id:
            return self._latest  # whoever publishes serves it next
        files = self.archive.load_files(release_id)
        if files is None:
            return None
        compiled = self.compile(files)
        if compiled.release is None:
            log.error("release %s no longer compiles: %s", release_id, compiled.problems[0].message)
        return compiled.release

    async def find_release(self, release_id: str) -> Release | None:
        """The same, in the thread."""
        return await self.run(lambda: self.load_release(release_id))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, run_cooperatively, work
        )

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self.archive.close()


@contextmanager
def freeze_collector() -> Iterator[None]:
    """What flows are compiled to stays, and is in no circles: looking through it would stop
    callbacks, after one flow for some milliseconds, after a thousand for a second. So it is frozen.

    Garbage that is frozen with it is never freed: exceptions of lookups that fail are circles. So
    it is collected first; what is looked through is what was made since the last time, which takes
    a millisecond. What callbacks leave behind meanwhile is collected where few objects are new.
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
