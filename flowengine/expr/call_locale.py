"""Gives functions that speak the locale of the call where an expression names none."""

import re
from typing import Final

from flowengine.expr.functions import FUNCTIONS

CALL_LOCALE: Final = "call.locale"
_ARGUMENT_COUNTS: Final = {
    name: one.signature.count(": ") - 1
    for name, one in FUNCTIONS.items()
    if ", locale: text" in one.signature
}
"""How many arguments such a function has when the locale is left out"""
_LOCALE_FUNCTION: Final = re.compile(rf"\b(?:{'|'.join(_ARGUMENT_COUNTS)})\s*\(")
_TOKENS: Final = re.compile(
    r"""[rR]?(?:'''.*?'''|\"\"\".*?\"\"\") | [rR]"[^"\n]*" | [rR]'[^'\n]*' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | //[^\n]* | \.?[A-Za-z_]\w* | [()\[\]{},]""",
    re.VERBOSE | re.DOTALL,
)


def add_call_locale(text: str) -> str:
    """The expression with the locale of the call as an argument where the author gave none. The
    expression must compile.
    """
    if not _LOCALE_FUNCTION.search(text):
        return text
    pieces: list[str] = []
    opened: list[
        tuple[str, int]
    ] = []  # what each open bracket belongs to, and the arguments so far
    before, done = "", 0
    for token in _TOKENS.finditer(text):
        sign = token[0]
        if sign in "([{":
            opened.append((before if sign == "(" else "", 1))
        elif sign == "," and opened:
            opened[-1] = (opened[-1][0], opened[-1][1] + 1)
        elif sign in ")]}" and opened:
            name, count = opened.pop()
            if _ARGUMENT_COUNTS.get(name) == count:
                pieces += [text[done : token.start()], f", {CALL_LOCALE}"]
                done = token.start()
        before = sign
    return "".join([*pieces, text[done:]])
