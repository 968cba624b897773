"""The form of headers: of calls, which the platform hands to a SIP or app leg, and of requests."""

import re
from collections.abc import Iterable
from typing import Final

_SIP_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_token(name: str) -> bool:
    """Whether a header can have this name: that of a request, by RFC 9110, or of a call."""
    return _SIP_TOKEN.fullmatch(name) is not None


def find_header_name_fault(name: str) -> str:
    """Why no header can have this name, or nothing."""
    if not name:
        return "a header has a name"
    if not is_token(name):
        return "the name of a header has letters, digits and signs such as - and _ only"
    return ""


def find_header_value_fault(value: str) -> str:
    """Why no header can have this value, or nothing."""
    return "" if value.isprintable() else "the value of a header is one line of printable text"


def find_repeated_header(names: Iterable[str]) -> str:
    """A name that another one repeats: case does not tell headers apart. Nothing where none does."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return ""


def count_header_bytes(headers: Iterable[tuple[str, str]]) -> int:
    """What headers take of the platform's allowance: names and values in UTF-8."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in headers)
