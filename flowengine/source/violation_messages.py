"""An error of the schema in words: what is wrong, and how to write it instead."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from flowengine.problems import format_count, join_with_or, quote_value, suggest_name
from flowengine.source.document import Document
from flowengine.source.foreign_choices import find_foreign_choice
from flowengine.source.schema_violations import SchemaViolation, get_json_type
from flowengine.source.spelling import describe_spelling

_JSON_TYPE_NAMES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
    "null": "nothing",
}
_DIGITS_WITHOUT_PLUS: Final = re.compile(r"[1-9][0-9]{7,14}")
_BOOLEAN_WORDS: Final = {
    "true": "true",
    "false": "false",
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}
_SMALL_NUMBERS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip
_NUMBER_WORDS: Final = {word: number for number, word in enumerate(_SMALL_NUMBERS)}
MAX_SHOWN_KEYS: Final = 30  # keys listed when none is near


class ProblemText(NamedTuple):
    code: str
    message: str
    hint: str = ""
    at_key: bool = False


def describe_violation(document: Document, leaf: SchemaViolation) -> ProblemText:
    wording = _DESCRIBERS.get(leaf.keyword, _describe_other)(document, leaf)
    # where another text would be right, a colon in this one may be meant
    accepts_text = leaf.keyword == "pattern"
    if isinstance(leaf.instance, str) and (
        cure := describe_spelling(leaf.instance, may_lack_space=not accepts_text)
    ):
        return wording._replace(hint=cure)
    is_number_word = isinstance(leaf.instance, str) and leaf.instance.casefold() in _NUMBER_WORDS
    if "x-hint" not in leaf.schema or is_number_word:
        return wording
    hint = str(leaf.schema["x-hint"])
    if get_json_type(leaf.instance) in {"integer", "number"} and "a unit: " in hint:
        hint = f"write {leaf.instance}s for so many seconds; {hint.removeprefix('write ')}"
    elif isinstance(leaf.instance, int) and "a percentage" in hint:
        hint = f"write {leaf.instance}%"
    return wording._replace(hint=hint)


def describe_invalid_key(leaf: SchemaViolation) -> tuple[str, str]:
    return f"{quote_value(leaf.instance)} cannot be a key here{_format_title(leaf)}", _format_hint(
        leaf
    )


def find_missing_key(leaf: SchemaViolation) -> str:
    """The key that a `required` misses; jsonschema reports them one by one and names it only in its
    message.
    """
    if leaf.keyword != "required" or not isinstance(leaf.instance, dict):
        return ""
    return next((name for name in leaf.expected if leaf.error.message.startswith(repr(name))), "")


def _describe_required(_: Document, leaf: SchemaViolation) -> ProblemText:
    missing = find_missing_key(leaf)
    wanted = leaf.schema.get("properties", {}).get(missing, {})
    example = next(iter(wanted.get("examples", ())), None)
    return ProblemText(
        "FE151",
        f"the key {quote_value(missing)} is missing{format_within(leaf)}",
        _format_hint(leaf)
        or (f"for example {missing}: {_format_example(example)}" if example is not None else ""),
        at_key=True,
    )


def _describe_one_required(_: Document, leaf: SchemaViolation) -> ProblemText:
    names = join_with_or(quote_value(name) for name in dict.fromkeys(leaf.expected))
    return ProblemText(
        "FE151",
        f"one of the keys {names} is missing{format_within(leaf)}",
        _format_hint(leaf),
        at_key=True,
    )


def _describe_dependent(_: Document, leaf: SchemaViolation) -> ProblemText:
    absent = [
        name
        for key, names in leaf.expected.items()
        if key in leaf.instance
        for name in names
        if name not in leaf.instance
    ]
    needs = next(
        key
        for key, names in leaf.expected.items()
        if key in leaf.instance and set(names) - set(leaf.instance)
    )
    return ProblemText(
        "FE151",
        f"{quote_value(needs)} needs {join_with_or(map(quote_value, absent))} beside it",
        _format_hint(leaf),
        at_key=True,
    )


def _describe_type(document: Document, leaf: SchemaViolation) -> ProblemText:
    expected = [leaf.expected] if isinstance(leaf.expected, str) else list(leaf.expected)
    kinds = join_with_or(
        _JSON_TYPE_NAMES[name] for name in expected if name != "null" or len(expected) == 1
    )
    if leaf.schema.get("examples") == [None]:
        return ProblemText(
            "FE152",
            f"{_format_name(leaf)} takes no value, but has {_format_found(leaf.instance)}",
            f"write {leaf.path[-1]}: with nothing behind it; what is said before it stands in say:"
            if isinstance(leaf.instance, str)
            else f"write {leaf.path[-1]}: with nothing behind it",
        )
    if leaf.instance is None:
        whole = expected == ["object"] and not leaf.schema.get("required")
        return ProblemText(
            "FE152",
            f"{_format_name(leaf)} is empty: {kinds} is expected",
            _format_hint(leaf)
            or (
                "write its keys on the lines below, indented further than its name" if whole else ""
            ),
            at_key=True,
        )
    if expected == ["null"]:
        return ProblemText(
            "FE152",
            f"{_format_name(leaf)} takes no value, but has {_format_found(leaf.instance)}",
            _format_hint(leaf),
        )
    # of true where a prompt may stand, hardly the word is meant
    is_flag = isinstance(leaf.instance, bool) and {"string", "object"} <= set(expected)
    return ProblemText(
        "FE152",
        f"{_format_name(leaf)} must be {kinds}, not {_format_found(leaf.instance)}",
        (_format_hint(leaf) if is_flag else "") or _format_type_hint(document, leaf, expected),
    )


def _format_type_hint(document: Document, leaf: SchemaViolation, expected: list[str]) -> str:
    value, raw = leaf.instance, document.get_source_text(leaf.path)
    kind = get_json_type(value)
    if "string" in expected and kind in {"integer", "number", "boolean"}:
        is_phone = kind == "integer" and _DIGITS_WITHOUT_PLUS.fullmatch(raw)
        more = f'; a phone number has a + as well: "+{raw}"' if is_phone else ""
        return f'put quotes around it: "{raw}"{more}'
    if "array" in expected and kind not in {"array", "object"}:
        return (
            f"write a list: [{raw}]"
            if len(raw) <= MAX_SHOWN_KEYS
            else "write a list: [first, second]"
        )
    if "boolean" in expected and kind == "string" and value.casefold() in _BOOLEAN_WORDS:
        return f"write {_BOOLEAN_WORDS[value.casefold()]}"
    if expected == ["object"] and kind != "array":
        return _format_hint(leaf) or _format_group_hint(leaf, raw)
    if kind == "string" and {"integer", "number"} & set(expected):
        return _format_number_hint(value, raw)
    return _format_hint(leaf)


def _format_group_hint(leaf: SchemaViolation, raw: str) -> str:
    """What stands there is most often meant for the one key that is needed."""
    needed = list(leaf.schema.get("required", ()))
    fits = len(needed) == 1 and len(raw) <= MAX_SHOWN_KEYS and not set(raw) & set(",{}[]#\n")
    written = ", ".join(f"{name}: {raw if fits else '…'}" for name in needed)
    return f"write {{{written}}}" if needed else "put its keys on the lines below, indented"


def _format_number_hint(value: str, raw: str) -> str:
    if raw[:1] in "'\"" and _is_number(value):
        return f"write it without quotes: {value}"
    if (number := _NUMBER_WORDS.get(value.casefold())) is not None:
        return f"write {number}"
    bare = value.replace("_", "").lstrip("+").lstrip("0") or "0"
    return f"write {bare}" if _is_number(bare) else "write digits only"


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()


def _describe_enum(_: Document, leaf: SchemaViolation) -> ProblemText:
    choices = [leaf.expected] if leaf.keyword == "const" else list(leaf.expected)
    shown = [str(choice) if isinstance(choice, str) else json.dumps(choice) for choice in choices]
    words = [choice for choice in choices if isinstance(choice, str)]
    near = find_foreign_choice(str(leaf.instance), words) or suggest_name(str(leaf.instance), words)
    if len(choices) == 1:
        return ProblemText(
            "FE153",
            f"{_format_name(leaf)} must be {shown[0]}, not {_format_found(leaf.instance)}",
            near,
        )
    return ProblemText(
        "FE153",
        f"{_format_found(leaf.instance)} is not one of the choices for {_format_name(leaf)}: {', '.join(shown)}",
        near,
    )


def _describe_pattern(_: Document, leaf: SchemaViolation) -> ProblemText:
    number = _NUMBER_WORDS.get(leaf.instance.casefold())
    is_number = number is not None and re.search(r"0-9|\\d", str(leaf.expected))
    return ProblemText(
        "FE154",
        f"{quote_value(leaf.instance)} is not written as {_format_name(leaf)} must be{_format_title(leaf)}",
        f"write {number}" if is_number else _format_hint(leaf),
    )


def _describe_range(_: Document, leaf: SchemaViolation) -> ProblemText:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    limit = f"{words.get(leaf.keyword, 'a multiple of')} {leaf.expected}"
    return ProblemText(
        "FE155", f"{_format_name(leaf)} must be {limit}, not {leaf.instance}", _format_hint(leaf)
    )


def _describe_length(_: Document, leaf: SchemaViolation) -> ProblemText:
    if leaf.keyword == "minLength" and not leaf.instance:
        return ProblemText("FE155", f"{_format_name(leaf)} is empty text", _format_hint(leaf))
    limit = f"{_format_bound(leaf)} {format_count(leaf.expected, 'character')}"
    return ProblemText(
        "FE155",
        f"{_format_name(leaf)} must have {limit}, not {len(leaf.instance)}",
        _format_hint(leaf),
    )


def _describe_size(_: Document, leaf: SchemaViolation) -> ProblemText:
    what = "key" if "Properties" in leaf.keyword else "entry"
    limit = f"{_format_bound(leaf)} {format_count(leaf.expected, what)}"
    return ProblemText(
        "FE156",
        f"{_format_name(leaf)} must have {limit}, not {len(leaf.instance)}",
        _format_hint(leaf),
        at_key=True,
    )


def _describe_unique(_: Document, leaf: SchemaViolation) -> ProblemText:
    twice = next(
        (each for place, each in enumerate(leaf.instance) if each in leaf.instance[:place]), ""
    )
    return ProblemText(
        "FE156", f"{_format_name(leaf)} has {_format_found(twice)} twice", _format_hint(leaf)
    )


def _describe_forms(_: Document, leaf: SchemaViolation) -> ProblemText:
    forms = [
        str(form.get("title") or form.get("x-hint") or form.get("pattern") or "")
        for form in leaf.forms
    ]
    listed = f"; it may be: {'; '.join(filter(None, forms))}" if any(forms) else ""
    return ProblemText(
        "FE157",
        f"{_format_found(leaf.instance)} is none of the forms of {_format_name(leaf)}{listed}",
        _format_hint(leaf),
    )


def _describe_exclusive(_: Document, leaf: SchemaViolation) -> ProblemText:
    """`oneOf` with more than one alternative fulfilled: usually keys that exclude each other."""
    names = [
        name
        for form in leaf.expected
        for name in form.get("required", ())
        if isinstance(leaf.instance, dict)
    ]
    together = [quote_value(name) for name in names if name in leaf.instance]
    if len(together) > 1:
        return ProblemText(
            "FE158",
            f"{' and '.join(together)} do not go together",
            _format_hint(leaf) or "keep one of them",
            at_key=True,
        )
    return ProblemText(
        "FE158",
        f"{_format_name(leaf)} may be read in several ways",
        _format_hint(leaf),
        at_key=True,
    )


def _describe_other(_: Document, leaf: SchemaViolation) -> ProblemText:
    return ProblemText(
        "FE158",
        f"{_format_name(leaf)} is not allowed here{_format_title(leaf)}",
        _format_hint(leaf),
        at_key=True,
    )


def _format_name(leaf: SchemaViolation) -> str:
    match leaf.path:
        case ():
            return "the file"
        case (*_, str(name)):
            return quote_value(name)
        case (*_, str(name), int(place)):
            return f"entry {place + 1} of {quote_value(name)}"
    return f"entry {int(leaf.path[-1]) + 1}"


def format_within(leaf: SchemaViolation) -> str:
    return f" in {_format_name(leaf)}" if leaf.path else ""


def _format_found(value: Any) -> str:
    match get_json_type(value):
        case "string":
            return quote_value(value) if value else "empty text"
        case "integer" | "number":
            return f"the number {value}"
        case "boolean":
            return str(value).lower()
        case kind:
            return _JSON_TYPE_NAMES[kind]


def _format_title(leaf: SchemaViolation) -> str:
    return f": {leaf.schema['title']}" if "title" in leaf.schema else ""


def _format_hint(leaf: SchemaViolation) -> str:
    if "x-hint" in leaf.schema:
        return str(leaf.schema["x-hint"])
    examples: Iterable[Any] = leaf.schema.get("examples", ())
    shown = [*map(_format_example, examples)]
    return f"for example {join_with_or(shown[:3])}" if shown else ""


def _format_example(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def _format_bound(leaf: SchemaViolation) -> str:
    return "at least" if leaf.keyword.startswith("min") else "at most"


_DESCRIBERS: Final[dict[str, Callable[[Document, SchemaViolation], ProblemText]]] = {
    "required": _describe_required,
    "oneRequired": _describe_one_required,
    "dependentRequired": _describe_dependent,
    "type": _describe_type,
    "enum": _describe_enum,
    "const": _describe_enum,
    "pattern": _describe_pattern,
    "format": _describe_pattern,
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        _describe_range,
    ),
    **dict.fromkeys(("minLength", "maxLength"), _describe_length),
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _describe_size),
    "uniqueItems": _describe_unique,
    "anyOf": _describe_forms,
    "oneOf": _describe_exclusive,
}
