"""Texts in lines, by the width of their characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.diagram.text_measure import STRETCH_FACTOR, measure_text, wrap_text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("one", ("one",)),
        ("one two three four", ("one two", "three four")),
        ("  one\n two ", ("one two",)),
        ("one two three four five six seven", ("one two", "three four", "five six …")),
        ("one two three …", ("one two", "three …")),
        ("one two threes …", ("one two", "threes …")),
        ("a" * 30, ("a" * 10, "a" * 10, "a" * 10)),
        ("abcdefghijkl", ("abcdefghijkl",)),
    ],
)
def test_text_is_wrapped_at_blanks_and_cut_after_the_last_line(
    text: str, lines: tuple[str, ...]
) -> None:
    assert wrap_text(text, 10, 62.5, 3) == lines


@given(st.text("aiW 本é…\n", max_size=40), st.integers(1, 4))
def test_lines_of_a_text_are_no_wider_than_they_may_be(text: str, most: int) -> None:
    lines = wrap_text(text, 10, 80, most)
    assert len(lines) <= most
    ellipsis = measure_text(" …", 10)
    assert all(measure_text(line, 10) <= 80 * STRETCH_FACTOR + ellipsis + 0.01 for line in lines)


def test_wide_characters_take_more_room_than_narrow_ones() -> None:
    widths = [measure_text(text, 10) for text in ("́", "i", "a", "W", "本")]
    assert widths == sorted(widths)
    assert widths[0] == 0
