"""Errors of the schema, each brought down to the one value that caused it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from jsonschema import ValidationError

from flowengine.source.document import Path

_ALTERNATIVES: Final = ("anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing that is wrong: the keyword of the schema that says so, and the value it judged."""

    path: Path
    keyword: str
    expected: Any
    instance: Any
    schema: Mapping[str, Any]
    error: ValidationError
    forms: tuple[Mapping[str, Any], ...] = ()


def leaves(error: ValidationError) -> Iterator[Leaf]:
    if error.validator not in _ALTERNATIVES or not error.context:
        yield _leaf(error)
        return
    branches = _branches(error)
    fitting = [branch for branch in branches if not any(_other_type(each) for each in branch)]
    if not fitting:
        yield _leaf(error, "type", _types(branches))
    elif len(fitting) == 1:
        yield from _each(fitting[0])
    else:
        yield from _several(error, fitting)


def _each(branch: Sequence[ValidationError]) -> Iterator[Leaf]:
    for error in branch:
        yield from leaves(error)


def _several(error: ValidationError, branches: list[list[ValidationError]]) -> Iterator[Leaf]:
    """More than one alternative has the right JSON type."""
    roots = _roots(branches)
    if len(roots) == len(branches) and all(root.validator in {"const", "enum"} for root in roots):
        yield _leaf(error, "enum", [choice for root in roots for choice in _choices(root)])
    elif len(roots) == len(branches) and all(root.validator == "required" for root in roots):
        yield _leaf(error, "oneRequired", [name for root in roots for name in _listed(root)])
    elif isinstance(error.instance, dict | list):
        yield from _each(min(branches, key=len))
    else:
        yield _leaf(error, "anyOf", None, tuple(_own(branch[0]) for branch in branches))


def _roots(branches: list[list[ValidationError]]) -> list[ValidationError]:
    return [branch[0] for branch in branches if len(branch) == 1 and not branch[0].relative_path]


def _branches(error: ValidationError) -> list[list[ValidationError]]:
    """The errors of each alternative; an alternative that only lists alternatives counts as those."""
    found: list[list[ValidationError]] = []
    for _, group in groupby(error.context, key=lambda each: each.relative_schema_path[0]):
        branch = list(group)
        nested = (
            len(branch) == 1
            and branch[0].validator in _ALTERNATIVES
            and not branch[0].relative_path
            and branch[0].context
        )
        found.extend(_branches(branch[0]) if nested else [branch])
    return found


def _other_type(error: ValidationError) -> bool:
    if error.relative_path:
        return False
    if error.validator in {"const", "enum"}:
        return all(json_type(choice) != json_type(error.instance) for choice in _choices(error))
    return error.validator == "type"


def _choices(error: ValidationError) -> Sequence[Any]:
    return [error.validator_value] if error.validator == "const" else _listed(error)


def _listed(error: ValidationError) -> list[Any]:
    """The value of a keyword that takes one word or several."""
    value: Any = error.validator_value
    return list(value) if isinstance(value, list | tuple) else [value]


def _own(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _types(branches: list[list[ValidationError]]) -> list[str]:
    found: dict[str, None] = {}
    for error in (each for branch in branches for each in branch if _other_type(each)):
        found |= dict.fromkeys(
            _listed(error)
            if error.validator == "type"
            else [json_type(choice) for choice in _choices(error)]
        )
    return list(found)


def _leaf(
    error: ValidationError,
    keyword: str = "",
    expected: Any = None,
    forms: tuple[Mapping[str, Any], ...] = (),
) -> Leaf:
    name, value = (
        (keyword, expected) if keyword else (str(error.validator or "false"), error.validator_value)
    )
    return Leaf(tuple(error.absolute_path), name, value, error.instance, _own(error), error, forms)


def json_type(value: Any) -> str:
    kinds = (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (dict, "object"),
        (list, "array"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
