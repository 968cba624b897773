"""CEL's errors in the words of people who write flows: what is wrong, where it starts, what to
write instead.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flowengine.expr.cel import CelCompileError
from flowengine.expr.foreign_syntax import FOREIGN_SYNTAX
from flowengine.expr.type_names import (
    OPERATOR_SIGNS,
    add_article,
    format_types,
    parse_types,
)
from flowengine.expr.types import ExprError
from flowengine.expr.undeclared_names import (
    DeclaredNames,
    explain_undeclared,
    find_name_start,
    format_example,
)
from flowengine.problems import quote_value

_ORDERING_OPERATORS: Final = ("_<_", "_<=_", "_>_", "_>=_")
_LIST_HINT: Final = "only a list has items, such as body.orders of an answer"


def translate_cel_error(
    refused: CelCompileError, text: str, names: Iterable[str], functions: Iterable[str]
) -> ExprError:
    """The first of CEL's errors in our words; later errors mostly follow from it."""
    message, line, column = refused.faults[0]
    offset = _to_offset(text, line, column)
    if "recursion" in message:
        return ExprError(
            "the expression is nested too deeply",
            0,
            "split it over several variables or states",
            "FE308",
        )
    for pattern, say in _RULES:
        found = re.match(pattern, message, re.DOTALL)
        if found:
            return say(found.groups(), text, offset, DeclaredNames(names, functions))
    return ExprError(f"this is no expression: {message}", offset)


_Explainer = Callable[[Sequence[str], str, int, DeclaredNames], ExprError]


def _to_offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    before = sum(len(one) + 1 for one in lines[: max(0, line - 1)])
    return min(before + max(0, column - 1), len(text))


