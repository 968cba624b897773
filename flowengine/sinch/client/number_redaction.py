"""Keeps phone numbers out of errors and of what a debugger shows, as such texts end up in logs."""

import re
from typing import Final

import msgspec

from flowengine.sinch.digit_mask import mask_digits

_NUMBER_IN_TEXT: Final = re.compile(r"(?<![\w-])\+?\d(?:(?:[ \-/]|\(0\))*\d){5,}(?![\w-])")
_NUMERIC_UUID: Final = re.compile(
    r"\d{8}(-\d{4}){3}-\d{12}"
)  # what may look like a number, though hardly ever


def redact_numbers(text: str) -> str:
    """The text with only the last digits of each phone number.

    >>> redact_numbers("Invalid parameters: +46 73 017 01 01 (40001)")
    'Invalid parameters: +** ** *** ** 01 (40001)'
    """
    return _NUMBER_IN_TEXT.sub(
        lambda found: found[0] if _NUMERIC_UUID.fullmatch(found[0]) else mask_digits(found[0]),
        text,
    )


class RedactedStruct(msgspec.Struct, frozen=True):
    """A value that shows itself without the numbers in it."""

    def __repr__(self) -> str:
        return redact_numbers(msgspec.Struct.__repr__(self))
