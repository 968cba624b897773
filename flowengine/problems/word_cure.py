"""Cures that are edits: another word in the place of a mistyped one."""

import re
from typing import Final, NamedTuple

_SUGGESTION: Final = re.compile(r'^did you mean "([^"…]+)"\?$', re.MULTILINE)
_ONE_WORD: Final = re.compile(r"[\w.+#*-]+")
_QUOTE_SIGNS: Final = "\"'"


class WordCure(NamedTuple):
    """The characters that are replaced, and the new ones."""

    start: int
    end: int
    text: str


def find_word_cure(hint: str, text: str, start: int, end: int) -> WordCure | None:
    """The edit that a problem at these offsets suggests. None where it suggests no other word, or
    where more than one word stands there.
    """
    suggested = _SUGGESTION.search(hint)
    if not suggested:
        return None
    written = text[start:end]
    if not _ONE_WORD.fullmatch(written.strip(_QUOTE_SIGNS)):
        return None
    quote = written[0] if written[0] in _QUOTE_SIGNS else ""
    return WordCure(start, end, f"{quote}{suggested[1]}{quote}")
