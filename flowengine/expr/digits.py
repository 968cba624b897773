"""Digits of every script mean the same number: speech recognition and people's records have their
own.
"""

import unicodedata
from typing import Final

_DECIMAL: Final = "Nd"  # the category of what stands for 0 to 9: neither ² nor ½ nor Ⅳ


def western_digits(text: str) -> str:
    """The text with digits of every script as 0-9, and all else as it is.

    >>> western_digits("١٢٣ ²")
    '123 ²'
    """
    return text if text.isascii() else "".join(map(_western, text))


def _western(character: str) -> str:
    if unicodedata.category(character) == _DECIMAL:
        return str(unicodedata.decimal(character))
    return character
