"""What the commands share: reading a project, and showing its problems with paths that a terminal
can open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from flowengine.compile import CompileResult, compile_project
from flowengine.model.project_folder import read_folder
from flowengine.problems import Problem, to_text


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project as a command sees it."""

    files: Mapping[str, bytes]
    compiled: CompileResult
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def format_problems(self, problems: Sequence[Problem]) -> str:
        return to_text(
            problems, self.sources, colour=True
        )  # click takes the colours out where there is no terminal

    def format_summary(self) -> str:
        """One line: how much was read, and what is wrong with it."""
        programs = self.compiled.programs.values()
        read = f"{format_count(len(programs), 'flow')}, {format_count(sum(len(program.states) for program in programs), 'state')}"
        warnings = len(self.problems) - len(self.errors)
        found = [format_count(len(self.errors), "error")] * bool(self.errors) + [
            format_count(warnings, "warning")
        ] * bool(warnings)
        return f"{read}: {', '.join(found) or 'no problems'}"


def read_project(
    flows: Path, environment: Mapping[str, str] | None = None, *, cookies_only: bool = False
) -> LoadedProject:
    """Read and compile. A folder that cannot be read ends the command."""
    try:
        files = read_folder(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    compiled = compile_project(files, environment, cookies_only=cookies_only)
    return to_loaded_project(flows.parent if flows.is_file() else flows, files, compiled)


def to_loaded_project(
    folder: Path, files: Mapping[str, bytes], compiled: CompileResult
) -> LoadedProject:
    """Files that are compiled already; `folder` is where people find them."""
    problems = tuple(
        replace(item, span=replace(item.span, file=(folder / item.span.file).as_posix()))
        for item in compiled.problems
    )
    return LoadedProject(
        files,
        compiled,
        problems,
        {(folder / name).as_posix(): text for name, text in compiled.sources.items()},
    )


def format_count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
