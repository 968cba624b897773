"""What may stand where in a file, from the typed model that the schemas are generated from."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from flowengine.expr.calendar_parser import CALENDAR_KEYS
from flowengine.model.json_schemas import SCHEMA_MODELS
from flowengine.model.project_loader import find_file_kind
from flowengine.scenarios.scenario_model import SCENARIO_MODEL
from flowengine.source import KeyPath
from flowengine.sources.project_folder import SCENARIO_FOLDER

MODELS: Mapping[str, tuple[str, Any]] = {**SCHEMA_MODELS, **SCENARIO_MODEL}


class Form(msgspec.Struct, frozen=True):
    """One form that a value may have: its type, what its field says of it, and what it names."""

    type: inspect.Type
    description: str = ""
    examples: tuple[Any, ...] = ()
    names: str = ""
    is_definition: bool = False


class KnownKey(msgspec.Struct, frozen=True):
    """A key that may stand in a mapping."""

    name: str
    description: str
    is_required: bool


def find_kind(name: str) -> str:
    """The kind of a file by its path in the project."""
    is_scenario = name.rpartition("/")[0] == SCENARIO_FOLDER
    return "scenario" if is_scenario else find_file_kind(name)


@cache
def load_forms(kind: str) -> tuple[Form, ...]:
    """The forms of a whole file of this kind."""
    return tuple(expand_forms(inspect.type_info(MODELS[kind][1])))


def expand_forms(value: inspect.Type, outer: Form | None = None) -> Iterator[Form]:
    """The forms of a value: each member of a union by itself."""
    form = outer or Form(value)
    if isinstance(value, inspect.Metadata):
        said, extra = value.extra_json_schema or {}, value.extra or {}
        form = Form(
            value.type,
            said.get("description", form.description),
            tuple(said.get("examples", form.examples)),
            extra.get("names", form.names),
            extra.get("defined", form.is_definition),
        )
        yield from expand_forms(value.type, form)
    elif isinstance(value, inspect.UnionType):
        for each in value.types:
            yield from expand_forms(each, form)
    else:
        yield Form(value, form.description, form.examples, form.names, form.is_definition)


def find_keys(kind: str, path: KeyPath) -> list[KnownKey]:
    """The keys that may stand in the mapping at a path, where these are fixed."""
    if (kind, len(path)) == ("calendar", 0) or (
        (kind, len(path)) == ("project", 2) and path[0] == "calendars"
    ):
        return [KnownKey(name, text, is_required=False) for name, text in CALENDAR_KEYS.items()]
    return [key for form in find_forms(kind, path) for key in list_keys(form)]


def list_keys(form: Form) -> list[KnownKey]:
    """The keys of a mapping whose keys are fixed."""
    if not isinstance(form.type, inspect.StructType):
        return []
    return [
        KnownKey(
            field.encode_name,
            next((one.description for one in forms if one.description), ""),
            field.required,
        )
        for field in form.type.fields
        if (forms := tuple(expand_forms(field.type)))
    ]


def list_key_forms(form: Form) -> list[Form]:
    """The forms of the keys of a mapping whose keys are names."""
    if isinstance(form.type, inspect.DictType):
        return list(expand_forms(form.type.key_type))
    return []


def step_into(forms: tuple[Form, ...], step: str | int) -> tuple[Form, ...]:
    """The forms of a value one step further in."""
    found: list[Form] = []
    for form in forms:
        if isinstance(step, int):
            if isinstance(form.type, inspect.ListType):
                found += expand_forms(form.type.item_type)
        elif isinstance(form.type, inspect.StructType):
            found += _get_fields(form.type.cls).get(step, ())
        elif isinstance(form.type, inspect.DictType):
            found += expand_forms(form.type.value_type)
    return tuple(found)


@cache
def _get_fields(struct: type) -> Mapping[str, tuple[Form, ...]]:
    """The forms of each field: worked out once, as each name of a file asks for them."""
    found = inspect.type_info(struct)
    fields = found.fields if isinstance(found, inspect.StructType) else ()
    return {field.encode_name: tuple(expand_forms(field.type)) for field in fields}


def find_forms(kind: str, path: KeyPath) -> tuple[Form, ...]:
    """The forms that a value at this path may have; none where the model knows no such place."""
    forms = load_forms(kind)
    for step in path:
        forms = step_into(forms, step)
    return forms
