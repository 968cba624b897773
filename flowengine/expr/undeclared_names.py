"""A name or a function that an expression does not know: what is meant instead, or where it may
stand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from flowengine.expr.foreign_syntax import (
    FOREIGN_FUNCTIONS,
    FOREIGN_METHODS,
    FOREIGN_NAMES,
    FOREIGN_SYNTAX,
)
from flowengine.expr.functions import FUNCTIONS
from flowengine.expr.types import ExprError
from flowengine.problems import find_nearest, join_with_or, quote_value, suggest_name

# What CEL and its strings extension bring along; ours come from the registry.
_CEL_METHODS: Final[Sequence[str]] = (
    "contains", "startsWith", "endsWith", "matches", "size", "charAt", "indexOf", "lastIndexOf",
    "lowerAscii", "upperAscii", "replace", "split", "substring", "join", "trim", "reverse",
    "format", "map", "filter", "all", "exists", "exists_one",
)  # fmt: skip
_QUEUE_NAMES: Final = {
    "queue.position": "it is known in what is said in wait: of a queue alone",
    "queue.wait": "write it in wait: {estimate: …} of a queue, which is said where somebody knows it",
}
_CEL_FUNCTIONS: Final = ("size", "has", "string", "int", "double", "matches", "type", "dyn")
_ANSWER_PLACE: Final = "the answer of a lookup is known in its into: alone: keep what you need of it in a variable there"
# what exists, but in some places only, by the first part of its name
_PLACES: Final = {
    "secrets": "secrets may stand in headers of services and lookups, and in credentials: of a "
    "recording, and nowhere else",
    "body": _ANSWER_PLACE,
    "status": _ANSWER_PLACE,
}


class DeclaredNames:
    def __init__(self, names: Iterable[str], functions: Iterable[str]) -> None:
        self.names = sorted(names)
        self.functions = sorted({*functions, *FUNCTIONS, *_CEL_FUNCTIONS})


def explain_undeclared(
    parts: Sequence[str], text: str, offset: int, known: DeclaredNames
) -> ExprError:
    start = find_name_start(text, offset, parts[0])
    whole = _read_dotted_name(text, start)
    called = text[start + len(whole) :].lstrip().startswith("(")
    name = re.sub(r"\s", "", whole) or parts[0]
    if called and (name == parts[0] or name.startswith("tables.")):
        return _explain_unknown_function(name, text, start, known)
    if name in _QUEUE_NAMES:
        return ExprError(f"there is no {name} here", start, _QUEUE_NAMES[name], "FE301")
    group = name.partition(".")[0]
    if group in _PLACES and not any(one.partition(".")[0] == group for one in known.names):
        return ExprError(f"{name} may not stand here", start, _PLACES[group], "FE301")
    return _explain_unknown_name(parts[0], start, known, alone=name == text.strip())


def _explain_unknown_name(name: str, start: int, known: DeclaredNames, *, alone: bool) -> ExprError:
    if name in FOREIGN_SYNTAX:
        return ExprError(f"{name} is no name here", start, FOREIGN_SYNTAX[name], "FE301")
    if name in known.functions:
        return ExprError(
            f"{name} is a function and needs ( )", start, format_example(name), "FE301"
        )
    inside = [one for one in known.names if one.startswith(f"{name}.")]
    if inside:
        return ExprError(
            f"{name} is a group of names, not a value",
            start,
            f"name one of them: {join_with_or(inside[:6])}",
            "FE301",
        )
    if (meant := FOREIGN_NAMES.get(name)) in known.names:
        return ExprError(f"there is no {name}", start, f'did you mean "{meant}"?', "FE301")
    if columns := [one for one in known.functions if one.startswith(f"{name}.")]:
        column = next((one for one in columns if not one.endswith(".has")), columns[0])
        cure = f"a cell is read by its column and the key of its row: {column}(…)"
        return ExprError(f"{name} is a table, not a value", start, cure, "FE301")
    part = (
        alone
        and "body" in known.names
        and "." not in name
        and not find_nearest(name, ("body", "status"))
    )  # of an answer
    hint = (
        f'did you mean "body.{name}"?'
        if part
        else _suggest_opposite(name, known.names) or _suggest_name(name, known.names)
    )
    return ExprError(f"there is no {quote_value(name)}", start, hint, "FE301")


def _suggest_opposite(name: str, names: Sequence[str]) -> str:
    """`hours.support.closed` means the opposite of the name that there is."""
    opposite = re.sub(r"\A(hours\.\w+)\.(?:closed|is_closed|shut)\Z", r"\1.open", name)
    return f"write !{opposite}" if opposite != name and opposite in names else ""


def _suggest_name(name: str, names: Sequence[str]) -> str:
    group = name.rpartition(".")[0]
    near = suggest_name(
        name, [one for one in names if one.rpartition(".")[0] == group] if group else []
    ) or suggest_name(name, names)
    tails = [one for one in names if one.rpartition(".")[2] == name]
    if tails:
        return f"did you mean {quote_value(tails[0])}?"
    return near or ("" if "." in name else f'if it is a text, write it in quotes: "{name}"')


def _explain_unknown_function(name: str, text: str, start: int, known: DeclaredNames) -> ExprError:
    before = text[:start].rstrip().endswith(".")
    if before and name in FUNCTIONS:
        return ExprError(
            f"{name} takes its values between the brackets", start, format_example(name), "FE309"
        )
    if name in FUNCTIONS or name in known.functions or (before and name in _CEL_METHODS):
        return ExprError(
            f"{name} is given the wrong number of values", start, format_example(name), "FE309"
        )
    if name in {"length", "lenght", "len", "count"}:
        return ExprError(
            f"there is no function {quote_value(name)}", start, "write size(…)", "FE305"
        )
    if name.startswith("tables."):
        return _explain_unknown_table(name, start, known)
    if (meant := FOREIGN_FUNCTIONS.get(name.lower(), "")) and not before:
        message = f"there is no function {quote_value(name)}"
        cure = f"use {meant}(…), for example {FUNCTIONS[meant].example}"
        return ExprError(message, start, cure, "FE305")
    near = suggest_name(name, _CEL_METHODS if before else known.functions)
    return ExprError(
        f"there is no function {quote_value(name)}",
        start,
        near or _suggest_method(name, before),
        "FE305",
    )


def _explain_unknown_table(name: str, start: int, known: DeclaredNames) -> ExprError:
    """A column of a table, where the table or the column does not exist."""
    _, table, *column = name.split(".")
    columns = [one.split(".")[2] for one in known.functions if one.startswith(f"tables.{table}.")]
    tables = dict.fromkeys(one.split(".")[1] for one in known.functions if "tables." in one)
    if not columns:
        near = find_nearest(table, tables)
        cure = (
            f"did you mean {quote_value('.'.join(['tables', near, *column]))}?"
            if near
            else "a table is a file below tables/, or stands under tables: of the project"
        )
        return ExprError(f"there is no table {quote_value(table)}", start, cure, "FE305")
    near = find_nearest(".".join(column), columns)
    cure = (
        f"did you mean {quote_value(f'tables.{table}.{near}')}?"
        if near
        else f"it has {join_with_or(one for one in columns if one != 'has')}"
    )
    message = f"the table {table} has no column {quote_value('.'.join(column))}"
    return ExprError(message, start, cure, "FE305")


def _suggest_method(name: str, before: bool) -> str:
    if name.lower() in FOREIGN_METHODS:
        return FOREIGN_METHODS[name.lower()]
    if before or name not in _CEL_METHODS:
        near = find_nearest(name, FUNCTIONS)
        return format_example(near) if near else ""
    return f"write it after the value: value.{name}(…)"


def find_name_start(text: str, offset: int, name: str) -> int:
    """Where the name starts. CEL points at its last dot or the opening bracket."""
    tail = re.search(
        re.escape(name.rpartition(".")[0] or name).replace(r"\.", r"\s*\.\s*") + r"\s*\Z",
        text[:offset],
    )
    if tail:
        return tail.start()
    blank = re.search(re.escape(name) + r"\s*\Z", text[:offset])
    return blank.start() if blank else offset


def _read_dotted_name(text: str, start: int) -> str:
    found = re.compile(r"\w+(\s*\.\s*\w+)*").match(text, start)
    return found[0] if found else ""


def format_example(name: str) -> str:
    known: Mapping[str, str] = {
        one.name: f"it is {one.signature}, for example {one.example}" for one in FUNCTIONS.values()
    }
    return known.get(name, "")
