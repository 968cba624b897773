"""The many spellings of one phone number: digits alone, with a plus, formatted, inside `Name
<...>`, or withheld.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Number(NamedTuple):
    """`e164` is "+" and digits, or nothing for what is no phone number (an app user, a short code,
    a withheld number)
    """

    e164: str
    private: bool


_PLAIN = re.compile(r"\+?([1-9][0-9]{5,15})")
_NAMED = re.compile(r"<([^<>]*)>\s*$")
_FORMAT = re.compile(r"\(0\)|[\s().\-/]")
_WITHHELD = frozenset(
    {"", "private", "anonymous", "unknown", "unavailable", "restricted", "withheld"}
)


@lru_cache(
    maxsize=4096
    # each number comes with several callbacks of a call, and numbers that are called come with
    # every call
)
def normalise(text: str) -> Number:
    """The number behind a `cli`, `from` or `to.endpoint`"""
    if plain := _PLAIN.fullmatch(text):
        return Number(f"+{plain[1]}", private=False)
    bare = _bare(text)
    if bare.lower() in _WITHHELD:
        return Number("", private=True)
    plain = _PLAIN.fullmatch(_FORMAT.sub("", bare).removeprefix("00"))
    return Number(f"+{plain[1]}" if plain else "", private=False)


def _bare(text: str) -> str:
    named = _NAMED.search(text)
    address = (named[1] if named else text).strip()
    for scheme in ("tel:", "sip:", "sips:"):
        address = address.removeprefix(scheme)
    return address.partition("@")[0]
