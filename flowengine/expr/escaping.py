"""Escapes values for where they go: a caller's name must not become an instruction, a tag or
another address.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from flowengine.expr.types import EvalError

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_SPEECH: Final = str.maketrans({"[": "(", "]": ")", ";": ","})
_UNSAFE_ADDRESS: Final = re.compile(r"[&;\[\]<>\"'\s\x00-\x1f\x7f-\x9f]")
# No entities: `&` and `;` themselves have a meaning in a list of prompts.
_SSML: Final = str.maketrans(
    {"[": "(", "]": ")", ";": ",", "&": " and ", "<": " ", ">": " ", '"': " ", "'": "\u2019"}
)


def escape_for_speech(text: str) -> str:
    return _CONTROLS.sub(" ", text.translate(_SPEECH))


def escape_for_ssml(text: str) -> str:
    return _CONTROLS.sub(" ", text.translate(_SSML))


def escape_for_url(text: str) -> str:
    """Escape one piece of a path or query. `.` and `..` would change the address however they are
    written.
    """
    if text in {".", ".."}:
        raise EvalError(f'"{text}" cannot be a part of an address')
    return quote(text, safe="", errors="replace")  # half of a surrogate pair has no UTF-8


def escape_for_path(text: str, name: str = "a value") -> str:
    """Escape one piece of a path. Raises EvalError for an empty one, which would name something
    else: `/customers/` is all customers.
    """
    if not text:
        raise EvalError(f"{name} is empty, so the path would be another one")
    return escape_for_url(text)


def escape_for_attribute(text: str) -> str:
    """Escape a value inside a tag. An address must reach the platform unchanged; words may change a
    little.
    """
    if "://" not in text:
        return escape_for_ssml(text)
    # a changed address would play another file, or nothing
    if _UNSAFE_ADDRESS.search(text):
        raise EvalError("an address in markup has a character that the prompt cannot hold")
    return text


ESCAPE_BY_MODE: Final[dict[str, Callable[[str], str]]] = {"speech": escape_for_speech}
