"""An error of the schema in words: what is wrong, and how to write it instead."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from flowengine.problems import one_of, quoted, suggest
from flowengine.source.document import Document
from flowengine.source.leaves import Leaf, json_type

_KINDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
    "null": "nothing",
}
_YES: Final = {
    "true": "true",
    "false": "false",
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}
_FOREIGN: Final = dict.fromkeys(
    ("goto", "go", "go_to", "jump", "target", "transition", "then"), "next"
)
_SHOWN: Final = 30  # keys listed when none is near


class Wording(NamedTuple):
    code: str
    message: str
    hint: str = ""
    at_key: bool = False


def describe(document: Document, leaf: Leaf) -> Wording:
    wording = _KEYWORDS.get(leaf.keyword, _other)(document, leaf)
    return wording._replace(hint=str(leaf.schema["x-hint"])) if "x-hint" in leaf.schema else wording


def unknown(leaf: Leaf, key: str, known: Sequence[str], homes: Sequence[str]) -> tuple[str, str]:
    """`homes` are keys that may stand here, inside which the unknown one is known."""
    present = [name for name in known if name not in leaf.instance]
    listed = f"known here: {', '.join(present[:_SHOWN])}" if present else ""
    hint = (
        suggest(key, present)
        or _elsewhere(key, known, homes)
        or str(leaf.schema.get("x-hint", listed))
    )
    return f"unknown key {quoted(key)}{_within(leaf)}", hint


def _elsewhere(key: str, known: Sequence[str], homes: Sequence[str]) -> str:
    """What somebody means who writes another language's word, or a key one step too far out."""
    meant = _FOREIGN.get(key.casefold(), "")
    if meant in known:
        return f"use {meant}:"
    return f"{key}: belongs inside {one_of(f'{name}:' for name in homes)}" if homes else ""


def not_a_name(leaf: Leaf) -> tuple[str, str]:
    return f"{quoted(leaf.instance)} cannot be a key here{_titled(leaf)}", _hint(leaf)


def missing(leaf: Leaf) -> str:
    """The key that a `required` misses; jsonschema reports them one by one and names it only in its
    message.
    """
    if leaf.keyword != "required" or not isinstance(leaf.instance, dict):
        return ""
    return next((name for name in leaf.expected if leaf.error.message.startswith(repr(name))), "")


def _required(_: Document, leaf: Leaf) -> Wording:
    return Wording(
        "FE151",
        f"the key {quoted(missing(leaf))} is missing{_within(leaf)}",
        _hint(leaf),
        at_key=True,
    )


def _one_required(_: Document, leaf: Leaf) -> Wording:
    names = one_of(quoted(name) for name in dict.fromkeys(leaf.expected))
    return Wording(
        "FE151", f"one of the keys {names} is missing{_within(leaf)}", _hint(leaf), at_key=True
    )


def _dependent(_: Document, leaf: Leaf) -> Wording:
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
    return Wording(
        "FE151",
        f"{quoted(needs)} needs {one_of(map(quoted, absent))} beside it",
        _hint(leaf),
        at_key=True,
    )


def _type(document: Document, leaf: Leaf) -> Wording:
    expected = [leaf.expected] if isinstance(leaf.expected, str) else list(leaf.expected)
    kinds = one_of(_KINDS[name] for name in expected if name != "null" or len(expected) == 1)
    if leaf.instance is None:
        return Wording(
            "FE152", f"{_name(leaf)} is empty: {kinds} is expected", _hint(leaf), at_key=True
        )
    if expected == ["null"]:
        return Wording(
            "FE152", f"{_name(leaf)} takes no value, but has {_found(leaf.instance)}", _hint(leaf)
        )
    return Wording(
        "FE152",
        f"{_name(leaf)} must be {kinds}, not {_found(leaf.instance)}",
        _cure(document, leaf, expected),
    )


def _cure(document: Document, leaf: Leaf, expected: list[str]) -> str:
    value, raw = leaf.instance, document.raw(leaf.path)
    kind = json_type(value)
    if "string" in expected and kind in {"integer", "number", "boolean"}:
        return f'put quotes around it: "{raw}"'
    if "array" in expected and kind not in {"array", "object"}:
        return f"write a list: [{raw}]" if len(raw) <= _SHOWN else "write a list: [first, second]"
    if "boolean" in expected and kind == "string" and value.casefold() in _YES:
        return f"write {_YES[value.casefold()]}"
    if expected == ["object"] and kind != "array":
        return _hint(leaf) or _as_group(leaf, raw)
    if kind == "string" and {"integer", "number"} & set(expected):
        return _number_cure(value, raw)
    return _hint(leaf)


def _as_group(leaf: Leaf, raw: str) -> str:
    """What stands there is most often meant for the one key that is needed."""
    needed = list(leaf.schema.get("required", ()))
    fits = len(needed) == 1 and len(raw) <= _SHOWN and not set(raw) & set(",{}[]#\n")
    written = ", ".join(f"{name}: {raw if fits else '…'}" for name in needed)
    return f"write {{{written}}}" if needed else "put its keys on the lines below, indented"


def _number_cure(value: str, raw: str) -> str:
    if raw[:1] in "'\"" and _is_number(value):
        return f"write it without quotes: {value}"
    bare = value.replace("_", "").lstrip("+").lstrip("0") or "0"
    return f"write {bare}" if _is_number(bare) else "write digits only"


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()


