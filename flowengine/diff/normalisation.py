"""Texts in one spelling, so that only what they mean is compared."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flowengine.expr import ExprError
from flowengine.expr.interpolation import Interpolation, split_interpolations

CEL_TOKEN = re.compile(
    r"""//[^\n]*
    | [rR]?(?:'''.*?'''|\"\"\".*?\"\"\") | [rR](?:"[^"\n]*"|'[^'\n]*') | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | [A-Za-z_]\w* | [0-9][\w.]* | [=!<>]= | && | \|\| | \S""",
    re.VERBOSE | re.DOTALL,
)
OPERAND_END = re.compile(r"""[\w)\]}"']\Z""")
WORD_OPERATORS = ("in",)
TOPIC_KINDS = {"vars": "variable", "hours": "calendar", "tables": "table", "secrets": "secret"}


def normalise_expression(text: str) -> str:
    """An expression without its author's spaces, comments and choice of quotes."""
    return "".join(space_tokens(split_expression(text)))


def split_expression(text: str) -> list[str]:
    """The tokens of an expression, without comments."""
    return [
        normalise_quotes(token[0])
        for token in CEL_TOKEN.finditer(text)
        if not token[0].startswith("//")
    ]


def space_tokens(tokens: list[str]) -> Iterator[str]:
    """The tokens with blanks where an author would put them: `vars.tries + 1 < max(-2, vars.limit)`."""
    is_after_operand = is_glued = False
    for place, token in enumerate(tokens):
        follows_directly = token in (".", ",", ")", "]", "}")
        opens_call = token in ("(", "[") and is_after_operand
        if place and not (is_glued or follows_directly or opens_call):
            yield " "
        yield token
        is_sign = token in ("!", "-") and not is_after_operand
        is_glued = is_sign or token in (".", "(", "[", "{")
        is_after_operand = bool(OPERAND_END.search(token)) and token not in WORD_OPERATORS


def normalise_quotes(token: str) -> str:
    plain = (
        len(token) > 1 and token[0] == token[-1] == "'" and not set(token[1:-1]) & {'"', "\\", "'"}
    )
    return f'"{token[1:-1]}"' if plain else token


def split_template(text: str) -> list[str | Interpolation]:
    """A template taken apart; one that is not well formed is a text like any other."""
    try:
        return split_interpolations(text)
    except ExprError:
        return [text]


def normalise_template(text: str) -> str:
    return "".join(
        f"${{{normalise_expression(piece.text)}}}"
        if isinstance(piece, Interpolation)
        else piece.replace("${", "$${")
        for piece in split_template(text)
    )


def normalise_speech(text: str) -> str:
    """Words as they are heard: how lines are broken in the file is not."""
    return " ".join(normalise_template(text).split())


def find_topics(text: str) -> frozenset[str]:
    """What an expression draws on, as topics such as `calendar support` or `variable tier`."""
    tokens = split_expression(text)
    return frozenset(
        "zone" if base == "now" else f"{TOPIC_KINDS[base]} {name}"
        for before, base, point, name in zip(
            ["", *tokens], tokens, tokens[1:], tokens[2:], strict=False
        )
        if before != "." == point and (base == "now" or base in TOPIC_KINDS)
    )


def find_template_topics(text: str) -> frozenset[str]:
    """What a template draws on."""
    return frozenset().union(
        *(
            find_topics(piece.text)
            for piece in split_template(text)
            if isinstance(piece, Interpolation)
        )
    )


def format_scalar(value: Any) -> str:
    """A value as it would be sent: 1 and 1.0 are one number, but "1" is a text."""
    if isinstance(value, str):
        return json.dumps(normalise_template(value), ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def format_values(values: dict[str, Any]) -> str:
    """Several values as one text."""
    return json.dumps(values, sort_keys=True)
