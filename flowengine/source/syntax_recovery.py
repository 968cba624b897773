"""All syntax errors of a file that cannot be read to its end."""

import re
from typing import Final

from yaml import MarkedYAMLError

from flowengine.limits import MAX_RESTARTS
from flowengine.source.document_loader import DocumentLoader
from flowengine.source.source_text import ProblemCollector, SourceText
from flowengine.source.syntax_errors import SyntaxFailure, report_syntax_error

_KEY_LINE: Final = re.compile(
    r"^( *)(?:[\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ ]*:(?=[ \r\n]|$)", re.MULTILINE
)


def report_syntax_errors(
    text: SourceText, error: MarkedYAMLError, findings: ProblemCollector
) -> None:
    """Report the first syntax error of a file and those in the rest, which is read from the next key
    that is outside of what failed, for its problems only.
    """
    failure = report_syntax_error(text, error, 0, findings)
    for _ in range(MAX_RESTARTS):
        base = _find_next_key(text, failure)
        if base is None:
            return
        try:
            DocumentLoader(text, findings, base).load()
        except MarkedYAMLError as following:
            failure = report_syntax_error(text, following, base, findings)
        else:
            return


def _find_next_key(text: SourceText, failure: SyntaxFailure) -> int | None:
    if failure.dedent:
        return failure.offset
    behind = text.find_line_end(failure.offset)
    indent = len(text.get_line(failure.offset)) - len(text.get_line(failure.offset).lstrip(" "))
    lines = _KEY_LINE.finditer(text.text, min(behind + 1, len(text.text)))
    most = indent if failure.in_line else max(0, indent - 1)
    return next((line.start() for line in lines if len(line[1]) <= most), None)
