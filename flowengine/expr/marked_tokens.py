"""How far the characters reach that an error of an expression is about."""

import re
from typing import Final

_MARKED_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*)
    |\d+(?:\.\d+)?
    |\$\{
    |[=!<>&|]+""",
    re.VERBOSE | re.DOTALL,
)
_CALLED: Final = re.compile(r"\s*\(")
_LAST_PART: Final = re.compile(r"\s*\.\s*\w+\Z")


def measure_token(text: str, offset: int) -> int:
    """How many characters the name, text, number or operator has that begins at this offset; 1 for
    anything else. Of `vars.name.contains(…)` that is `vars.name`, as the rest is a method of it; of
    `tables.floors.phone(…)` all of it.
    """
    found = _MARKED_TOKEN.match(text, offset)
    if not found:
        return 1
    name = found["name"]
    if name and _CALLED.match(text, found.end()) and not name.startswith("tables."):
        name = _LAST_PART.sub("", name)
    return len(name or found[0])
