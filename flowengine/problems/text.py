"""Problems for a person at a terminal."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from flowengine.problems.entry import Severity
from flowengine.problems.excerpt import Excerpts, Sources
from flowengine.problems.problem import Problem, in_order

_NO_SOURCES: Final[Sources] = MappingProxyType({})
_PAINT: Final = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}
_BOLD, _CURE, _FAINT, _OFF = "\x1b[1m", "\x1b[36m", "\x1b[2m", "\x1b[0m"


def to_text(
    problems: Iterable[Problem], sources: Sources = _NO_SOURCES, *, colour: bool = False
) -> str:
    """All problems in document order, each with its line of the source (text or bytes by file name)
    where that is at hand.
    """
    excerpts = Excerpts(sources)
    return "\n".join(_block(problem, excerpts, colour) for problem in in_order(problems))


def _block(problem: Problem, excerpts: Excerpts, colour: bool) -> str:
    line, carets = excerpts.of(problem.span)
    number = str(problem.span.line)
    gutter = " " * len(number)
    paint = _PAINT[problem.severity]
    rows = [
        (
            f"{_in(_BOLD, str(problem.span), colour)}: "
            f"{_in(paint, f'{problem.severity} {problem.code}', colour)}: {problem.message}"
        )
    ]
    if carets:
        rows.append(f" {_in(_FAINT, f'{number} |', colour)} {line}".rstrip())
        rows.append(f" {_in(_FAINT, f'{gutter} |', colour)} {_in(paint, carets, colour)}")
    if problem.hint:
        rows.append(f" {gutter} = {_in(_CURE, 'help', colour)}: {problem.hint}")
    return "\n".join(rows) + "\n"


def _in(paint: str, text: str, colour: bool) -> str:
    return f"{paint}{text}{_OFF}" if colour else text
