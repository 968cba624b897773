"""The body of a lookup's response as expressions read it."""

import codecs
import json
import re
from typing import Any

# What an expression takes for a whole number. One of 20 digits and a sign does not fit either.
_MIN_INTEGER, _MAX_INTEGER, _MAX_DIGITS = -(2**63), 2**63 - 1, 20
# Expressions walk through a body by recursion; real answers nest some ten deep.
MAX_BODY_DEPTH = 64
# Half of a surrogate pair is no character, and CEL ends a text at a NUL: no expression could read
# anything of a body with one of them, and the journal could not keep it.
_ESCAPED_UNUSABLE_CHARACTER = re.compile(r"\\u(0000|[dD][89a-fA-F])")
_UNUSABLE_CHARACTER = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def parse_body(content: bytes) -> Any:
    """JSON where it is JSON, else the text.

    A number without a fraction is an integer, however it is written: 1, 1.0 and 1e0 are the same to
    JSON, and which of them comes is an accident of the other system's language. An integer of more
    than 64 bits is an id, and becomes a text of its digits. What is no number (NaN, Infinity,
    1e999), as some systems write though JSON has none of it, is null.
    """
    text = content.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    text = text.replace("\0", _REPLACEMENT)
    try:
        value = _decode_json(text)
    except (ValueError, RecursionError):
        return text
    # counting first is quick, and hardly any body comes to the walk
    if text.count("[") + text.count("{") > MAX_BODY_DEPTH and _is_deep(value):
        return text
    return _replace_unusable(value) if _ESCAPED_UNUSABLE_CHARACTER.search(text) else value


def _parse_integer(digits: str) -> int | str:
    # int() takes quadratic time for long digits
    if len(digits) > _MAX_DIGITS:
        return digits
    number = int(digits)
    return number if _MIN_INTEGER <= number <= _MAX_INTEGER else digits


def _parse_number(text: str) -> int | float | None:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return None
    return int(number) if number.is_integer() and _MIN_INTEGER <= number <= _MAX_INTEGER else number


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_BODY_DEPTH):
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _replace_unusable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNUSABLE_CHARACTER.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {_replace_unusable(key): _replace_unusable(one) for key, one in value.items()}
    return [_replace_unusable(one) for one in value] if isinstance(value, list) else value


_decode_json = json.JSONDecoder(
    parse_int=_parse_integer, parse_float=_parse_number, parse_constant=lambda _: None
).decode
