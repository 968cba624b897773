"""A document against a JSON Schema: every error at the one key or value that causes it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from flowengine.limits import MAX_PROBLEMS
from flowengine.problems import Problem, in_order, nearest
from flowengine.source.document import Document
from flowengine.source.leaves import Leaf, leaves
from flowengine.source.names import homes, known_keys, unknown_keys
from flowengine.source.wording import describe, missing, not_a_name, unknown


@dataclass(frozen=True, slots=True, eq=False)
class _Schema:
    """Equal only when it is the same object: hashing a schema by its content would cost more than
    compiling it.
    """

    schema: Mapping[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and self.schema is other.schema

    def __hash__(self) -> int:
        return id(self.schema)


def _properties(
    validator: Any, properties: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    """As jsonschema's own, except that a property that is `false` is reported at its path."""
    if not isinstance(instance, dict):
        return
    for name in filter(instance.__contains__, properties):
        if properties[name] is False:
            yield ValidationError(
                "not allowed", validator="false", path=[name], instance=instance[name]
            )
        else:
            yield from validator.descend(
                instance[name], properties[name], path=name, schema_path=name
            )


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """`$` is the very end, as in every other language: for Python a line break may follow it, which
    no name or duration can hold.
    """
    strict = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(instance, str) and not re.search(strict, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _is_integer(_: Any, instance: Any) -> bool:
    """JSON Schema takes 8.0 for a whole number; the typed model does not."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"properties": _properties, "pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@lru_cache(maxsize=32)
def _validator(key: _Schema) -> Validator:
    return _Validator(key.schema)


def check(document: Document, schema: Mapping[str, Any]) -> list[Problem]:
    """All errors in document order. A schema may say how to cure an error: `x-hint` next to the
    keyword that fails.
    """
    errors = _validator(_Schema(schema)).iter_errors(document.data)
    found = [
        leaf
        for error in islice(errors, MAX_PROBLEMS)
        for leaf in leaves(error)
        if not _is_broken(document, leaf)
    ]
    told = [leaf for leaf in _without_mistyped(found, schema) if not _follows(leaf, found, schema)]
    return in_order(problem for leaf in told for problem in _problems(document, leaf, schema))


def _is_broken(document: Document, leaf: Leaf) -> bool:
    return bool(document.broken) and any(
        leaf.path[:length] in document.broken for length in range(len(leaf.path) + 1)
    )


def _without_mistyped(found: list[Leaf], schema: Mapping[str, Any]) -> Iterator[Leaf]:
    """A mistyped key is one mistake: not also a missing one."""
    strangers = {leaf.path: unknown_keys(leaf) for leaf in found if unknown_keys(leaf)}
    for leaf in found:
        absent = missing(leaf)
        meant = (
            {nearest(key, known_keys(leaf.schema, schema)) for key in strangers.get(leaf.path, ())}
            if absent
            else set()
        )
        if not absent or absent not in meant:
            yield leaf


def _follows(leaf: Leaf, found: list[Leaf], schema: Mapping[str, Any]) -> bool:
    """Where a key's value is wrong, JSON Schema counts the key as unevaluated too: that says
    nothing of its own.
    """
    if leaf.keyword != "unevaluatedProperties" or set(unknown_keys(leaf)) - set(
        known_keys(leaf.schema, schema)
    ):
        return False
    depth = len(leaf.path)
    return any(other is not leaf and other.path[:depth] == leaf.path for other in found)


def _problems(document: Document, leaf: Leaf, schema: Mapping[str, Any]) -> Iterator[Problem]:
    if strangers := unknown_keys(leaf):
        known = known_keys(leaf.schema, schema)
        unheard = [key for key in strangers if key not in known]
        for key in unheard or strangers:
            yield Problem(
                "FE150",
                document.key_span((*leaf.path, key)),
                *unknown(leaf, key, known, homes(key, leaf.schema, schema)),
            )
    elif _judges_key(document, leaf):
        yield Problem("FE154", document.key_span((*leaf.path, leaf.instance)), *not_a_name(leaf))
    else:
        wording = describe(document, leaf)
        span = document.key_span(leaf.path) if wording.at_key else document.span(leaf.path)
        yield Problem(wording.code, span, wording.message, wording.hint)


def _judges_key(document: Document, leaf: Leaf) -> bool:
    """`propertyNames` judges a key: the path then leads to what holds it."""
    return isinstance(leaf.instance, str) and isinstance(document.at(leaf.path), dict)
