"""Problems as editors show them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from lsprotocol.types import Diagnostic, DiagnosticSeverity
from pygls.workspace import PositionCodec

from flowengine.lsp.text_positions import TextPositions
from flowengine.problems import Problem

SOURCE_NAME: Final = "flowengine"
# a variable that is missing on this machine says nothing about the flow
_HINT_CODES: Final = frozenset({"FE905"})
_SEVERITIES: Final = {"error": DiagnosticSeverity.Error, "warning": DiagnosticSeverity.Warning}


def build_diagnostics(
    problems: Iterable[Problem],
    contents: Mapping[str, bytes],
    fallback: Collection[str],
    codec: PositionCodec,
) -> dict[str, list[Diagnostic]]:
    """The problems of each file. One that is about no file of the project, but about all of it, is
    shown in the `fallback` files.
    """
    by_file = defaultdict(list)
    for problem in problems:
        file = problem.span.file
        for name in [file] if file in contents else fallback:
            by_file[name].append(problem)
    found = {}
    for name, own in by_file.items():
        text = contents.get(name, b"").decode("utf-8", errors="replace").removeprefix("\ufeff")
        positions = TextPositions(text, codec)
        found[name] = [to_diagnostic(problem, name, positions) for problem in own]
    return found


def to_diagnostic(problem: Problem, file: str, positions: TextPositions) -> Diagnostic:
    """A problem with its cure below it."""
    start, end = positions.to_offsets(problem.span) if problem.span.file == file else (0, 0)
    severity = _SEVERITIES[problem.severity]
    return Diagnostic(
        range=positions.to_range(start, end),
        message=f"{problem.message}\n{problem.hint}" if problem.hint else problem.message,
        severity=DiagnosticSeverity.Hint if problem.code in _HINT_CODES else severity,
        code=problem.code,
        source=SOURCE_NAME,
    )
