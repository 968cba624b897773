"""The names of types and operators, from CEL's to those of authors."""

import re
from collections.abc import Sequence
from typing import Final

_CEL_TYPE_NAMES: Final = {
    **dict.fromkeys(("int", "uint", "int64", "uint64"), "integer"),
    "double": "decimal",
    "string": "text",
    "bool": "boolean",
    "dyn": "any value",
    "null": "nothing",
    "null_type": "nothing",
    "map": "group of values",
    "bytes": "bytes",
    "google.protobuf.Timestamp": "point in time",
    "timestamp": "point in time",
    "duration": "duration",
}

OPERATOR_SIGNS: Final = {
    f"_{sign}_": sign
    for sign in ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||")
} | {
    "!_": "!",
    "-_": "-",
    "_?_:_": "? :",
    "@in": "in",
    "_[_]": "[ ]",
}


def parse_types(given: str) -> list[str]:
    return [
        translate_type(one)
        for one in re.findall(r"\w[\w.]*(?:\((?:[^()]|\([^()]*\))*\))?|\*error\*", given)
    ] or ["value"]


def translate_type(word: str) -> str:
    return (
        "list"
        if word.startswith("list(")
        else "group of values"
        if word.startswith("map(")
        else _CEL_TYPE_NAMES.get(word, word)
    )


def format_type(result: str) -> str:
    """The author's name for a type of CEL."""
    return add_article(
        _CEL_TYPE_NAMES.get(
            result.lower(),
            "list"
            if result.startswith("LIST")
            else "group of values"
            if result.startswith("MAP")
            else result.lower(),
        )
    )


def format_types(kinds: Sequence[str]) -> str:
    return " and ".join(add_article(kind) for kind in kinds)


def add_article(kind: str) -> str:
    return (
        kind
        if kind in {"nothing", "any value", "bytes"}
        else f"an {kind}"
        if kind[0] in "aeiou"
        else f"a {kind}"
    )
