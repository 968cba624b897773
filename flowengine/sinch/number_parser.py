"""The many spellings of one phone number: digits alone, with a plus, formatted, inside `Name
<...>`, or withheld.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class ParsedNumber(NamedTuple):
    """`e164` is "+" and digits, or nothing for what is no phone number (an app user, a short code,
    a withheld number)
    """

    e164: str
    private: bool


_PLAIN_NUMBER = re.compile(r"\+?([1-9][0-9]{5,15})")
_NAME_ADDR = re.compile(r"<([^<>]*)>\s*$")
_SCHEME = re.compile(r"^(?:tel|sips?):", re.IGNORECASE)
_FORMATTING = re.compile(r"\(0\)|[\s().\-/]")
_NO_NUMBER = frozenset(
    {"", "private", "anonymous", "unknown", "unavailable", "restricted", "withheld"}
)


@lru_cache(
    maxsize=4096
    # each number comes with several callbacks of a call, and numbers that are called come with
    # every call
)
def parse_number(text: str) -> ParsedNumber:
    """The number behind a `cli`, `from` or `to.endpoint`"""
    # the usual spellings, without the work below
    if plain := _PLAIN_NUMBER.fullmatch(text):
        return ParsedNumber(f"+{plain[1]}", private=False)
    bare = _strip_number(text)
    if bare.lower() in _NO_NUMBER:
        return ParsedNumber("", private=True)
    plain = _PLAIN_NUMBER.fullmatch(_FORMATTING.sub("", bare).removeprefix("00"))
    return ParsedNumber(f"+{plain[1]}" if plain else "", private=False)


def _strip_number(text: str) -> str:
    named = _NAME_ADDR.search(text)
    # a SIP address may hold a number: sip:+46…@host
    user = _SCHEME.sub("", (named[1] if named else text).strip()).partition("@")[0]
    # tel:+46…;verstat=… tells more of the number; without + the context is a part of it (RFC 3966)
    return user.partition(";")[0] if user.startswith("+") else user
