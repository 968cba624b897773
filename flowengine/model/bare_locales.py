"""A prompt that is a bare map of texts by locale, `{en-US: Hello., sv-SE: Hej.}`, as the long form
that the typed model has: `{text: {en-US: Hello., sv-SE: Hej.}}`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from flowengine.source import Document, KeyPath
from flowengine.source.document import DroppablePositions, Positions

BARE_LOCALES: Final = "TextByLocale"
"""The name of this form in the published schemas"""
_BARE_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4}){1,2}")
_ANY_LOCALE_KEY: Final = re.compile(r"-[A-Za-z]{2,4}[\"']?:")
_LOCALISED_KEYS: Final = ("text", "ssml", "audio", "apology")  # which have such a map in any case
_PROMPT_KEYS: Final = frozenset({"text", "audio", "message"})


def expand_bare_locales(
    document: Document, load_schema: Callable[[], Mapping[str, Any]]
) -> Document:
    """The document with each such prompt in its long form; what it says keeps its own place."""
    # hardly any file has a locale for a key, and a look at its text is quicker than one at its data
    if not _ANY_LOCALE_KEY.search(document.text):
        return document
    maps = [
        path
        for path in _iterate_locale_maps(document.data, ())
        if path and path[-1] not in _LOCALISED_KEYS
    ]
    found = frozenset(path for path in maps if _is_prompt(path, load_schema()))
    if not found:
        return document

    def read() -> Positions:
        values, keys = document.positions.get()
        moved = {_move_path(path, found): place for path, place in values.items()}
        moved |= {(*path, "text"): values[path] for path in found}
        return Positions(moved, {_move_path(path, found): place for path, place in keys.items()})

    broken = frozenset(_move_path(path, found) for path in document.broken)
    data = _expand(document.data, (), found)
    return replace(document, data=data, positions=DroppablePositions(read(), read), broken=broken)


def _iterate_locale_maps(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        # what stands behind a comma of a text without quotes is a key without a value
        named = [key for key, each in value.items() if each is not None]
        if named and all(map(_BARE_LOCALE.fullmatch, named)):
            yield path
        for key, each in value.items():
            yield from _iterate_locale_maps(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _iterate_locale_maps(each, (*path, index))


def _is_prompt(path: KeyPath, schema: Mapping[str, Any]) -> bool:
    """Whether the schema has a prompt in its long form at a path."""
    forms = list(_iterate_forms(schema, schema))
    for step in path:
        name = "items" if isinstance(step, int) else "additionalProperties"
        inner = [
            form.get("properties", {}).get(step, form.get(name))
            if isinstance(step, str)
            else form.get(name)
            for form in forms
        ]
        forms = [form for each in inner for form in _iterate_forms(each, schema)]
    return any(form.get("properties", {}).keys() >= _PROMPT_KEYS for form in forms)


def _iterate_forms(schema: Any, root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The alternatives of a schema, with what they refer to."""
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from _iterate_forms(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    yield schema
    for each in schema.get("anyOf", ()):
        yield from _iterate_forms(each, root)


def _move_path(path: KeyPath, found: frozenset[KeyPath]) -> KeyPath:
    """Where a value is in the long form. Such maps hold texts alone, so none lies in another."""
    outer = path[:-1]
    return (*outer, "text", path[-1]) if outer in found and path else path


def _expand(value: Any, path: KeyPath, found: frozenset[KeyPath]) -> Any:
    if path in found:
        return {"text": value}
    if isinstance(value, dict):
        return {key: _expand(each, (*path, key), found) for key, each in value.items()}
    if isinstance(value, list):
        return [_expand(each, (*path, index), found) for index, each in enumerate(value)]
    return value


def add_bare_locales(schema: dict[str, Any], pattern: str) -> None:
    """Let a published schema know this form of a prompt, for editors that have no other check."""
    form = {"$ref": f"#/$defs/{BARE_LOCALES}"}
    for alternatives in _iterate_alternatives(schema):
        if any(_refers_to_prompt(each, schema) for each in alternatives):
            alternatives.append(form)
            schema["$defs"][BARE_LOCALES] = {
                "title": BARE_LOCALES,
                "description": "Words to speak, one text per locale.",
                "type": "object",
                "propertyNames": {"pattern": pattern},
                "additionalProperties": {"type": "string"},
                "minProperties": 1,
            }


def drop_bare_locales(schema: dict[str, Any]) -> None:
    """Take the form out again: where flowengine reads a file, it is in the long form already, and
    a message about a wrong prompt is about that one.
    """
    for alternatives in _iterate_alternatives(schema):
        alternatives[:] = [
            each for each in alternatives if each != {"$ref": f"#/$defs/{BARE_LOCALES}"}
        ]
    schema["$defs"].pop(BARE_LOCALES, None)


def _iterate_alternatives(schema: Any) -> Iterator[list[Any]]:
    """The lists of alternatives in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("anyOf"), list):
            yield schema["anyOf"]
        for each in list(schema.values()):
            yield from _iterate_alternatives(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _iterate_alternatives(each)


def _refers_to_prompt(schema: Any, root: Mapping[str, Any]) -> bool:
    reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
    form = root["$defs"].get(reference.rpartition("/")[2], {})
    return bool(form.get("properties", {}).keys() >= _PROMPT_KEYS)
