"""The flows that the pages show: those of a folder or a branch as they are now, compiled again with
each change.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import anyio.to_thread
import msgspec

from flowengine.compile import CompileResult, ProjectCompiler, Release
from flowengine.console.console_settings import ConsoleSettings
from flowengine.console.live_release import load_live_files
from flowengine.environment import VARIABLES
from flowengine.problems import Problem, sort_problems
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.server.followed_flows import create_flow_source
from flowengine.sources.git import GitError
from flowengine.sources.project_folder import UnreadableFilesError, read_scenario_files

log = logging.getLogger(__name__)


class ViewedProject(msgspec.Struct, frozen=True):
    """A project as it was read and compiled. A later one has a higher `number`, 0 is none. `release`
    is the latest one without errors, from these files, from earlier ones or from the archive of the
    server; `failure` says why nothing could be read, or is "". `files` and `sources` have the
    scenarios, too.
    """

    number: int
    files: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    compiled: CompileResult | None = None
    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)
    release: Release | None = None
    failure: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether the release is of these files."""
        return bool(self.compiled and self.compiled.release and not self.failure)

    def list_flows(self) -> list[str]:
        """The names of the flows of the release."""
        return sorted(self.release.programs) if self.release else []

    def count_severity(self, severity: str) -> int:
        """How many problems are errors, or warnings."""
        return sum(problem.severity == severity for problem in self.problems)


class ConsoleProject:
    """The project that the console shows. Functions in `on_change` are called after each change, on
    the event loop.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._folder = settings.folder
        self._server, self._is_serving = settings.server, settings.is_serving
        self._cookies_only = settings.is_serving and settings.server.is_cookies_only
        self._source = create_flow_source(settings.server)
        self._compiler = ProjectCompiler()
        self._files: dict[str, bytes] = {}
        self._scenarios: dict[str, bytes] = {}
        self._lock = asyncio.Lock()
        # pages compare numbers, also those of a console before this one
        self._first_number = time.time_ns() // 1_000_000
        self.latest = ViewedProject(0)
        self.on_change: list[Callable[[ViewedProject], None]] = []

    @property
    def place(self) -> str:
        """The folder or repository where the flows lie."""
        origin = self._source.origin
        return f"{origin.place}@{origin.ref}" if origin.ref else origin.place

    async def load(self) -> ViewedProject:
        """The project as it is now. Reads it where it has not been read yet."""
        if not self.latest.number:
            async with self._lock:
                if not self.latest.number:  # nobody else has read it meanwhile
                    await self._refresh_locked()
        return self.latest

    async def refresh(self) -> ViewedProject:
        """Read the files again, and compile them where they have changed."""
        async with self._lock:
            await self._refresh_locked()
        return self.latest

    async def _refresh_locked(self) -> None:
        fresh = await anyio.to_thread.run_sync(self._read_changes)
        if fresh is not None:
            self.latest = fresh
            for notify in self.on_change:
                notify(fresh)

    async def follow_changes(self) -> None:
        """Refresh at once, and whenever files change, for ever."""
        await self._refresh_or_log()
        async for _ in self._source.watch_changes():
            await self._refresh_or_log()

    async def _refresh_or_log(self) -> None:
        try:
            await self.refresh()
        except Exception:  # whatever it is, the next change may mend it
            log.exception("the flows of %s cannot be shown", self.place)

    def close(self) -> None:
        self._source.close()

    def _read_changes(self) -> ViewedProject | None:
        unreadable: list[Problem] = []
        changed = True
        try:
            read = self._source.read()
            changed = read is not None
            self._files = read.files if read else self._files
        except UnreadableFilesError as error:
            self._files, unreadable = dict(error.files), error.to_problems()
        except (OSError, GitError) as error:
            return self._note_failure(str(error))
        scenarios = self._read_scenarios()
        if not changed and scenarios == self._scenarios and not self.latest.failure:
            return None
        self._scenarios = scenarios
        made = self._compile(unreadable)
        is_same = made.problems == self.latest.problems and made.files == self.latest.files
        return None if self.latest.number and unreadable and is_same else made

    def _note_failure(self, failure: str) -> ViewedProject | None:
        before = self.latest
        if failure == before.failure:
            return None
        self._source.forget_last_read()
        release = before.release or self._load_live_release()
        return ViewedProject(self._choose_number(), release=release, failure=failure)

    def _choose_number(self) -> int:
        return max(self._first_number, self.latest.number + 1)

    def _load_live_release(self) -> Release | None:
        """What a server goes on with, where a console starts while the files have errors."""
        files = load_live_files(self._server) if self._is_serving else {}
        if not files:
            return None
        return self._compiler.compile(files, VARIABLES, cookies_only=self._cookies_only).release

    def _read_scenarios(self) -> dict[str, bytes]:
        if self._folder is None:  # a branch is published without them
            return {}
        try:
            return read_scenario_files(self._folder)
        except OSError:
            return self._scenarios  # one that is being written, say

    def _compile(self, unreadable: list[Problem]) -> ViewedProject:
        before = self.latest
        compiled = self._compiler.compile(self._files, VARIABLES, cookies_only=self._cookies_only)
        found = [*unreadable, *compiled.problems]
        if unreadable:  # the flows that could not be read are none that are missing
            found = [problem for problem in found if problem.code != "FE501"]
        if compiled.release and self._scenarios:
            found += load_scenarios(self._scenarios, compiled)[1]
        texts = {name: text.decode(errors="replace") for name, text in self._scenarios.items()}
        release = None if unreadable else compiled.release
        return ViewedProject(
            self._choose_number(),
            {**self._files, **self._scenarios},
            compiled,
            tuple(sort_problems(found)),
            {**compiled.sources, **texts},
            release or before.release or self._load_live_release(),
        )