def _explain_mismatch(
    parts: Sequence[str], text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    operator, given = parts[0], parse_types(parts[1])
    if operator not in OPERATOR_SIGNS:
        start = find_name_start(text, offset, operator)
        return ExprError(
            f"{operator} does not take {format_types(given)}",
            start,
            format_example(operator),
            "FE309",
        )
    sign = OPERATOR_SIGNS[operator]
    if operator == "_?_:_":
        return ExprError(
            "both answers of ? : must be of one type",
            offset,
            f"here they are {format_types(given[1:])}",
            "FE302",
        )
    return ExprError(
        f"{sign} does not work on {format_types(given)}",
        offset,
        _suggest_operand(operator, given, text, offset),
        "FE302",
    )


def _suggest_operand(operator: str, given: Sequence[str], text: str, offset: int) -> str:
    kinds = set(given)
    if {"integer", "decimal"} == kinds:
        number = _find_integer_operand(text, offset, before=given[0] == "integer") or "2"
        return f"write {number}.0 instead of {number}, or decimal(x), so that both are decimals"
    if operator == "_[_]":
        is_text = given[0] == "text"
        return "first(…, 1) is the first character of a text" if is_text else _LIST_HINT
    cures = (
        (
            operator in _ORDERING_OPERATORS and "boolean" in kinds,
            "a comparison has two sides: in_range(vars.n, 1, 5), or two of them with && in between",
        ),
        (
            "nothing" in kinds,
            'a value that is missing is an empty text, 0 or false: compare with ""',
        ),
        (
            "text" in kinds and operator == "_+_",
            "a text joins only texts: write text(x), or put ${…} into the text",
        ),
        (
            kinds == {"text"} and operator == "_-_",
            "days_between(start, end) is the number of days from one date to another",
        ),
        (
            "text" in kinds and bool(kinds & {"integer", "decimal"}),
            "put quotes around the number to compare texts, or write integer(x)",
        ),
        (
            operator in {"!_", "_&&_", "_||_"},
            'it takes conditions, such as vars.count > 3 or vars.name != ""',
        ),
    )
    return next((cure for holds, cure in cures if holds), "")


def _find_integer_operand(text: str, offset: int, *, before: bool) -> str:
    """The whole number in front of the sign at an offset, or behind it; nothing for another value."""
    pattern = r"(?<![\w.\]])(\d+)\s*$" if before else r"\W{1,2}?\s*(\d+)(?![\w.])"
    found = re.search(pattern, text[:offset]) if before else re.match(pattern, text[offset:])
    return found[1] if found else ""


def _explain_select(
    parts: Sequence[str], text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    is_clock = re.search(r"\bnow\s*\.\s*(?:time|date)\s*\Z", text[:offset])
    return ExprError(
        f"{add_article(parse_types(parts[0])[0])} has no parts to name after a point",
        offset,
        'compare the whole, such as now.time >= "12:00" and now.date < "2026-12-24"'
        if is_clock
        else "",
        "FE302",
    )


def _explain_range(
    parts: Sequence[str], _text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    kind = add_article(parse_types(parts[0])[0])
    return ExprError(f"{kind} has no items to go through", offset, _LIST_HINT, "FE302")


def _explain_unexpected_token(
    parts: Sequence[str], text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    found = parts[0]
    if found == "<EOF>":
        missing = re.fullmatch(r"'(\S)'", parts[1])
        return ExprError(
            "the expression ends too early",
            offset,
            f"a {missing[1]} is missing" if missing else _suggest_missing_part(parts[1]),
        )
    if re.fullmatch(r"\s*\+[0-9]{5,15}\s*", text):
        cure = f'a number is no condition; compare with it: call.from == "{text.strip()}"'
        return ExprError(
            "this is a phone number", _find_start(text), cure, "FE303", len(text.strip())
        )
    if clock := _find_clock_time(text, offset):
        cure = f'a time of day is a text in quotes: now.time > "{clock}"'
        return ExprError(f"{quote_value(found)} is not expected here", offset, cure)
    if re.fullmatch(r"\.[0-9]+", found):
        cure = f"an item of a list is written [{found[1:]}], the first one [0]"
        return ExprError(
            f"{quote_value(found)} is not expected here", offset, cure, length=len(found)
        )
    before = re.search(r"(\w+|[<>=!&|]+)\s*\Z", text[:offset])
    word = (
        found
        if found in FOREIGN_SYNTAX
        else (
            before[1] + found
            if before and before[1] + found in FOREIGN_SYNTAX
            else before[1]
            if before
            else ""
        )
    )
    return ExprError(
        f"{quote_value(found)} is not expected here",
        offset,
        FOREIGN_SYNTAX.get(word, _suggest_separator(text, found)),
    )


def _find_clock_time(text: str, offset: int) -> str:
    """The time of day without quotes around the colon at an offset; nothing for another sign."""
    found = re.search(r"(?<![\w.:])([0-9]{1,2})\Z", text[:offset])
    minutes = re.match(r":([0-9]{2})(?![\w.:])", text[offset:])
    return f"{int(found[1]):02}:{minutes[1]}" if found and minutes else ""


def _find_start(text: str) -> int:
    return len(text) - len(text.lstrip())


def _suggest_missing_part(expecting: str) -> str:
    return (
        "a ] is missing"
        if "']'" in expecting and "'['" not in expecting
        else "a } is missing"
        if expecting.startswith("{'}'")
        else "a value is missing"
    )


def _suggest_separator(text: str, found: str) -> str:
    if "'" in found or '"' in found or text.count("'") % 2 or text.count('"') % 2:
        return (
            "is a quote missing, or one inside a text? Write the text in the other kind of quotes"
        )
    return (
        "two values need an operator between them, such as == or &&"
        if re.match(r"\w", found)
        else ""
    )


def _explain_missing_token(
    parts: Sequence[str], _text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    if parts[1] == "<EOF>":
        return ExprError("the expression ends too early", offset, f"a {parts[0]} is missing")
    return ExprError(f"a {parts[0]} is missing before {quote_value(parts[1])}", offset)


def _explain_bad_token(
    parts: Sequence[str], text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    found = parts[0].strip()
    if found[:1] in {'"', "'"}:
        if "\\" in found:
            return ExprError(
                r"a \ in a text starts a code, and this one is not known",
                offset,
                r"write \\ for a \ itself, or r'…' for a pattern",
            )
        return ExprError(
            "the text that starts here has no closing quote", offset, f"end it with {found[0]}"
        )
    sign = _find_sign(text, offset) or found
    return ExprError(
        f"{quote_value(sign)} means nothing here", offset, FOREIGN_SYNTAX.get(sign, "")
    )


def _find_sign(text: str, offset: int) -> str:
    found = next(
        (
            match
            for match in re.finditer(r"[=!<>&|]+", text)
            if match.start() <= offset < match.end()
        ),
        None,
    )
    return found[0] if found else ""


def _explain_reserved_word(
    parts: Sequence[str], _text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    return ExprError(
        f"{parts[0]} is a reserved word",
        offset,
        FOREIGN_SYNTAX.get(parts[0], "choose another name"),
    )


def _explain_bad_escape(
    _parts: Sequence[str], _text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    return ExprError("this text has a \\ where none can be", offset, r"write \\ for a \ itself")


def _explain_big_number(
    _parts: Sequence[str], _text: str, offset: int, _known: DeclaredNames
) -> ExprError:
    return ExprError(
        "this number is too big",
        offset,
        "long rows of digits, such as card numbers, are texts: put them in quotes",
    )


_RULES: Final[Sequence[tuple[str, _Explainer]]] = (
    (r"undeclared reference to '(.+?)' \(in", explain_undeclared),
    (r"found no matching overload for '(.+?)' applied to '\((.*)\)'", _explain_mismatch),
    (r"expression of type '(.+?)' cannot be the operand of a select", _explain_select),
    (r"expression of type '(.+?)' cannot be the range of a comprehension", _explain_range),
    (r"reserved identifier: (\w+)", _explain_reserved_word),
    (r"invalid (?:u?int|double|float)", _explain_big_number),
    (r"(Invalid) (?:string|bytes) literal", _explain_bad_escape),
    (r"Syntax error: missing '?(.+?)'? at '(.+)'", _explain_missing_token),
    (r"Syntax error: token recognition error at: '(.*)'", _explain_bad_token),
    (
        r"Syntax error: (?:mismatched|extraneous) input '(.+?)' expecting (.*)",
        _explain_unexpected_token,
    ),
    (r"Syntax error: no viable alternative at input '(.+?)'()", _explain_unexpected_token),
)
