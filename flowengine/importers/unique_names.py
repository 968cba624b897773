"""Names of the language made from names of other systems."""

import re
from collections.abc import Iterable
from typing import Final

MAX_MADE_NAME_LENGTH: Final = 36
# a menu is named after its flow and its state, and the platform takes 64 characters
MAX_FLOW_NAME_LENGTH: Final = 24
# words that the expression language keeps to itself
_RESERVED: Final = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import"),
        *("in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void"),
        *("while", "repeat", "back"),
    )
)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME_CHARACTERS: Final = re.compile(r"[^a-z0-9]+")


def get_file_stem(file: str) -> str:
    r"""The name of a file without its folder and its ending, on whichever system it was written.

    >>> get_file_stem("flows/main.line.json"), get_file_stem("C:\\\\main.vxml")
    ('main.line', 'main')
    """
    return file.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]


def to_name(text: str, separator: str = "_", length: int = MAX_MADE_NAME_LENGTH) -> str:
    """The words of a text in small letters; nothing where it has none of a-z."""
    words = _HUMP.sub(" ", text[:200])
    name = _NO_NAME_CHARACTERS.sub(separator, words.lower()).strip(separator or None)
    if name and not name[0].isalpha():
        name = f"n{separator}{name}"
    if name in _RESERVED:
        name = f"{name}{separator}value"
    return name[:length].strip(separator) if separator else name


class UniqueNames:
    """One name for each thing, and no name twice."""

    def __init__(
        self, separator: str = "_", length: int = MAX_MADE_NAME_LENGTH, taken: Iterable[str] = ()
    ) -> None:
        self._separator = separator
        self._length = length
        self._taken = set(taken)
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def get_name(self, key: str, wanted: str = "", fallback: str = "unnamed") -> str:
        """The name of the thing `key`, made from `wanted` at the first time."""
        if key not in self._names:
            name = to_name(wanted or key, self._separator, self._length)
            self._names[key] = self._find_free(name or fallback)
        return self._names[key]

    def _find_free(self, name: str) -> str:
        candidate, number = name, self._numbers.get(name, 1)
        while candidate in self._taken:
            number += 1
            ending = f"{self._separator}{number}"
            candidate = name[: self._length - len(ending)] + ending
        self._numbers[name] = number
        self._taken.add(candidate)
        return candidate
