"""Places in a text as the protocol counts them: lines from 0, and columns in the units that the
editor asks for, UTF-16 by default.
"""

import re
from bisect import bisect_right
from itertools import pairwise

from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from flowengine.problems import Span
from flowengine.source.source_text import SourceText

_LINE_BREAK = re.compile(r"\r\n|\n|\r")  # those of the protocol; YAML knows more of them
UTF_16 = PositionCodec()


class TextPositions:
    """Converts between offsets in one text and positions of the protocol."""

    def __init__(self, text: str, codec: PositionCodec = UTF_16) -> None:
        self.text = text
        self._codec = codec
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
        # a problem counts its lines as its document does
        self._source = SourceText("", text)

    def split_offset(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset, in characters."""
        offset = min(offset, len(self.text))
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def to_position(self, offset: int) -> Position:
        line, column = self.split_offset(offset)
        start = self._starts[line]
        before = self.text[start : start + column]
        return Position(line, self._codec.client_num_units(before))

    def to_range(self, start: int, end: int) -> Range:
        return Range(self.to_position(start), self.to_position(end))

    def to_offset(self, position: Position) -> int:
        """The offset of a position; that of the end of the line, where the line is shorter."""
        if position.line >= len(self._starts):
            return len(self.text)
        line = self.get_line(position.line)
        units = 0
        for column, character in enumerate(line):
            if units >= position.character:
                return self._starts[position.line] + column
            units += self._codec.client_num_units(character)
        return self._starts[position.line] + len(line)

    def get_line(self, line: int) -> str:
        """A line without its line break."""
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def list_lines(self) -> list[str]:
        return [
            self.text[start:end].rstrip("\r\n")
            for start, end in pairwise([*self._starts, len(self.text)])
        ]

    def to_offsets(self, span: Span) -> tuple[int, int]:
        """The offsets of a problem; those of the beginning where it is about a file as such."""
        if not span.line:
            return 0, 0
        return (
            self._source.get_offset(span.line, span.column),
            self._source.get_offset(span.end_line, span.end_column),
        )
