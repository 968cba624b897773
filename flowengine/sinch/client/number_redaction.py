"""Keeps phone numbers out of errors and of what a debugger shows, as such texts end up in logs."""

import re
from typing import Final

import msgspec

UNMASKED_DIGITS: Final = 2  # digits of a number that stay, enough to tell two apart
_NUMBER_IN_TEXT: Final = re.compile(r"(?<![\w-])\+?\d(?:(?:[ \-/]|\(0\))*\d){5,}(?![\w-])")
_NUMERIC_UUID: Final = re.compile(
    r"\d{8}(-\d{4}){3}-\d{12}"
)  # what may look like a number, though hardly ever
_STARS: Final = str.maketrans("0123456789", "*" * 10)


def redact_numbers(text: str) -> str:
    """The text with only the last digits of each phone number.

    >>> redact_numbers("Invalid parameters: +46 73 017 01 01 (40001)")
    'Invalid parameters: +** ** *** ** 01 (40001)'
    """
    return _NUMBER_IN_TEXT.sub(
        lambda found: found[0] if _NUMERIC_UUID.fullmatch(found[0]) else _mask_digits(found[0]),
        text,
    )


def _mask_digits(number: str) -> str:
    return number[:-UNMASKED_DIGITS].translate(_STARS) + number[-UNMASKED_DIGITS:]


class RedactedStruct(msgspec.Struct, frozen=True):
    """A value that shows itself without the numbers in it."""

    def __repr__(self) -> str:
        return redact_numbers(msgspec.Struct.__repr__(self))
