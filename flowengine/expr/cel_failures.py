"""Why an expression has no value in a call, in the words of people who write flows."""

import re
from collections.abc import Callable
from typing import Final

from flowengine.expr.type_names import OPERATOR_SIGNS, add_article, format_types, parse_types


def explain_failure(message: str) -> str:
    """The message of CEL in our words; one that is not known stays as it is.

    >>> explain_failure("Index error: index=3 size=3")
    'there is no item 3: the list has 3, from 0 to 2'
    """
    for pattern, say in _EXPLANATIONS:
        if found := pattern.fullmatch(message):
            return say(found)
    return message


def _explain_index(found: re.Match[str]) -> str:
    size = int(found[2])
    has = {0: "is empty", 1: "has only item 0"}.get(size, f"has {size}, from 0 to {size - 1}")
    return f"there is no item {found[1]}: the list {has}"


def _explain_operands(found: re.Match[str]) -> str:
    name, given = found[2], parse_types(", ".join(filter(None, (found[1], found[3]))))
    sign = OPERATOR_SIGNS.get(name)
    if found[1] is None and found[3] is None:
        return f"{sign or name} does not work on these values"
    return f"{sign or name} does not {'work on' if sign else 'take'} {format_types(given)}"


_EXPLANATIONS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (
        re.compile(r'Key not found in map : (".*"|\S+)', re.DOTALL),
        lambda found: f"there is no {found[1]} in it",
    ),
    (re.compile(r"Index error: index=(-?\d+) size=(\d+)"), _explain_index),
    (
        re.compile(r"Index error: expected integer type, got (\w+)"),
        lambda found: f"an item of a list has a number, not {format_types(parse_types(found[1]))}",
    ),
    (
        re.compile(r"Invalid container type: '(.+)'"),
        lambda found: f"{add_article(parse_types(found[1])[0])} has no items",
    ),
    (
        re.compile(r"Applying SELECT to non-message type"),
        lambda _: "only a group of values has parts to name after a point",
    ),
    (
        re.compile(r"No matching overloads found : <iter_range>"),
        lambda _: "only a list or a group of values has items to go through",
    ),
    (
        re.compile(r"No matching overloads found : <jump_condition>"),
        lambda _: "what stands before ? is neither true nor false",
    ),
    (
        re.compile(r"No matching overloads found : (?:\((.*?)\)\.)?([^\s()]+?)(?:\((.*)\))?"),
        _explain_operands,
    ),
)
