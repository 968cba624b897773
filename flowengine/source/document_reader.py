"""Bytes to a document, or to all the problems that keep it from being one."""

import re
from typing import Final

from yaml import MarkedYAMLError

from flowengine.limits import MAX_FILE_BYTES, MAX_RESTARTS
from flowengine.problems import Problem, Span
from flowengine.source.accidental_comments import report_hash_keys
from flowengine.source.document import Document
from flowengine.source.document_loader import DocumentLoader
from flowengine.source.merge_conflict import refuse_conflict, refuse_divider
from flowengine.source.plain_document import read_plain_document
from flowengine.source.source_text import ProblemCollector, SourceText, UnreadableTextError
from flowengine.source.syntax_errors import SyntaxFailure, report_syntax_error

_CONTROL_CHARACTER: Final = re.compile(
    # not as all but the others, which takes ten times as long to compile
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_KEY_LINE: Final = re.compile(
    r"^( *)(?:[\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ ]*:(?=[ \r\n]|$)", re.MULTILINE
)


def read_document(content: bytes, file: str) -> tuple[Document | None, list[Problem]]:
    """The document, where the file can be read to its end (even with problems), and the problems in
    document order.
    """
    start = Span(file, 1, 1, 1, 1)
    if len(content) > MAX_FILE_BYTES:
        return None, [
            Problem(
                "FE101",
                start,
                f"the file has {len(content):,} bytes; up to {MAX_FILE_BYTES:,} are possible",
            )
        ]
    try:
        decoded = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return None, [_build_utf8_problem(content, error, file)]
    text = SourceText(file, decoded)
    findings = ProblemCollector(text)
    return _load_text(text, findings), findings()


def _build_utf8_problem(content: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    message = f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8"
    return Problem(
        "FE102", Span(file, line, column, line, column + 1), message, "save the file as UTF-8"
    )


def _load_text(text: SourceText, findings: ProblemCollector) -> Document | None:
    try:
        _refuse_control_characters(text, findings)
        refuse_conflict(text, findings)
        if plain := read_plain_document(text):
            return plain
        loader = DocumentLoader(text, findings)
        try:
            document = loader.load()
        except MarkedYAMLError as error:
            refuse_divider(text, findings)
            _resume_after_error(text, report_syntax_error(text, error, 0, findings), findings)
            return None
        report_hash_keys(text, loader.multiline_ranges, findings)
        if document is None or (document.data is None and not document.get_source_text(())):
            raise findings.add_fatal("FE104", 0, 0, "the file is empty")
    except UnreadableTextError:
        return None
    return document


def _refuse_control_characters(text: SourceText, findings: ProblemCollector) -> None:
    """The parser refuses such characters for the whole file, so nothing else can be found."""
    found = False
    for match in _CONTROL_CHARACTER.finditer(text.text):
        found = True
        findings.add(
            "FE103",
            match.start(),
            match.end(),
            f"a control character (U+{ord(match[0]):04X})",
            "delete it",
        )
    if found:
        raise UnreadableTextError


def _resume_after_error(
    text: SourceText, failure: SyntaxFailure, findings: ProblemCollector
) -> None:
    """After a syntax error the rest is read from the next key that is outside of what failed, for
    its problems only.
    """
    for _ in range(MAX_RESTARTS):
        base = _find_next_key(text, failure)
        if base is None:
            return
        try:
            DocumentLoader(text, findings, base).load()
        except MarkedYAMLError as error:
            failure = report_syntax_error(text, error, base, findings)
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
