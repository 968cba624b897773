"""Digits that nobody is to read: of a phone number, all but the last."""

from typing import Final

CLEAR_DIGITS: Final = 2  # digits of a number that stay, enough to tell two callers apart
DIGIT_MASK: Final = str.maketrans("0123456789", "*" * 10)


def mask_digits(number: str) -> str:
    """A number in which the last digits alone can be read.

    >>> mask_digits("+46 73 017 01 01")
    '+** ** *** ** 01'
    """
    return number[:-CLEAR_DIGITS].translate(DIGIT_MASK) + number[-CLEAR_DIGITS:]
