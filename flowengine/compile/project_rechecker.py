"""Compiles a project again and again: after a change only what has changed, where that tells all."""

from collections.abc import Mapping
from typing import NamedTuple

from flowengine.compile.flow_summaries import ProjectSummary, summarize_project
from flowengine.compile.locale_preload import preload_locales
from flowengine.compile.partial_check import PartialCheck, try_partial_check
from flowengine.compile.program import CompileResult, Program
from flowengine.compile.project_compiler import (
    ProjectCompiler,
    build_release,
    decode_files,
    pause_garbage_collection,
)
from flowengine.compile.secret_flows import find_secret_flows
from flowengine.environment import VARIABLES
from flowengine.limits import MIN_SUMMARIZED_FLOWS
from flowengine.model import CompileCache, NoCompileCache, Project

Files = Mapping[str, bytes]
Environment = Mapping[str, str]


class SoundVersion(NamedTuple):
    """The last version of a project that had no errors. `variables` are the values of those that it
    names.
    """

    project: Project
    variables: Mapping[str, str | None]
    cookies_only: bool
    summary: ProjectSummary
    programs: Mapping[str, Program]


class ProjectRechecker:
    """A `ProjectCompiler` whose results are the same, and that needs less time for a change of a few
    flows. For one thread at a time.
    """

    def __init__(self) -> None:
        self._cache = CompileCache()
        self._compiler = ProjectCompiler(self._cache)
        self._sound: SoundVersion | None = None

    def compile(
        self, files: Files, environment: Environment | None = None, *, cookies_only: bool = False
    ) -> CompileResult:
        """See `ProjectCompiler.compile`."""
        environment = VARIABLES if environment is None else environment
        with pause_garbage_collection():
            sound = self._sound
            if sound and is_of_same_settings(sound, environment, cookies_only=cookies_only):
                found = try_partial_check(
                    files, environment, sound.summary, cookies_only=cookies_only
                )
                if found:
                    return self._complete(sound, found, files, environment)
            compiled = self._compiler.compile(files, environment, cookies_only=cookies_only)
            build, self._compiler.latest_build = self._compiler.latest_build, None
            if compiled.release and build and len(build.programs) >= MIN_SUMMARIZED_FLOWS:
                self._sound = SoundVersion(
                    build.authored.project,
                    read_variables(build.authored.project, environment),
                    cookies_only,
                    summarize_project(build, self._cache, files),
                    compiled.programs,
                )
        return compiled

    def _complete(
        self, sound: SoundVersion, found: PartialCheck, files: Files, environment: Environment
    ) -> CompileResult:
        """The result for the whole project."""
        build = found.build
        known = {**build.programs, **{name: sound.programs[name] for name in found.unchanged}}
        programs = dict(sorted(known.items(), key=lambda item: item[1].document.file))
        sources = decode_files(files, build.authored)
        if found.summary is None:
            return CompileResult(None, found.problems, sources, programs, found.state_count)
        self._sound = sound._replace(summary=found.summary, programs=programs)
        # here, as loading a locale takes longer than a callback may
        preload_locales(build.authored, NoCompileCache())
        secret_flows = find_secret_flows(programs)
        release = build_release(
            build.authored, environment, files, programs, build.shared, secret_flows
        )
        return CompileResult(release, found.problems, sources, programs, found.state_count)


def is_of_same_settings(
    sound: SoundVersion, environment: Environment, *, cookies_only: bool
) -> bool:
    return (sound.variables, sound.cookies_only) == (
        read_variables(sound.project, environment),
        cookies_only,
    )


def read_variables(project: Project, environment: Environment) -> dict[str, str | None]:
    """The variables of the environment that a project names."""
    names = [*project.secrets.values(), *(one.secret for one in project.applications)]
    return {name: environment.get(name) for name in names}
