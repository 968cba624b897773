"""The whole of a value that YAML would cut, as its author meant it: for cures that show it in
quotes.
"""

import re
from typing import Final

from flowengine.problems import in_cure
from flowengine.source.source_text import SourceText

_MOST: Final = 2000  # characters that are looked at: as many as an expression may have
_CLOSERS: Final = {")": "(", "]": "[", "}": "{"}
_TOKEN: Final = re.compile(r"""\"(?:\\.|[^"\\])*\"|'[^']*'|\s\#.*|[()\[\]{},]""")


def read_meant_value(text: SourceText, start: int) -> str:
    """The value that begins here: on this line, up to the comma or bracket that ends it inside
    `{…}` and `[…]`, and outside of them with the lines that are indented below it.
    """
    before = text.text[text.find_line_start(start) : start]
    line, *below = text.text[start : start + _MOST].splitlines()
    value, ended = _first_value(line, is_flow := _is_open(before))
    if ended or is_flow:
        while not ended and below:
            line = f"{line} {below.pop(0).strip()}"
            value, ended = _first_value(line, is_flow)
        return value
    lines, indent = [value], len(before) - len(before.lstrip(" -"))
    for line in below:
        if not line.strip() or len(line) - len(line.lstrip()) <= indent:
            break
        lines.append(_first_value(line.strip(), is_flow)[0])
    return " ".join(lines)


def quote_as_yaml(value: str) -> str:
    r"""A value as YAML has it in quotes.

    >>> quote_as_yaml("!a"), quote_as_yaml('!a == "b"')
    ('"!a"', '\'!a == "b"\'')
    """
    shown = in_cure(value)
    if '"' in shown or "\\" in shown:
        return "'" + shown.replace("'", "''") + "'"
    return f'"{shown}"'


def _is_open(before: str) -> bool:
    """Whether a bracket of YAML is open at the end of this."""
    signs = re.sub(r"\"[^\"]*\"|'[^']*'", "", before)
    return any(signs.count(opens) > signs.count(closes) for opens, closes in ("{}", "[]"))


def _first_value(rest: str, is_flow: bool) -> tuple[str, bool]:
    """The value at the beginning of this, and whether it ends there by a comma or a bracket of
    YAML. Brackets and commas within its own brackets and texts are its own.
    """
    opened: list[str] = []
    comma = -1
    for token in _TOKEN.finditer(rest):
        sign = token[0]
        if sign[0].isspace():  # a comment
            rest = rest[: token.start()]
            break
        if sign in "([{":
            opened.append(sign)
        elif sign == "," and not opened and comma < 0:
            comma = token.start()
        elif sign in _CLOSERS and (not opened or opened.pop() != _CLOSERS[sign]):
            return rest[: comma if comma >= 0 else token.start()].strip(), True
    if comma >= 0 and (is_flow or not rest[comma + 1 :].strip()):
        return rest[:comma].strip(), is_flow
    return rest.strip(), False
