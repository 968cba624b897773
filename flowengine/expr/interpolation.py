"""Finding `${…}` in a text. Quotes and brackets inside an expression do not end it."""

import re
from typing import Final

import msgspec

from flowengine.expr.types import ExprError

_OPENING: Final = re.compile(r"\$\$\{|\$\{")
_FOREIGN_BRACES: Final = re.compile(
    r"\{\{[^{}]*\}\}|\{\s*(?:vars|call|event|now|hours|tables|secrets)\.[^{}]*\}"
)  # of other languages
# Inside: a whole text in quotes (raw ones have no codes), a bracket, or the start of a text that
# never ends.
_EXPRESSION_TOKEN: Final = re.compile(
    r"""[rR]('''|\"\"\").*?\1 | [rR]"[^"\n]*" | [rR]'[^'\n]*'
    | ('''|\"\"\")(?:\\.|(?!\2).)*\2 | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | [{}"'] | [A-Za-z_]\w*""",
    re.VERBOSE | re.DOTALL,
)


class Interpolation(msgspec.Struct, frozen=True):
    """The expression between `${` and `}`; `start` is where it begins in the whole text."""

    text: str
    start: int


def split_interpolations(text: str) -> list[str | Interpolation]:
    pieces: list[str | Interpolation] = []
    at, literal = 0, ""
    while found := _OPENING.search(text, at):
        literal += _check_literal(text, at, found.start())
        if found[0] == "$${":
            literal, at = literal + "${", found.end()
            continue
        end = _find_end(text, found.start())
        pieces += [literal, Interpolation(text[found.end() : end], found.end())]
        literal, at = "", end + 1
    pieces.append(literal + _check_literal(text, at, len(text)))
    return [piece for piece in pieces if piece]


def find_whole_expression(text: str) -> str | None:
    """The inside of a text that is one `${…}` and nothing else: its value keeps its type."""
    if not text.startswith("${") or not text.endswith("}"):
        return None
    try:
        return text[2:-1] if _find_end(text, 0) == len(text) - 1 else None
    except ExprError:
        return None


def _check_literal(text: str, start: int, end: int) -> str:
    found = _FOREIGN_BRACES.search(text, start, end)
    if found:
        signs = "{{ }}" if found[0].startswith("{{") else "{ } without $"
        raise ExprError(
            f"{signs} means nothing here",
            found.start(),
            f"write ${{{found[0].strip('{ }')}}}",
            "FE306",
            len(found[0]),
        )
    return text[start:end]


def _find_end(text: str, opened: int) -> int:
    """Where the `}` of the `${` at `opened` is."""
    depth = 0
    for token in _EXPRESSION_TOKEN.finditer(text, opened + 1):
        if token[0] in {'"', "'"}:
            raise ExprError(
                "the text that starts here has no closing quote",
                token.start(),
                f"end it with {token[0]}",
                "FE307",
            )
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[0] == "}":
            if not text[opened + 2 : token.start()].strip():
                raise ExprError(
                    "there is nothing between ${ and }",
                    opened,
                    "write a name, such as ${vars.name}",
                )
            return token.start()
    raise ExprError(
        "this ${ has no closing }",
        opened,
        "write $${ to mean the characters ${ themselves",
        "FE307",
    )
