"""The published schemas are the typed model: equal, documented, and of one mind with it about every
file.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowengine.compile import compile_project
from flowengine.model import Flow, Project
from flowengine.model.json_schemas import (
    SCHEMA_MODELS,
    generate_schema,
    load_schema,
    read_published_schema,
)
from flowengine.source import read_document
from flowengine.source.schema_validation import validate_document
from tests.states.kind_examples import (
    EXAMPLES,
    PIN,
    PROJECT,
    build_example_flow,
    compile_example,
    read_yaml,
)
from tests.thoroughness import examples

Json = Any
VALIDATORS = {
    name: Draft202012Validator(read_published_schema(name)) for name in ("flow", "project")
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_kind_example_compiles(kind: str) -> None:
    compile_example(build_example_flow(EXAMPLES[kind]))


@pytest.mark.parametrize("name", SCHEMA_MODELS)
def test_published_schema_is_the_generated_one(name: str) -> None:
    assert read_published_schema(name) == generate_schema(name), (
        "write it anew: flowengine.model.json_schemas.write_schemas"
    )
    Draft202012Validator.check_schema(read_published_schema(name))


def properties(name: str) -> Iterator[Any]:
    whole = load_schema(name)
    for owner, node in [(name, whole), *whole.get("$defs", {}).items()]:
        for key, value in node.get("properties", {}).items():
            yield pytest.param(whole, value, id=f"{name}: {owner}.{key}")


@pytest.mark.parametrize(
    ("whole", "described"),
    [case for name in ("flow", "project", "table") for case in properties(name)],
)
def test_property_is_explained_with_an_example_that_fits(
    whole: Mapping[str, Json], described: Mapping[str, Json]
) -> None:
    assert described.get("description") or described.get("title")
    assert described["examples"]
    for example in described["examples"]:
        errors = Draft202012Validator({**described, "$defs": whole["$defs"]}).iter_errors(example)
        assert [error.message for error in errors] == []


def accepted(model: Any, value: Json) -> bool:
    try:
        msgspec.convert(value, model)
    except msgspec.ValidationError:
        return False
    return True


WHOLES = [("flow", Flow, build_example_flow(text)) for text in EXAMPLES.values()] + [
    ("flow", Flow, read_yaml(PIN)),
    ("project", Project, read_yaml(PROJECT)),
]
shapes = st.sampled_from(["a", 1, {}])
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 20),
    st.integers(-2, 20).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "",
            "a b",
            "#",
            "bill",
            "10%",
            "5s",
            "en-US",
            "${vars.name}",
            "A",
            "x" * 41,
            "9-1",
            "a\n",
            "5s\n",
        ]
    ),
    st.lists(shapes, max_size=2),
    st.dictionaries(st.sampled_from(["a", "1", "when", "next", "text", "A b"]), shapes, max_size=2),
)


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items: Iterator[tuple[str | int, Json]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def mutated(draw: st.DrawFn, whole: Json) -> Json:
    """The file with one thing dropped, replaced, added or named otherwise."""
    value = copy.deepcopy(whole)
    *way, last = draw(st.sampled_from(list(places(value))))
    at = value
    for key in way:
        at = at[key]
    change = draw(st.sampled_from(["drop", "replace", "add", "rename"]))
    if change == "drop":
        del at[last]
    elif change == "replace" or not isinstance(at, dict):
        at[last] = draw(odd)
    elif change == "add":
        at[
            draw(
                st.sampled_from(
                    ["a", "next", "note", "say", "hangup", "timeout", "*", "A", "404", "voice"]
                )
            )
        ] = draw(odd)
    else:
        at[draw(st.sampled_from(["next", "other", "Other", "2", "a-b", "x" * 41]))] = at.pop(last)
    return value


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, Any, Json]:
    name, model, whole = draw(st.sampled_from(WHOLES))
    for _ in range(draw(st.integers(1, 3))):
        whole = mutated(draw, whole)
    return name, model, whole


@pytest.mark.parametrize(("name", "model", "whole"), WHOLES, ids=[*EXAMPLES, "pin", "project"])
def test_schema_and_model_accept_the_examples(name: str, model: Any, whole: Json) -> None:
    assert [error.message for error in VALIDATORS[name].iter_errors(whole)] == []
    assert accepted(model, whole)


@settings(max_examples=examples(1500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=changed())
def test_schema_and_model_are_of_one_mind_about_every_other_file(
    case: tuple[str, Any, Json],
) -> None:
    name, model, whole = case
    document, problems = read_document(msgspec.json.encode(whole), "file.yaml")
    assert document
    assert problems == []
    checked = validate_document(document, load_schema(name)) == []
    # Python's patterns overlook a line break at the end; the check does not, so it may be the
    # stricter one there
    overlooked = any(text.endswith("\n") for text in texts(whole))
    assert checked is accepted(model, whole) or (overlooked and not checked), whole
    if checked:
        assert VALIDATORS[name].is_valid(whole), (
            "an editor with the published schema would say otherwise"
        )


def texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@given(case=changed())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_compiling_such_a_file_ends_with_problems_or_a_release(case: tuple[str, Any, Json]) -> None:
    name, _, whole = case
    other = {"flow": build_example_flow(EXAMPLES["hangup"]), "project": read_yaml(PROJECT)}
    files = {
        f"{key}.yaml": msgspec.json.encode(value) for key, value in {**other, name: whole}.items()
    }
    made = compile_project({**files, "ask-pin.yaml": PIN.encode()}, {})
    failed = any(problem.severity == "error" for problem in made.problems)
    assert (made.release is None) is failed
