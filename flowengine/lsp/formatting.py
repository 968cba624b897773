"""The edits that bring an open document into its canonical form."""

import re
from difflib import SequenceMatcher

from lsprotocol.types import Position, Range, TextEdit

from flowengine.source.canonical_form import format_content
from flowengine.source.layout_gaps import UnformattableError

LINE_START = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")  # the lines of the protocol


def list_formatting_edits(text: str, file: str) -> list[TextEdit]:
    """Whole lines, and only those that change, so that the cursor stays where it is; none where the
    text cannot be read just now, or has to stay as it is.
    """
    content = text.encode("utf-8", errors="replace")
    try:
        formatted, _ = format_content(content, file)
    except UnformattableError:
        return []
    if formatted == content:
        return []
    before, after = LINE_START.split(text), LINE_START.split(formatted.decode())
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        TextEdit(
            Range(Position(first, 0), Position(last, 0)),
            "".join(after[start:end]),
        )
        for kind, first, last, start, end in changes
        if kind != "equal"
    ]
