"""Where a piece of a text value stands in the file.

In quotes on one line every character of the value is one unit of the source: itself or an escape.
In all other styles line breaks and indentation differ, but the visible characters are the same, in
the same order: the nth there is the nth here.
"""

import re
from typing import Final

_DOUBLE_QUOTED_UNIT: Final = re.compile(r"\\(?:x.{2}|u.{4}|U.{8}|.)|.", re.DOTALL)
_SINGLE_QUOTED_UNIT: Final = re.compile(r"''|.", re.DOTALL)
_SINGLE_QUOTED_VISIBLE: Final = re.compile(r"''|\S")
_VISIBLE_CHARACTER: Final = re.compile(r"\S")
_BLOCK_HEADER: Final = re.compile(r"[|>][-+0-9]*[^\n]*\n?")


def map_offsets(raw: str, value: str, start: int, length: int) -> tuple[int, int] | None:
    """Offsets in `raw` of the characters [start, start+length) of `value`; None when that cannot be
    told.
    """
    skip, pattern, visible = _choose_pattern(raw)
    if pattern is None:
        return None
    body = raw[:-1] if raw[:1] in "'\"" else raw
    places = [match.span() for match in pattern.finditer(body, skip)]
    first, end = (
        (_count_visible(value, start), _count_visible(value, start + length))
        if visible
        else (start, start + length)
    )
    chosen = places[first : max(end, first + 1)]
    expected = _count_visible(value, len(value)) if visible else len(value)
    return (chosen[0][0], chosen[-1][1]) if chosen and len(places) == expected else None


def _choose_pattern(raw: str) -> tuple[int, re.Pattern[str] | None, bool]:
    style, many = raw[:1], "\n" in raw
    if style == '"':
        return (
            1,
            (_DOUBLE_QUOTED_UNIT if not many else None if "\\" in raw else _VISIBLE_CHARACTER),
            many,
        )
    if style == "'":
        return 1, _SINGLE_QUOTED_VISIBLE if many else _SINGLE_QUOTED_UNIT, many
    header = _BLOCK_HEADER.match(raw)
    return (header.end() if header else 0), _VISIBLE_CHARACTER, True


def _count_visible(value: str, end: int) -> int:
    return sum(1 for character in value[:end] if not character.isspace())
