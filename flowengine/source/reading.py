"""Bytes to a document, or to all the problems that keep it from being one."""

import re
from typing import Final

from yaml import MarkedYAMLError

from flowengine.limits import MAX_FILE_BYTES, MAX_RESTARTS
from flowengine.problems import Problem, Span
from flowengine.source.comments import hash_keys
from flowengine.source.conflict import refuse_conflict, refuse_divider
from flowengine.source.document import Document
from flowengine.source.loader import Loader
from flowengine.source.syntax import Mishap, explain
from flowengine.source.text import Findings, Stop, Text

_CONTROL: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_KEY_LINE: Final = re.compile(
    r"^( *)(?:[\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ ]*:(?=[ \r\n]|$)", re.MULTILINE
)


def read(content: bytes, file: str) -> tuple[Document | None, list[Problem]]:
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
        return None, [_not_utf8(content, error, file)]
    text = Text(file, decoded)
    findings = Findings(text)
    return _load(text, findings), findings()


def _not_utf8(content: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    message = f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8"
    return Problem(
        "FE102", Span(file, line, column, line, column + 1), message, "save the file as UTF-8"
    )


def _load(text: Text, findings: Findings) -> Document | None:
    try:
        _refuse_controls(text, findings)
        refuse_conflict(text, findings)
        loader = Loader(text, findings)
        try:
            document = loader.load()
        except MarkedYAMLError as error:
            refuse_divider(text, findings)
            _go_on(text, explain(text, error, 0, findings), findings)
            return None
        hash_keys(text, loader.blocks, findings)
        if document is None or (document.data is None and not document.raw(())):
            raise findings.stop("FE104", 0, 0, "the file is empty")
    except Stop:
        return None
    return document


def _refuse_controls(text: Text, findings: Findings) -> None:
    """The parser refuses such characters for the whole file, so nothing else can be found."""
    found = False
    for match in _CONTROL.finditer(text.text):
        found = True
        findings.add(
            "FE103",
            match.start(),
            match.end(),
            f"a control character (U+{ord(match[0]):04X})",
            "delete it",
        )
    if found:
        raise Stop


def _go_on(text: Text, mishap: Mishap, findings: Findings) -> None:
    """After a syntax error the rest is read from the next key that is outside of what failed, for
    its problems only.
    """
    for _ in range(MAX_RESTARTS):
        base = _next_key(text, mishap)
        if base is None:
            return
        try:
            Loader(text, findings, base).load()
        except MarkedYAMLError as error:
            mishap = explain(text, error, base, findings)
        else:
            return


def _next_key(text: Text, mishap: Mishap) -> int | None:
    if mishap.dedent:
        return mishap.offset
    behind = text.line_end(mishap.offset)
    indent = len(text.line(mishap.offset)) - len(text.line(mishap.offset).lstrip(" "))
    lines = _KEY_LINE.finditer(text.text, min(behind + 1, len(text.text)))
    return next((line.start() for line in lines if len(line[1]) < max(1, indent)), None)
