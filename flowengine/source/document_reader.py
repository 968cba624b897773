"""Bytes to a document, or to all the problems that keep it from being one."""

import re
from typing import Final

from yaml import MarkedYAMLError

from flowengine.limits import MAX_FILE_BYTES
from flowengine.problems import Problem, Span
from flowengine.source.accidental_comments import report_hash_keys
from flowengine.source.document import Document
from flowengine.source.document_loader import DocumentLoader
from flowengine.source.merge_conflict import refuse_conflict, refuse_divider
from flowengine.source.plain_document import read_plain_document
from flowengine.source.source_text import ProblemCollector, SourceText, UnreadableTextError

_CONTROL_CHARACTER: Final = re.compile(
    # not as all but the others, which takes ten times as long to compile
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
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
            # hardly any file needs it
            from flowengine.source.syntax_recovery import report_syntax_errors  # noqa: PLC0415

            report_syntax_errors(text, error, findings)
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
