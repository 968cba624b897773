"""Digits of every script as the digits 0-9."""

from unicodedata import decimal


def to_ascii_digits(text: str) -> str:
    """The text with every decimal digit written as 0-9.

    >>> to_ascii_digits("١٢٣")
    '123'
    """
    if text.isascii():
        return text
    return "".join(str(decimal(character, character)) for character in text)
