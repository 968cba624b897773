"""Made-up texts for variables, such that a reader sees which is which."""

import re
from typing import Final

from flowengine.states import Variable

# by a word in the name of the variable; the first that fits counts
_TEXTS: Final = tuple(
    (re.compile(rf"(?:\A|_)(?:{words})(?:\Z|_)"), text)
    for words, text in (
        ("e?mail", "ann@example.com"),
        ("phone|mobile|cell|telephone|number", "+14045550123"),
        ("url|link|audio|recording|file", "https://example.com/sample.mp3"),
        ("(?:[a-z]+_)?name|customer|caller|agent|doctor", "Ann"),
        ("city|town", "Springfield"),
        ("street|address", "12 Main Street"),
    )
)


def choose_sample_text(variable: Variable) -> str:
    """What the variable begins with, else a text that suits its name, else `some` and its name."""
    if variable.default and not variable.secret:
        return str(variable.default)
    found = next((text for words, text in _TEXTS if words.search(variable.name)), "")
    return (found or f"some {variable.name.replace('_', ' ')}")[: variable.size]
