"""Compiles a project again and again: after a change only what has changed, where that tells all."""

from collections.abc import Mapping

import msgspec

from flowengine.compile.changed_files import list_changed_names
from flowengine.compile.flow_summaries import summarize_project
from flowengine.compile.locale_preload import preload_locales
from flowengine.compile.partial_check import PartialCheck, try_partial_check
from flowengine.compile.program import CompileResult, Program
from flowengine.compile.project_compiler import (
    ProjectBuild,
    ProjectCompiler,
    build_release,
)
from flowengine.compile.release_id import ReleaseIds
from flowengine.compile.secret_flows import SecretFlows
from flowengine.compile.source_texts import SourceTexts
from flowengine.compile.summary_index import SummaryIndex
from flowengine.environment import VARIABLES
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.limits import MIN_SUMMARIZED_FLOWS
from flowengine.model import CompileCache, NoCompileCache, Project

Files = Mapping[str, bytes]
Environment = Mapping[str, str]


class ErrorFreeVersion(msgspec.Struct):
    """The last version of a project that had no errors, and what compiling it has found. `variables`
    are the values of those that it names.
    """

    files: Files
    project: Project
    variables: Mapping[str, str | None]
    cookies_only: bool
    index: SummaryIndex
    result: CompileResult
    secret_flows: SecretFlows


class ProjectRechecker:
    """A `ProjectCompiler` whose results are the same, and that needs less time for a change of a few
    flows: all that it does for each of the others is to see that its content is the same object.
    For one thread at a time.
    """

    def __init__(self) -> None:
        self._cache = CompileCache()
        self._compiler = ProjectCompiler(self._cache)
        self._error_free: ErrorFreeVersion | None = None
        self._release_ids = ReleaseIds()

    def compute_release_id(self, files: Files) -> str:
        """The id of the release of these files."""
        return self._release_ids.compute(files)

    def compile(
        self, files: Files, environment: Environment | None = None, *, cookies_only: bool = False
    ) -> CompileResult:
        """See `ProjectCompiler.compile`."""
        environment = VARIABLES if environment is None else environment
        with pause_garbage_collection():
            error_free = self._error_free
            if error_free and is_of_same_settings(
                error_free, environment, cookies_only=cookies_only
            ):
                changed = list_changed_names(error_free.files, files)
                if not changed and list(files) == list(error_free.files):
                    return error_free.result
                found = try_partial_check(
                    files,
                    changed,
                    environment,
                    error_free.index,
                    self._cache,
                    cookies_only=cookies_only,
                )
                if found:
                    return self._complete(error_free, found, files, environment)
            compiled = self._compiler.compile(files, environment, cookies_only=cookies_only)
            build, self._compiler.latest_build = self._compiler.latest_build, None
            if compiled.release and build:
                self._keep_error_free_version(
                    compiled, build, files, environment, cookies_only=cookies_only
                )
        return compiled

    def _keep_error_free_version(
        self,
        compiled: CompileResult,
        build: ProjectBuild,
        files: Files,
        environment: Environment,
        *,
        cookies_only: bool,
    ) -> None:
        if len(build.programs) < MIN_SUMMARIZED_FLOWS:
            return
        index = SummaryIndex(summarize_project(build, self._cache, files), files)
        if not index.has_all(files):
            return
        self._error_free = ErrorFreeVersion(
            files,
            build.authored.project,
            read_variables(build.authored.project, environment),
            cookies_only,
            index,
            compiled,
            SecretFlows(compiled.programs),
        )

    def _complete(
        self,
        error_free: ErrorFreeVersion,
        found: PartialCheck,
        files: Files,
        environment: Environment,
    ) -> CompileResult:
        """The result for the whole project."""
        build, sources = found.build, SourceTexts(files)
        before = error_free.result.programs
        programs = replace_programs(before, found)
        if found.update is None:
            return CompileResult(None, found.problems, sources, programs, found.state_count)
        self._error_free = None  # until all of it is that of the new version
        # here, as loading a locale takes longer than a callback may
        preload_locales(build.authored, NoCompileCache())
        for name in found.removed:
            error_free.secret_flows.remove(before[name])
        for flow in found.update.added:
            error_free.secret_flows.add(programs[flow.name])
        release = build_release(
            build.authored,
            environment,
            self.compute_release_id(files),
            programs,
            build.shared,
            error_free.secret_flows.find_all(),
            NoCompileCache(self._cache),
        )
        error_free.index.apply(found.update)
        result = CompileResult(release, found.problems, sources, programs, found.state_count)
        error_free.files, error_free.result = files, result
        self._error_free = error_free if error_free.index.has_all(files) else None
        return result


def replace_programs(known: Mapping[str, Program], found: PartialCheck) -> dict[str, Program]:
    """All programs of a project, in the order of their files. Flows that were only compiled with
    those that use them keep their programs.
    """
    programs = dict(known)
    compiled = {
        name: program
        for name, program in found.build.programs.items()
        if name not in known or name in found.removed
    }
    files = {name: known[name].document.file for name in found.removed}
    if files == {name: program.document.file for name, program in compiled.items()}:
        programs.update(compiled)
        return programs
    for name in found.removed:
        del programs[name]
    programs.update(compiled)
    return dict(sorted(programs.items(), key=lambda item: item[1].document.file))


def is_of_same_settings(
    error_free: ErrorFreeVersion, environment: Environment, *, cookies_only: bool
) -> bool:
    return (error_free.variables, error_free.cookies_only) == (
        read_variables(error_free.project, environment),
        cookies_only,
    )


def read_variables(project: Project, environment: Environment) -> dict[str, str | None]:
    """The variables of the environment that a project names."""
    names = [*project.secrets.values(), *(one.secret for one in project.applications)]
    return {name: environment.get(name) for name in names}
