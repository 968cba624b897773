"""The texts that an expression compares a name with."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

_COMPARED_TEXT: Final = r"""(?:"[^"\\]*"|'[^'\\]*')"""
_ONE_TEXT: Final = re.compile(_COMPARED_TEXT)


def find_compared_texts(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The offset of the quote, and the text, of each comparison: `name == "a"`, `"a" != name`, and
    each of `name in ["a", "b"]`.
    """
    for found in _build_comparison(name).finditer(text):
        for side in found.re.groupindex:
            if found[side]:
                for one in _ONE_TEXT.finditer(found[side]):
                    yield found.start(side) + one.start(), one[0][1:-1]


@cache
def _build_comparison(name: str) -> re.Pattern[str]:
    read = rf"(?<![\w.]){re.escape(name)}(?![\w.])".replace(r"\.", r"\s*\.\s*")
    return re.compile(
        rf"{read}\s*[=!]=\s*(?P<right>{_COMPARED_TEXT})|(?P<left>{_COMPARED_TEXT})\s*[=!]=\s*{read}"
        rf"|{read}\s+in\s*\[(?P<list>\s*{_COMPARED_TEXT}(?:\s*,\s*{_COMPARED_TEXT})*\s*,?\s*)\]"
    )
