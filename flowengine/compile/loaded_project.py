"""A compiled project for people: its problems with paths that a terminal can open, and a summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowengine.compile.program import CompileResult
from flowengine.problems import Problem, format_count, to_text


@dataclass(frozen=True, slots=True)
class LoadedProject:
    files: Mapping[str, bytes]
    compiled: CompileResult
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def format_problems(self, problems: Sequence[Problem]) -> str:
        """With colours, which click takes out where there is no terminal."""
        return to_text(problems, self.sources, colour=True)

    def format_summary(self) -> str:
        """One line: how much was read, and what is wrong with it."""
        programs = self.compiled.programs.values()
        states = sum(len(program.states) for program in programs)
        errors = len(self.errors)
        warnings = len(self.problems) - errors
        counts = [(errors, "error"), (warnings, "warning")]
        found = ", ".join(format_count(number, noun) for number, noun in counts if number)
        read = f"{format_count(len(programs), 'flow')}, {format_count(states, 'state')}"
        return f"{read}: {found or 'no problems'}"


def to_loaded_project(
    folder: Path, files: Mapping[str, bytes], compiled: CompileResult
) -> LoadedProject:
    """Files that are compiled already; `folder` is where people find them."""
    problems = tuple(
        replace(item, span=replace(item.span, file=(folder / item.span.file).as_posix()))
        for item in compiled.problems
    )
    sources = {(folder / name).as_posix(): text for name, text in compiled.sources.items()}
    return LoadedProject(files, compiled, problems, sources)
