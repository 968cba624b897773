"""The characters of a scalar at another indentation, and in quotes where other programs that read YAML
would take it for something else than text.
"""

import re
from typing import Final

from flowengine.source.yaml_scalars import resolve_scalar

# YAML 1.1 and the core schema of 1.2 together; `1.2.3` and `20s` are text to all
_TAKEN_FOR_OTHER: Final = re.compile(
    r"""
    y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF     # true and false
    |[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+
    |[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?     # minutes and seconds as one number
    |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)
    |[0-9]{4}-[0-9]{2}-[0-9]{2}                           # a date
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ ]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?
     (?:[ ]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?
    |=|<<
    """,
    re.VERBOSE,
)
_HEADER_PARTS: Final = re.compile(r"([|>])([0-9]?)([-+]?)([0-9]?)[ \t]*(#[^\n]*)?")


def needs_quotes(plain: str, *, is_key: bool) -> bool:
    """Whether a plain text is a number, a truth value or a date to others. The key `on` is a word of
    the language, and editors know it as one.
    """
    if is_key and plain == "on":
        return False
    return isinstance(resolve_scalar(plain), str) and bool(_TAKEN_FOR_OTHER.fullmatch(plain))


def indent_flow_scalar(raw: str, indent: int) -> str:
    """A plain or quoted text over several lines, each of which begins at this column. The blanks
    around its line breaks mean nothing.
    """
    first, *others = raw.split("\n")
    is_escaping = raw.startswith('"')
    lines = [first, *(line.lstrip(" \t") for line in others)]
    kept = [
        # the backslash takes the blank behind it, or the line break, into the text
        line if (is_escaping and line.rstrip(" \t").endswith("\\")) or line is lines[-1]
        else line.rstrip(" \t")
        for line in lines
    ]  # fmt: skip
    return "\n".join([kept[0], *(f"{' ' * indent}{line}" if line else line for line in kept[1:])])


def is_kept_to_the_end(raw: str) -> bool:
    """Whether the empty lines behind a block of text belong to it."""
    header = _HEADER_PARTS.match(raw)
    return header is not None and header[3] == "+"


def is_stripped(raw: str) -> bool:
    """Whether the line break at the end of a block of text does not belong to it."""
    header = _HEADER_PARTS.match(raw)
    return header is not None and header[3] == "-"


def indent_block_scalar(raw: str, outer_column: int, outer_indent: int) -> str:
    """A block of text (`|` or `>`) whose outer collection moves from one column to another. Lines
    keep their distance from each other.
    """
    header = _HEADER_PARTS.match(raw)
    assert header is not None  # noqa: S101  # the parser has read it
    digit = header[2] or header[4]
    lines = raw[header.end() :].split("\n")[1:]
    if digit:
        column, indent = outer_column + int(digit), outer_indent + int(digit)
    else:
        column, indent = find_block_column(lines), outer_indent + 2
    moved = [f"{' ' * indent}{line[column:]}" if line[column:] else "" for line in lines]
    if header[3] != "+":
        while moved and not moved[-1]:
            moved.pop()
    style = f"{header[1]}{digit}{header[3]}"
    first = f"{style}  {header[5].rstrip()}" if header[5] else style
    return "\n".join([first, *moved])


def find_block_column(lines: list[str]) -> int:
    """The column at which a block of text begins: that of its first line with something in it."""
    for line in lines:
        if line.strip(" "):
            return len(line) - len(line.lstrip(" "))
    return max(map(len, lines), default=0)
