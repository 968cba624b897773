"""Which keys a schema knows, and which of a document it does not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flowengine.source.schema_violations import SchemaViolation

_SCHEMA_LIST_KEYWORDS: Final = ("allOf", "anyOf", "oneOf")
_SCHEMA_KEYWORDS: Final = ("then", "else", "if")
_UNKNOWN_KEY_KEYWORDS: Final = ("additionalProperties", "unevaluatedProperties")
_MAX_REFERENCE_DEPTH: Final = 6  # a schema may refer to itself


def find_unknown_keys(leaf: SchemaViolation) -> list[str]:
    if (
        leaf.keyword not in _UNKNOWN_KEY_KEYWORDS
        or not isinstance(leaf.instance, dict)
        or leaf.expected is not False
    ):
        return []
    if leaf.keyword == "additionalProperties":
        patterns = leaf.schema.get("patternProperties", {})
        own = leaf.schema.get("properties", {})
        return [
            key
            for key in leaf.instance
            if key not in own and not any(re.search(pattern, key) for pattern in patterns)
        ]
    return [
        key for key in leaf.instance if repr(key) in leaf.error.message
    ]  # jsonschema names them nowhere else


def list_known_keys(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """The keys that may stand here, through references and alternatives, in the order of the
    schema.
    """
    return list(dict.fromkeys(_iterate_known_keys(schema, root, _MAX_REFERENCE_DEPTH)))


def find_parent_keys(key: str, schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """The keys that may stand here inside which this key may stand."""
    found = {
        name: list(_iterate_forms(value, root))
        for name, value in _iterate_properties(schema, root, _MAX_REFERENCE_DEPTH)
    }
    return [
        name
        for name, inner in found.items()
        if any(key in list_known_keys(each, root) for each in inner)
    ]


def list_outer_keys(path: Sequence[str | int], root: Mapping[str, Any]) -> list[str]:
    """The keys that may stand around the value at this path, one level further out."""
    schemas: list[Any] = [root]
    for step in path[:-1]:
        forms = [form for schema in schemas for form in _iterate_forms(schema, root)]
        schemas = [
            inner
            for form in forms
            if (inner := form.get("properties", {}).get(step, form.get("additionalProperties")))
        ]
    return [key for schema in schemas for key in list_known_keys(schema, root)]


def _iterate_properties(
    schema: Any, root: Mapping[str, Any], depth: int
) -> Iterator[tuple[str, Any]]:
    if not isinstance(schema, Mapping) or not depth:
        return
    yield from schema.get("properties", {}).items()
    if (reference := schema.get("$ref")) is not None:
        yield from _iterate_properties(_resolve_reference(reference, root), root, depth - 1)


def _iterate_forms(schema: Any, root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A value, or the entries of a list, in each of its forms."""
    if isinstance(schema, Mapping):
        whole = (
            {**schema, **_resolve_reference(schema["$ref"], root)} if "$ref" in schema else schema
        )
        for form in (whole, *whole.get("anyOf", ())):
            yield form
            yield from (each for each in (form.get("items"),) if isinstance(each, Mapping))


def _iterate_known_keys(schema: Any, root: Mapping[str, Any], depth: int) -> Iterator[str]:
    if not isinstance(schema, Mapping) or not depth:
        return
    yield from (key for key, value in schema.get("properties", {}).items() if value is not False)
    if (reference := schema.get("$ref")) is not None:
        yield from _iterate_known_keys(_resolve_reference(reference, root), root, depth - 1)
    nested = [each for name in _SCHEMA_LIST_KEYWORDS for each in schema.get(name, ())] + [
        schema.get(name) for name in _SCHEMA_KEYWORDS
    ]
    for each in nested:
        yield from _iterate_known_keys(each, root, depth - 1)


def _resolve_reference(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for step in (
        reference.removeprefix("#").strip("/").split("/") if reference.startswith("#/") else ()
    ):
        found = found.get(step, {}) if isinstance(found, Mapping) else {}
    return found if found is not root else {}
