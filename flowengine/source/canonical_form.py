"""The one form in which files are written: indentation, blanks, empty lines and the quotes that other
programs need. The tokens of the C parser say where each character belongs; scalars are never written
anew, so that a file means what it meant.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from flowengine.problems import Problem, Severity
from flowengine.source.document import Document
from flowengine.source.document_reader import read_document
from flowengine.source.layout_gaps import UnformattableError
from flowengine.source.layout_writer import LayoutWriter

# line breaks to YAML 1.1, and characters to 1.2 and to editors
_OTHER_BREAKS: Final = ("\x85", "\u2028", "\u2029")
_SPACED_PART: Final = "states"


def format_content(content: bytes, file: str) -> tuple[bytes, list[Problem]]:
    """The file in its canonical form. A file that cannot be read without an error stays as it is,
    and its problems say why. Raises UnformattableError for one that has to stay for another reason.
    """
    document, problems = read_document(content, file)
    if document is not None and b"\r" in content:
        document, _ = read_document(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), file)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if document is None or errors:
        return content, errors
    formatted = format_document(document).encode()
    again, _ = read_document(formatted, file)
    # by repr: 1, 1.0 and true are equal to Python
    if again is None or repr(again.data) != repr(document.data):
        raise UnformattableError("another form of it would have another meaning")
    return formatted, []


def format_document(document: Document) -> str:
    """The canonical form of a document whose lines end in a line feed alone."""
    text = document.text
    for character in _OTHER_BREAKS:
        if character in text:
            raise UnformattableError(
                f"it has the character U+{ord(character):04X}, "
                "which only some programs take for a line break"
            )
    spaced_lines = frozenset(list_spaced_lines(document))
    return LayoutWriter(document.source, spaced_lines).write(iterate_tokens(text))


def iterate_tokens(text: str) -> Iterator[Any]:
    return iter(yaml.CSafeLoader(text).get_token, None)


def list_spaced_lines(document: Document) -> Iterator[int]:
    """The lines (from 0) that have an empty line above them: those of states, where the state or the
    one above it takes several lines, and that of `states:` itself.
    """
    data = document.data if isinstance(document.data, dict) else {}
    states = data.get(_SPACED_PART)
    if not isinstance(states, dict) or not states:
        return
    values, keys = document.positions.get()
    before: tuple[int, int] | None = None
    for name in states:
        path = (_SPACED_PART, name)
        start, end = keys[path][0], max(values[path][1], keys[path][1])
        first, last = (document.source.get_position(each)[0] - 1 for each in (start, end))
        if before and before[1] < first and (before[0] < before[1] or first < last):
            yield first
        before = first, last
    own, _ = document.source.get_position(keys[(_SPACED_PART,)][0])
    inner, _ = document.source.get_position(values[(_SPACED_PART,)][0])
    if inner > own and next(iter(data)) != _SPACED_PART:
        yield own - 1
