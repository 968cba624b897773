"""Places as the protocol counts them."""

import pytest
from lsprotocol.types import Position, PositionEncodingKind
from pygls.workspace import PositionCodec

from flowengine.lsp.text_positions import TextPositions
from flowengine.problems import Span

TEXT = "å: 1\r\n😀x: 2\rz\u2028z: 3\n"


@pytest.mark.parametrize(
    ("word", "line", "character"),
    [("1", 0, 3), ("x", 1, 2), ("2", 1, 5), ("z:", 2, 2), ("3", 2, 5)],
)
def test_position_counts_utf_16_units_and_the_line_breaks_of_the_protocol(
    word: str, line: int, character: int
) -> None:
    positions = TextPositions(TEXT)
    offset = TEXT.index(word)
    assert positions.to_position(offset) == Position(line, character)
    assert positions.to_offset(Position(line, character)) == offset


def test_position_behind_the_end_is_the_end() -> None:
    positions = TextPositions(TEXT)
    assert positions.to_offset(Position(0, 99)) == TEXT.index("\r")
    assert positions.to_offset(Position(99, 0)) == len(TEXT)


def test_position_counts_bytes_where_the_editor_does() -> None:
    positions = TextPositions(TEXT, PositionCodec(PositionEncodingKind.Utf8))
    assert positions.to_position(TEXT.index("x")) == Position(1, 4)


def test_span_of_a_problem_counts_its_own_lines() -> None:
    """A document ends its lines at line feeds alone."""
    positions = TextPositions(TEXT)
    line = TEXT.split("\n")[1]
    column = line.index("3") + 1
    start, end = positions.to_offsets(Span("a.yaml", 2, column, 2, column + 1))
    assert TEXT[start:end] == "3"
    assert positions.to_offsets(Span.for_file("a.yaml")) == (0, 0)
