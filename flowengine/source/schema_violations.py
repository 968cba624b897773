"""Errors of the schema, each brought down to the one value that caused it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from jsonschema import ValidationError

from flowengine.source.document import KeyPath

_ALTERNATIVES: Final = ("anyOf", "oneOf")


class SchemaViolation(msgspec.Struct, frozen=True):
    """One thing that is wrong: the keyword of the schema that says so, and the value it judged."""

    path: KeyPath
    keyword: str
    expected: Any
    instance: Any
    schema: Mapping[str, Any]
    error: ValidationError
    forms: tuple[Mapping[str, Any], ...] = ()


def find_schema_violations(error: ValidationError) -> Iterator[SchemaViolation]:
    if error.validator not in _ALTERNATIVES or not error.context:
        yield _build_violation(error)
        return
    branches = _group_branches(error)
    fitting = [branch for branch in branches if not any(_is_type_mismatch(each) for each in branch)]
    if not fitting:
        yield _build_violation(error, "type", _list_types(branches))
    elif len(fitting) == 1:
        yield from _flatten_branch(fitting[0])
    else:
        yield from _merge_branches(error, fitting)


def _flatten_branch(branch: Sequence[ValidationError]) -> Iterator[SchemaViolation]:
    for error in branch:
        yield from find_schema_violations(error)


def _merge_branches(
    error: ValidationError, branches: list[list[ValidationError]]
) -> Iterator[SchemaViolation]:
    """More than one alternative has the right JSON type."""
    roots = _find_root_errors(branches)
    # the keywords that fail at the root, where each branch fails there
    keywords = {root.validator for root in roots} if len(roots) == len(branches) else set()
    if keywords and keywords <= {"const", "enum"}:
        yield _build_violation(
            error, "enum", [choice for root in roots for choice in _list_choices(root)]
        )
    elif keywords == {"required"}:
        yield _build_violation(
            error, "oneRequired", [name for root in roots for name in _list_values(root)]
        )
    elif isinstance(error.instance, dict | list):
        yield from _flatten_branch(min(branches, key=len))
    else:
        yield _build_violation(
            error, "anyOf", None, tuple(_get_schema(branch[0]) for branch in branches)
        )


def _find_root_errors(branches: list[list[ValidationError]]) -> list[ValidationError]:
    return [branch[0] for branch in branches if len(branch) == 1 and not branch[0].relative_path]


def _group_branches(error: ValidationError) -> list[list[ValidationError]]:
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
        found.extend(_group_branches(branch[0]) if nested else [branch])
    return found


def _is_type_mismatch(error: ValidationError) -> bool:
    if error.relative_path:
        return False
    if error.validator in {"const", "enum"}:
        return all(
            get_json_type(choice) != get_json_type(error.instance)
            for choice in _list_choices(error)
        )
    return error.validator == "type"


def _list_choices(error: ValidationError) -> Sequence[Any]:
    return [error.validator_value] if error.validator == "const" else _list_values(error)


def _list_values(error: ValidationError) -> list[Any]:
    """The value of a keyword that takes one word or several."""
    value: Any = error.validator_value
    return list(value) if isinstance(value, list | tuple) else [value]


def _get_schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _list_types(branches: list[list[ValidationError]]) -> list[str]:
    found: dict[str, None] = {}
    for error in (each for branch in branches for each in branch if _is_type_mismatch(each)):
        found |= dict.fromkeys(
            _list_values(error)
            if error.validator == "type"
            else [get_json_type(choice) for choice in _list_choices(error)]
        )
    return list(found)


def _build_violation(
    error: ValidationError,
    keyword: str = "",
    expected: Any = None,
    forms: tuple[Mapping[str, Any], ...] = (),
) -> SchemaViolation:
    name, value = (
        (keyword, expected) if keyword else (str(error.validator or "false"), error.validator_value)
    )
    return SchemaViolation(
        tuple(error.absolute_path), name, value, error.instance, _get_schema(error), error, forms
    )


def get_json_type(value: Any) -> str:
    kinds = (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (dict, "object"),
        (list, "array"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