def _enum(_: Document, leaf: Leaf) -> Wording:
    choices = [leaf.expected] if leaf.keyword == "const" else list(leaf.expected)
    shown = [str(choice) if isinstance(choice, str) else json.dumps(choice) for choice in choices]
    near = suggest(str(leaf.instance), [choice for choice in choices if isinstance(choice, str)])
    if len(choices) == 1:
        return Wording(
            "FE153", f"{_name(leaf)} must be {shown[0]}, not {_found(leaf.instance)}", near
        )
    return Wording(
        "FE153",
        f"{_found(leaf.instance)} is not one of the choices for {_name(leaf)}: {', '.join(shown)}",
        near,
    )


def _pattern(_: Document, leaf: Leaf) -> Wording:
    return Wording(
        "FE154",
        f"{quoted(leaf.instance)} is not written as {_name(leaf)} must be{_titled(leaf)}",
        _hint(leaf),
    )


def _range(_: Document, leaf: Leaf) -> Wording:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    limit = f"{words.get(leaf.keyword, 'a multiple of')} {leaf.expected}"
    return Wording("FE155", f"{_name(leaf)} must be {limit}, not {leaf.instance}", _hint(leaf))


def _length(_: Document, leaf: Leaf) -> Wording:
    if leaf.keyword == "minLength" and not leaf.instance:
        return Wording("FE155", f"{_name(leaf)} is empty text", _hint(leaf))
    limit = f"{_bound(leaf)} {_count(leaf.expected, 'character')}"
    return Wording(
        "FE155", f"{_name(leaf)} must have {limit}, not {len(leaf.instance)}", _hint(leaf)
    )


def _size(_: Document, leaf: Leaf) -> Wording:
    what = "key" if "Properties" in leaf.keyword else "entry"
    limit = f"{_bound(leaf)} {_count(leaf.expected, what)}"
    return Wording(
        "FE156",
        f"{_name(leaf)} must have {limit}, not {len(leaf.instance)}",
        _hint(leaf),
        at_key=True,
    )


def _unique(_: Document, leaf: Leaf) -> Wording:
    twice = next(
        (each for place, each in enumerate(leaf.instance) if each in leaf.instance[:place]), ""
    )
    return Wording("FE156", f"{_name(leaf)} has {_found(twice)} twice", _hint(leaf))


def _forms(_: Document, leaf: Leaf) -> Wording:
    forms = [
        str(form.get("title") or form.get("x-hint") or form.get("pattern") or "")
        for form in leaf.forms
    ]
    listed = f"; it may be: {'; '.join(filter(None, forms))}" if any(forms) else ""
    return Wording(
        "FE157",
        f"{_found(leaf.instance)} is none of the forms of {_name(leaf)}{listed}",
        _hint(leaf),
    )


def _one_only(_: Document, leaf: Leaf) -> Wording:
    """`oneOf` with more than one alternative fulfilled: usually keys that exclude each other."""
    names = [
        name
        for form in leaf.expected
        for name in form.get("required", ())
        if isinstance(leaf.instance, dict)
    ]
    together = [quoted(name) for name in names if name in leaf.instance]
    if len(together) > 1:
        return Wording(
            "FE158",
            f"{' and '.join(together)} do not go together",
            _hint(leaf) or "keep one of them",
            at_key=True,
        )
    return Wording("FE158", f"{_name(leaf)} may be read in several ways", _hint(leaf), at_key=True)


def _other(_: Document, leaf: Leaf) -> Wording:
    return Wording(
        "FE158", f"{_name(leaf)} is not allowed here{_titled(leaf)}", _hint(leaf), at_key=True
    )


def _name(leaf: Leaf) -> str:
    match leaf.path:
        case ():
            return "the file"
        case (*_, str(name)):
            return quoted(name)
        case (*_, str(name), int(place)):
            return f"entry {place + 1} of {quoted(name)}"
    return f"entry {int(leaf.path[-1]) + 1}"


def _within(leaf: Leaf) -> str:
    return f" in {_name(leaf)}" if leaf.path else ""


def _found(value: Any) -> str:
    match json_type(value):
        case "string":
            return quoted(value) if value else "empty text"
        case "integer" | "number":
            return f"the number {value}"
        case "boolean":
            return str(value).lower()
        case kind:
            return _KINDS[kind]


def _titled(leaf: Leaf) -> str:
    return f": {leaf.schema['title']}" if "title" in leaf.schema else ""


def _hint(leaf: Leaf) -> str:
    if "x-hint" in leaf.schema:
        return str(leaf.schema["x-hint"])
    examples: Iterable[Any] = leaf.schema.get("examples", ())
    shown = [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in examples
    ]
    return f"for example {one_of(shown[:3])}" if shown else ""


def _bound(leaf: Leaf) -> str:
    return "at least" if leaf.keyword.startswith("min") else "at most"


def _count(number: int, noun: str) -> str:
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


_KEYWORDS: Final[dict[str, Callable[[Document, Leaf], Wording]]] = {
    "required": _required,
    "oneRequired": _one_required,
    "dependentRequired": _dependent,
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "pattern": _pattern,
    "format": _pattern,
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _range
    ),
    **dict.fromkeys(("minLength", "maxLength"), _length),
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _size),
    "uniqueItems": _unique,
    "anyOf": _forms,
    "oneOf": _one_only,
}
