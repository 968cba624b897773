"""A document against a JSON Schema: every error at the one key or value that causes it."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from flowengine.limits import MAX_PROBLEMS
from flowengine.problems import Problem, find_nearest, sort_problems
from flowengine.source.comma_slips import CommaSlip, find_comma_slip
from flowengine.source.document import Document, KeyPath
from flowengine.source.foreign_words import find_foreign_cure
from flowengine.source.key_messages import describe_unknown_key, suggest_locales
from flowengine.source.outdented_keys import OutdentedKeys, find_outdented_keys
from flowengine.source.schema_keys import (
    find_parent_keys,
    find_unknown_keys,
    list_known_keys,
    list_outer_keys,
)
from flowengine.source.schema_violations import SchemaViolation, find_schema_violations
from flowengine.source.violation_messages import (
    describe_invalid_key,
    describe_violation,
    find_missing_key,
)


class LocatedProblem(NamedTuple):
    """A problem and the value or key that has it. `meant` is the key that a mistyped one is near
    to.
    """

    path: KeyPath
    problem: Problem
    meant: str = ""


class _SchemaByIdentity(msgspec.Struct, frozen=True, eq=False):
    """Equal only when it is the same object: hashing a schema by its content would cost more than
    compiling it.
    """

    schema: Mapping[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SchemaByIdentity) and self.schema is other.schema

    def __hash__(self) -> int:
        return id(self.schema)


def _validate_properties(
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


def _validate_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
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
    {"properties": _validate_properties, "pattern": _validate_pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@lru_cache(maxsize=32)
def _build_validator(key: _SchemaByIdentity) -> Validator:
    return _Validator(key.schema)


def validate_document(document: Document, schema: Mapping[str, Any]) -> list[Problem]:
    """All errors in document order. A schema may say how to cure an error: `x-hint` next to the
    keyword that fails.
    """
    return sort_problems(each.problem for each in locate_violations(document, schema))


def locate_violations(document: Document, schema: Mapping[str, Any]) -> list[LocatedProblem]:
    """All errors with the paths of what has them."""
    errors = _build_validator(_SchemaByIdentity(schema)).iter_errors(document.data)
    found = [
        leaf
        for error in islice(errors, MAX_PROBLEMS)
        for leaf in find_schema_violations(error)
        if not _is_broken(document, leaf)
    ]
    wrong_keys = {(*leaf.path, leaf.instance) for leaf in found if _is_about_key(document, leaf)}
    outdented = find_outdented(document, found)
    told = [
        leaf
        for leaf in _drop_mistyped(found, schema)
        if tuple(leaf.path) not in [keys.empty for keys in outdented.values()]
        and not _is_consequence(leaf, found, schema)
        # what stands under a wrong key was meant for another place
        and not any(leaf.path[: len(path)] == path for path in wrong_keys)
    ]
    return [
        problem
        for leaf in told
        for problem in _to_problems(document, leaf, schema, outdented.get(tuple(leaf.path)))
    ]


def find_outdented(
    document: Document, found: list[SchemaViolation]
) -> dict[KeyPath, OutdentedKeys]:
    """By the path of what holds them: keys that were meant to stand below an empty key."""
    wrong = {tuple(leaf.path) for leaf in found}
    return {
        tuple(leaf.path): keys
        for leaf in found
        if (strangers := find_unknown_keys(leaf))
        and (keys := find_outdented_keys(document, tuple(leaf.path), strangers))
        and keys.empty in wrong  # which must not be empty
    }


def _is_broken(document: Document, leaf: SchemaViolation) -> bool:
    return bool(document.broken) and any(
        leaf.path[:length] in document.broken for length in range(len(leaf.path) + 1)
    )


def _drop_mistyped(
    found: list[SchemaViolation], schema: Mapping[str, Any]
) -> Iterator[SchemaViolation]:
    """A mistyped key, or a word of another language, is one mistake: not also a missing key."""
    strangers = {leaf.path: find_unknown_keys(leaf) for leaf in found if find_unknown_keys(leaf)}
    for leaf in found:
        absent = find_missing_key(leaf)
        others = strangers.get(leaf.path, ()) if absent else ()
        known = list_known_keys(leaf.schema, schema) if others else []
        if not any(
            absent == find_nearest(key, known) or f"{absent}:" in find_foreign_cure(key, known)
            for key in others
        ):
            yield leaf


def _is_consequence(
    leaf: SchemaViolation, found: list[SchemaViolation], schema: Mapping[str, Any]
) -> bool:
    """Where a key's value is wrong, JSON Schema counts the key as unevaluated too: that says
    nothing of its own.
    """
    if leaf.keyword != "unevaluatedProperties" or set(find_unknown_keys(leaf)) - set(
        list_known_keys(leaf.schema, schema)
    ):
        return False
    depth = len(leaf.path)
    return any(other is not leaf and other.path[:depth] == leaf.path for other in found)


def _to_problems(
    document: Document,
    leaf: SchemaViolation,
    schema: Mapping[str, Any],
    outdented: OutdentedKeys | None,
) -> Iterator[LocatedProblem]:
    if strangers := find_unknown_keys(leaf):
        known = list_known_keys(leaf.schema, schema)
        if outdented:
            yield LocatedProblem(outdented.first, outdented.to_problem(document))
            return
        unheard = [key for key in strangers if key not in known]
        # a text by locale is one mistake, whatever number of locales it has
        wrong = unheard or strangers
        for key in wrong[:1] if suggest_locales(leaf, known) else wrong:
            path = (*leaf.path, key)
            slip = find_comma_slip(document, path)
            if slip and (slip.is_text or not find_nearest(key, known)):
                yield from _report_comma(document, path, slip)
                continue
            homes = find_parent_keys(key, leaf.schema, schema)
            outer = list_outer_keys(leaf.path, schema) if leaf.path else []
            words = describe_unknown_key(leaf, key, known, homes, outer)
            yield LocatedProblem(
                path,
                Problem("FE150", document.find_key_span(path), *words),
                find_nearest(key, known),
            )
    elif _is_about_key(document, leaf):
        path = (*leaf.path, leaf.instance)
        span = document.find_key_span(path)
        if slip := find_comma_slip(document, path):
            yield from _report_comma(document, path, slip)
            return
        yield LocatedProblem(path, Problem("FE154", span, *describe_invalid_key(leaf)))
    else:
        wording = describe_violation(document, leaf)
        span = (
            document.find_key_span(leaf.path) if wording.at_key else document.find_span(leaf.path)
        )
        problem = Problem(wording.code, span, wording.message, wording.hint)
        yield LocatedProblem(leaf.path, problem)


def _report_comma(document: Document, path: KeyPath, slip: CommaSlip) -> Iterator[LocatedProblem]:
    """One problem for a text, whatever number of commas it has."""
    if slip.is_first:
        message = "the comma ends the text, and what follows it is read as a key"
        problem = Problem("FE117", document.find_key_span(path), message, slip.cure)
        yield LocatedProblem(path, problem)


def _is_about_key(document: Document, leaf: SchemaViolation) -> bool:
    """`propertyNames` judges a key: the path then leads to what holds it."""
    return isinstance(leaf.instance, str) and isinstance(document.get_value(leaf.path), dict)
