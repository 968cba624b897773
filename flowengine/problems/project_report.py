"""What a person is told of a project: its problems with paths that a terminal can open, and a summary."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from flowengine.problems.message_format import format_count
from flowengine.problems.problem import Problem
from flowengine.problems.source_excerpt import Sources
from flowengine.problems.terminal_text import to_text


class ProjectReport(msgspec.Struct, frozen=True):
    problems: tuple[Problem, ...]
    sources: Sources
    flow_count: int
    state_count: int

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def format_problems(self, problems: Sequence[Problem]) -> str:
        """With colours, which click takes out where there is no terminal."""
        return to_text(problems, self.sources, colour=True)

    def format_summary(self) -> str:
        """One line: how much was read, and what is wrong with it."""
        errors = len(self.errors)
        warnings = len(self.problems) - errors
        counts = [(errors, "error"), (warnings, "warning")]
        found = ", ".join(format_count(number, noun) for number, noun in counts if number)
        read = f"{format_count(self.flow_count, 'flow')}, {format_count(self.state_count, 'state')}"
        return f"{read}: {found or 'no problems'}"


def build_report(
    folder: Path,
    problems: Collection[Problem],
    sources: Mapping[str, str] | Mapping[str, bytes],
    flow_count: int,
    state_count: int,
) -> ProjectReport:
    """The report on files below `folder`, by which problems and sources do not name them yet."""
    located = tuple(
        replace(item, span=replace(item.span, file=(folder / item.span.file).as_posix()))
        for item in problems
    )
    shown = {problem.span.file for problem in problems} & sources.keys()
    texts = {(folder / name).as_posix(): sources[name] for name in shown}
    return ProjectReport(located, texts, flow_count, state_count)
