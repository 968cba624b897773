"""Compiles a project again and again, as an editor needs it: after a change only what has changed,
where that tells all.
"""

from collections.abc import Mapping

from flowengine.compile.flow_summaries import ProjectSummary, summarize_project
from flowengine.compile.partial_check import PartialCheck, try_partial_check
from flowengine.compile.program import CompileResult, Program
from flowengine.compile.project_compiler import (
    ProjectCompiler,
    build_release,
    pause_garbage_collection,
)
from flowengine.compile.secret_flows import find_secret_flows
from flowengine.model import CompileCache

Files = Mapping[str, bytes]


class ProjectRechecker:
    """The results equal those of `ProjectCompiler`. For one thread at a time."""

    def __init__(self) -> None:
        self._cache = CompileCache()
        self._compiler = ProjectCompiler(self._cache)
        self._known: ProjectSummary | None = None  # of the last version without errors
        self._programs: dict[str, Program] = {}  # those of that version

    def compile(self, files: Files, environment: Mapping[str, str]) -> CompileResult:
        """Compile the files of a project. Raises nothing."""
        if self._known and (
            found := try_partial_check(files, environment, self._known, cookies_only=False)
        ):
            return self._complete(found, files, environment)
        compiled = self._compiler.compile(files, environment)
        build = self._compiler.latest_build
        if compiled.release and build:
            with pause_garbage_collection():
                self._known = summarize_project(build, self._cache, files)
            self._programs = dict(compiled.programs)
        return compiled

    def _complete(
        self, found: PartialCheck, files: Files, environment: Mapping[str, str]
    ) -> CompileResult:
        """The result for the whole project."""
        build = found.build
        known = {name: self._programs[name] for name in found.unchanged} | {**build.programs}
        programs = dict(sorted(known.items(), key=lambda item: item[1].document.file))
        release = None
        if found.summary:
            self._known, self._programs = found.summary, programs
            secret = find_secret_flows(programs)
            release = build_release(
                build.authored, environment, files, programs, build.shared, secret
            )
        sources = {name: content.decode(errors="replace") for name, content in files.items()}
        return CompileResult(release, found.problems, sources, programs, found.state_count)
