"""CEL's errors in the words of people who write flows: what is wrong, where it starts, what to
write instead.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from flowengine.expr.cel import CelCompileError
from flowengine.expr.foreign_syntax import FOREIGN_NAMES, FOREIGN_SYNTAX
from flowengine.expr.functions import FUNCTIONS
from flowengine.expr.type_names import (
    OPERATOR_SIGNS,
    add_article,
    format_types,
    parse_types,
)
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
_LIST_HINT: Final = "only a list has items, such as body.orders of an answer"
_CEL_FUNCTIONS: Final = ("size", "has", "string", "int", "double", "matches", "type", "dyn")


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
            return say(found.groups(), text, offset, _DeclaredNames(names, functions))
    return ExprError(f"this is no expression: {message}", offset)


class _DeclaredNames:
    def __init__(self, names: Iterable[str], functions: Iterable[str]) -> None:
        self.names = sorted(names)
        self.functions = sorted({*functions, *FUNCTIONS, *_CEL_FUNCTIONS})


_Explainer = Callable[[Sequence[str], str, int, _DeclaredNames], ExprError]


def _to_offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    before = sum(len(one) + 1 for one in lines[: max(0, line - 1)])
    return min(before + max(0, column - 1), len(text))


def _explain_undeclared(
    parts: Sequence[str], text: str, offset: int, known: _DeclaredNames
) -> ExprError:
    start = _find_name_start(text, offset, parts[0])
    whole = _read_dotted_name(text, start)
    called = text[start + len(whole) :].lstrip().startswith("(")
    name = re.sub(r"\s", "", whole) or parts[0]
    if called and (name == parts[0] or name.startswith("tables.")):
        return _explain_unknown_function(name, text, start, known)
    if name in _QUEUE_NAMES:
        return ExprError(f"there is no {name} here", start, _QUEUE_NAMES[name], "FE301")
    return _explain_unknown_name(parts[0], start, known, alone=name == text.strip())


def _explain_unknown_name(
    name: str, start: int, known: _DeclaredNames, *, alone: bool
) -> ExprError:
    if name in FOREIGN_SYNTAX:
        return ExprError(f"{name} is no name here", start, FOREIGN_SYNTAX[name], "FE301")
    if name in known.functions:
        return ExprError(
            f"{name} is a function and needs ( )", start, _format_example(name), "FE301"
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
    hint = f'did you mean "body.{name}"?' if part else _suggest_name(name, known.names)
    return ExprError(f"there is no {quote_value(name)}", start, hint, "FE301")


def _suggest_name(name: str, names: Sequence[str]) -> str:
    group = name.rpartition(".")[0]
    near = suggest_name(
        name, [one for one in names if one.rpartition(".")[0] == group] if group else []
    ) or suggest_name(name, names)
    tails = [one for one in names if one.rpartition(".")[2] == name]
    if tails:
        return f"did you mean {quote_value(tails[0])}?"
    return near or ("" if "." in name else f'if it is a text, write it in quotes: "{name}"')


def _explain_unknown_function(name: str, text: str, start: int, known: _DeclaredNames) -> ExprError:
    before = text[:start].rstrip().endswith(".")
    if before and name in FUNCTIONS:
        return ExprError(
            f"{name} takes its values between the brackets", start, _format_example(name), "FE309"
        )
    if name in FUNCTIONS or name in known.functions or (before and name in _CEL_METHODS):
        return ExprError(
            f"{name} is given the wrong number of values", start, _format_example(name), "FE309"
        )
    if name in {"length", "lenght", "len", "count"}:
        return ExprError(
            f"there is no function {quote_value(name)}", start, "write size(…)", "FE305"
        )
    near = suggest_name(name, _CEL_METHODS if before else known.functions)
    return ExprError(
        f"there is no function {quote_value(name)}",
        start,
        near or _suggest_method(name, before),
        "FE305",
    )


def _suggest_method(name: str, before: bool) -> str:
    if before or name not in _CEL_METHODS:
        near = find_nearest(name, FUNCTIONS)
        return _format_example(near) if near else ""
    return f"write it after the value: value.{name}(…)"


def _explain_mismatch(
    parts: Sequence[str], text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    operator, given = parts[0], parse_types(parts[1])
    if operator not in OPERATOR_SIGNS:
        start = _find_name_start(text, offset, operator)
        return ExprError(
            f"{operator} does not take {format_types(given)}",
            start,
            _format_example(operator),
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
        _suggest_operand(operator, given),
        "FE302",
    )


def _suggest_operand(operator: str, given: Sequence[str]) -> str:
    kinds = set(given)
    if {"integer", "decimal"} == kinds:
        return "write 2.0 instead of 2, or decimal(x), so that both are decimals"
    if "text" in kinds and operator == "_+_":
        return "a text joins only texts: write text(x), or put ${…} into the text"
    if "text" in kinds and kinds & {"integer", "decimal"} and operator != "_[_]":
        return "put quotes around the number to compare texts, or write integer(x)"
    if operator in {"!_", "_&&_", "_||_"}:
        return 'it takes conditions, such as vars.count > 3 or vars.name != ""'
    if operator == "_[_]":
        is_text = given[0] == "text"
        return "first(…, 1) is the first character of a text" if is_text else _LIST_HINT
    return ""


def _explain_select(
    parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    return ExprError(
        f"{add_article(parse_types(parts[0])[0])} has no parts to name after a point",
        offset,
        "",
        "FE302",
    )


def _explain_range(
    parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    kind = add_article(parse_types(parts[0])[0])
    return ExprError(f"{kind} has no items to go through", offset, _LIST_HINT, "FE302")


def _explain_unexpected_token(
    parts: Sequence[str], text: str, offset: int, _known: _DeclaredNames
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
    parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    if parts[1] == "<EOF>":
        return ExprError("the expression ends too early", offset, f"a {parts[0]} is missing")
    return ExprError(f"a {parts[0]} is missing before {quote_value(parts[1])}", offset)


def _explain_bad_token(
    parts: Sequence[str], text: str, offset: int, _known: _DeclaredNames
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
    parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    return ExprError(
        f"{parts[0]} is a reserved word",
        offset,
        FOREIGN_SYNTAX.get(parts[0], "choose another name"),
    )


def _explain_bad_escape(
    _parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    return ExprError("this text has a \\ where none can be", offset, r"write \\ for a \ itself")


def _explain_big_number(
    _parts: Sequence[str], _text: str, offset: int, _known: _DeclaredNames
) -> ExprError:
    return ExprError(
        "this number is too big",
        offset,
        "long rows of digits, such as card numbers, are texts: put them in quotes",
    )


_RULES: Final[Sequence[tuple[str, _Explainer]]] = (
    (r"undeclared reference to '(.+?)' \(in", _explain_undeclared),
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


def _find_name_start(text: str, offset: int, name: str) -> int:
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


def _format_example(name: str) -> str:
    known: Mapping[str, str] = {
        one.name: f"it is {one.signature}, for example {one.example}" for one in FUNCTIONS.values()
    }
    return known.get(name, "")
