"""Texts in one spelling, so that only what they mean is compared."""

import json
import re
from typing import Any

from flowengine.expr import ExprError
from flowengine.expr.holes import Hole, split

TOKEN = re.compile(
    r"""//[^\n]*
    | [rR]?(?:'''.*?'''|\"\"\".*?\"\"\") | [rR](?:"[^"\n]*"|'[^'\n]*') | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | [A-Za-z_]\w* | [0-9][\w.]* | \S""",
    re.VERBOSE | re.DOTALL,
)
USED = re.compile(r"\b(vars|hours|tables|secrets|now) \. (\w+)")
TOPICS = {"vars": "variable", "hours": "calendar", "tables": "table", "secrets": "secret"}


def expression(text: str) -> str:
    """An expression without its author's spaces, comments and choice of quotes."""
    return " ".join(
        requoted(token[0]) for token in TOKEN.finditer(text) if not token[0].startswith("//")
    )


def requoted(token: str) -> str:
    plain = (
        len(token) > 1 and token[0] == token[-1] == "'" and not set(token[1:-1]) & {'"', "\\", "'"}
    )
    return f'"{token[1:-1]}"' if plain else token


def pieces(text: str) -> list[str | Hole]:
    """A template taken apart; one that is not well formed is a text like any other."""
    try:
        return split(text)
    except ExprError:
        return [text]


def template(text: str) -> str:
    return "".join(
        f"${{{expression(piece.text)}}}" if isinstance(piece, Hole) else piece.replace("${", "$${")
        for piece in pieces(text)
    )


def speech(text: str) -> str:
    """Words as they are heard: how lines are broken in the file is not."""
    return " ".join(template(text).split())


def used(text: str) -> frozenset[str]:
    """What an expression draws on, as topics such as `calendar support` or `variable tier`."""
    return frozenset(
        "zone" if base == "now" else f"{TOPICS[base]} {name}"
        for base, name in USED.findall(expression(text))
    )


def used_in(text: str) -> frozenset[str]:
    """What a template draws on."""
    return frozenset().union(
        *(used(piece.text) for piece in pieces(text) if isinstance(piece, Hole))
    )


def scalar(value: Any) -> str:
    """A value as it would be sent: 1 and 1.0 are one number, but "1" is a text."""
    if isinstance(value, str):
        return json.dumps(template(value), ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def scalar_of(values: dict[str, Any]) -> str:
    """Several values as one text."""
    return json.dumps(values, sort_keys=True)
