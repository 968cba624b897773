"""Lets expressions walk through maps in alphabetical order of their keys.

CEL goes through the keys of a map in an order of its own, another one in each process, so
`body.regions.map(k, k)[0]` would be a matter of chance. `map` and `filter` make lists, where order
counts; what they are called on passes through `sort_keys` first.
"""

import re
from typing import Any, Final

SORT_KEYS_FUNCTION: Final = "sort_keys"
_LIST_LOOP: Final = re.compile(r"\.\s*(?:map|filter)\s*\(")
TOKENS: Final = re.compile(
    r"""[rRbB]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\")
    | [rR][bB]?"[^"\n]*" | [rR][bB]?'[^'\n]*' | [bB]?"(?:\\.|[^"\\\n])*" | [bB]?'(?:\\.|[^'\\\n])*'
    | //[^\n]* | \.\s*[A-Za-z_]\w* | [A-Za-z_]\w* | \d[\w.]* | \.\d\w* | [()\[\]{}] | \S""",
    re.VERBOSE | re.DOTALL,
)
_OPERAND: Final = re.compile(r"[\w.\"']")


def sort_keys(value: Any) -> Any:
    """The sorted keys of a map, or a list as it is.

    >>> sort_keys({"b": 1, "a": 2})
    ['a', 'b']
    """
    if isinstance(value, dict):
        return sorted(value, key=lambda key: (str(type(key)), key))
    return value


def order_maps(text: str) -> str:
    """The expression with `sort_keys` around whatever `map` and `filter` are called on; it must be
    one that compiles.

    >>> order_maps("size(body.regions.map(k, k))")
    'size(sort_keys(body.regions).map(k, k))'
    """
    # most expressions have no loop
    if not _LIST_LOOP.search(text):
        return text
    inserts: list[tuple[int, str]] = []
    starts: list[int] = []  # where the operand began that each open bracket belongs to
    start, follows = 0, False  # of the operand that is being read; whether one has been read
    for token in TOKENS.finditer(text):
        sign = token[0]
        if sign.startswith("//"):
            continue
        if sign in "([{":
            start = start if follows else token.start()
            starts.append(start)
            follows = False
        elif sign in ")]}":
            start, follows = starts.pop(), True
        elif sign.startswith(".") and follows:
            if _LIST_LOOP.match(text, token.start()):
                inserts += [(start, f"{SORT_KEYS_FUNCTION}("), (token.start(), ")")]
        elif sign == "in" or not _OPERAND.match(sign):
            follows = False
        else:
            start, follows = token.start(), True
    return _insert_texts(text, inserts)


def _insert_texts(text: str, inserts: list[tuple[int, str]]) -> str:
    pieces, done = [], 0
    # sorted is stable: inserts at one place stay in their order
    for place, insert in sorted(inserts, key=lambda one: one[0]):
        pieces += [text[done:place], insert]
        done = place
    return "".join([*pieces, text[done:]])
