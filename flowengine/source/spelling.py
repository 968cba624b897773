"""Characters that look like those of YAML and are none: spaces, and quotes of word processors."""

import re
from typing import Final

from flowengine.problems import in_cure

SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SPACE: Final = re.compile(f"[{SPACES}]")
_QUOTES: Final = "[\u2018-\u201f\u00ab\u00bb]"
_SMART_QUOTED: Final = re.compile(f"^{_QUOTES}(.*?){_QUOTES}?$", re.DOTALL)
_CRAMPED: Final = re.compile(r"^([a-z_]+):([^ ].*)$", re.DOTALL)


def describe_spelling(text: str, *, may_lack_space: bool = True) -> str:
    """How to write a key or value that begins with such a character, or lacks a space behind a
    colon; else nothing.
    """
    if (found := _CRAMPED.match(text)) and _SPACE.match(found[2]):
        return f"{name_space(found[2][0])} follows the colon: write an ordinary space"
    if found and may_lack_space and not found[2].startswith("//"):
        return f"put a space after the colon: {found[1]}: {in_cure(found[2])}"
    if text and _SPACE.match(text.strip(" ")[:1]):
        return f"it begins with {name_space(text.strip(' ')[0])}: write an ordinary space"
    if found := _SMART_QUOTED.match(text):
        return f'{text[0]} is no quote to YAML: write straight quotes, "{in_cure(found[1])}"'
    return ""


def name_space(character: str) -> str:
    """A space that is none to YAML, as a message names it."""
    kind = "a no-break space" if character in "\u00a0\u202f" else "a special space"
    return f"{kind} (U+{ord(character):04X})"
