"""Problems for a person at a terminal."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from flowengine.problems.catalogue_entry import Severity
from flowengine.problems.problem import Problem, sort_problems
from flowengine.problems.source_excerpt import Excerpts, Sources

_NO_SOURCES: Final[Sources] = MappingProxyType({})
_SEVERITY_COLOURS: Final = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}
_BOLD, _CYAN, _FAINT, _RESET = "\x1b[1m", "\x1b[36m", "\x1b[2m", "\x1b[0m"


def to_text(
    problems: Iterable[Problem], sources: Sources = _NO_SOURCES, *, colour: bool = False
) -> str:
    """All problems in document order, each with its line of the source (text or bytes by file name)
    where that is at hand.
    """
    excerpts = Excerpts(sources)
    return "\n".join(
        _format_block(problem, excerpts, colour) for problem in sort_problems(problems)
    )


def _format_block(problem: Problem, excerpts: Excerpts, colour: bool) -> str:
    line, carets = excerpts.format_excerpt(problem.span)
    number = str(problem.span.line)
    gutter = " " * len(number)
    paint = _SEVERITY_COLOURS[problem.severity]
    rows = [
        (
            f"{_colourize(_BOLD, str(problem.span), colour)}: "
            f"{_colourize(paint, f'{problem.severity} {problem.code}', colour)}: {problem.message}"
        )
    ]
    if carets:
        rows.append(f" {_colourize(_FAINT, f'{number} |', colour)} {line}".rstrip())
        rows.append(
            f" {_colourize(_FAINT, f'{gutter} |', colour)} {_colourize(paint, carets, colour)}"
        )
    if problem.hint:
        rows.append(f" {gutter} = {_colourize(_CYAN, 'help', colour)}: {problem.hint}")
    return "\n".join(rows) + "\n"


def _colourize(paint: str, text: str, colour: bool) -> str:
    return f"{paint}{text}{_RESET}" if colour else text
