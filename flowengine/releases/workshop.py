"""Where releases are made: compiled and put away in a thread of its own, one thing after the other, while callbacks are answered."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from flowengine.compile import Compiled, Compiler, Release
from flowengine.releases.archive import Archive

log = logging.getLogger(__name__)
T = TypeVar("T")


class Workshop:
    """An archive, and a compiler that remembers. What is not `run` in its thread may be called before there is an event loop."""

    def __init__(self, path: Path, environment: Mapping[str, str], *, cookies_only: bool = False) -> None:
        self.archive = Archive(path)
        self._compiler = Compiler()
        self._environment = environment
        self._cookies_only = cookies_only
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="releases")

    def compile(self, files: Mapping[str, bytes]) -> Compiled:
        """Compile a project."""
        return self._compiler.compile(files, self._environment, cookies_only=self._cookies_only)

    def release(self, release_id: str) -> Release | None:
        """A release from the archive. One that no longer compiles (with another version of the engine, say) is as good as gone."""
        files = self.archive.files(release_id)
        if files is None:
            return None
        compiled = self.compile(files)
        if compiled.release is None:
            log.error("release %s no longer compiles: %s", release_id, compiled.problems[0].message)
        return compiled.release

    async def find(self, release_id: str) -> Release | None:
        """The same, in the thread."""
        return await self.run(lambda: self.release(release_id))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self.archive.close()
