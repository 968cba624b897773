"""The structs, the schema and the transcribed facts about the platform say the same."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

from flowengine import svaml

MATRIX = json.loads(Path(__file__).with_name("matrix.json").read_text())
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "svaml.schema.json").read_text())
KINDS = {
    kind.__struct_config__.tag: kind
    for kind in (*get_args(svaml.AnyInstruction), *get_args(svaml.AnyAction))
}
FACTS = MATRIX["instructions"] | MATRIX["actions"]
# facts of the documentation which are no part of the official description
EXTRA = {"reportCallStatus"}


def wire_names(kind: Any) -> dict[str, Any]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def inner(kind: Any) -> Any:
    """The struct inside `X | None` or `tuple[X, ...]`, if there is one"""
    kinds = [kind, *get_args(kind)]
    return next(
        (found for found in kinds if isinstance(found, type) and issubclass(found, msgspec.Struct)),
        None,
    )


def assert_same(facts: dict[str, Any], kind: Any) -> None:
    names = wire_names(kind)
    assert set(names) == set(facts)
    for name, fact in facts.items():
        shape = fact[0] if isinstance(fact, list) else fact
        if isinstance(shape, dict):
            assert_same(shape, inner(names[name].type))


def test_schema_has_the_kinds_of_the_platform_and_no_other():
    assert set(KINDS) == set(FACTS) | EXTRA


@pytest.mark.parametrize("name", FACTS)
def test_struct_has_each_property(name):
    assert_same(FACTS[name]["props"], KINDS[name])


@pytest.mark.parametrize("name", FACTS)
def test_property_that_the_platform_requires_has_no_default(name):
    names = wire_names(KINDS[name])
    assert all(names[required].required for required in FACTS[name]["required"])


@pytest.mark.parametrize("name", FACTS)
def test_schema_has_each_property(name):
    properties = SCHEMA["$defs"][name]["properties"]
    assert set(properties) == set(FACTS[name]["props"]) | {"name"}


@pytest.mark.parametrize("context", ["ice", "ace", "pie", "dice", "notify"])
def test_legal_contexts_are_those_of_the_platform(context):
    facts = MATRIX["contexts"][context]
    extra = {facts["docs2021_extra_instruction"]} if context == "dice" else set()
    assert set(facts["actions"]) == svaml.LEGAL_ACTIONS[context]
    assert set(facts["instructions"]) | extra == svaml.LEGAL_INSTRUCTIONS[context]


@pytest.mark.parametrize("name", ["svaml", "callback"])
def test_schema_describes_itself(name):
    schema = json.loads((Path(__file__).parents[2] / "schemas" / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    for path, value in properties(schema, ()):
        assert {"title", "description", "examples"} <= set(value), path
        for example in value["examples"]:
            Draft202012Validator(value | {"$defs": schema["$defs"]}).validate(example)


def properties(schema: Any, path: tuple[str, ...]):
    conditional = "if" in path
    for key, value in (
        schema.items()
        if isinstance(schema, dict)
        else enumerate(schema)
        if isinstance(schema, list)
        else ()
    ):
        if key == "properties" and not conditional and "contains" not in path:
            yield from (((*path, name), described) for name, described in value.items())
        if key not in {"examples", "const", "enum"}:
            yield from properties(value, (*path, str(key)))
