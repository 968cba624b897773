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
from flowengine.model.json_schemas import SCHEMA_MODELS, generate_schema, load_schema
from flowengine.source import read_document
from flowengine.source.schema_validation import validate_document
from flowengine.states import STATE_KINDS
from flowengine.states.preamble import RECORD_EXAMPLE
from tests.thoroughness import examples

Json = Any
EXAMPLES = {**{name: kind.example for name, kind in STATE_KINDS.items()}, "record": RECORD_EXAMPLE}
VALIDATORS = {name: Draft202012Validator(load_schema(name)) for name in ("flow", "project")}


def data(text: str) -> Json:
    document, problems = read_document(text.encode(), "example.yaml")
    assert document, problems
    return document.data


def mentioned(states: Mapping[str, Json]) -> set[str]:
    """The states that the example leads to, which a flow around it must have."""
    found: set[str] = set()

    def walk(value: Json, key: str = "") -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(
                    item,
                    "next"
                    if key in ("options", "outcomes", "on") and isinstance(item, str)
                    else name,
                )
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif key in ("next", "otherwise", "failed", "answered") and isinstance(value, str):
            found.add(value)

    walk(states)
    return found - states.keys()


def around(text: str) -> dict[str, Json]:
    """A flow around an example: every state that it leads to, and every variable that examples use."""
    states = data(text)
    start = next(iter(states))
    entry = (
        {"start": "enter", "on": {"answered": start, "ended": "over"}}
        if start == "announce"
        else {"start": start}
    )
    if start == "reported":
        entry = {"start": "enter", "on": {"ended": start}}
    ends = {name: {"hangup": {}} for name in sorted(mentioned(states))}
    texts = {name: {"type": "text", "max": 40} for name in ("name", "tier", "pin", "account")}
    return {
        "flow": "line", "locale": "en-US", **entry, "outcomes": ["right"], "error": "failed",
        "vars": {**texts, "account": {"type": "digits", "max": 8}, "tries": {"type": "integer"}},
        "states": {**states, **ends, "enter": {"connect": "+14045009000"}, "over": {"done": {}}, "failed": {"hangup": {}}},
    }  # fmt: skip


PIN = """
flow: ask-pin
start: look
vars: {expected: {type: text, max: 40}, attempts: {type: integer, default: 1}}
inputs: [expected]
outputs: [attempts]
outcomes: [right, wrong]
states:
  look: {choose: [{when: vars.expected == "1", next: right}, {next: wrong}]}
  right: {return: right}
  wrong: {return: wrong}
"""
PROJECT = """
project: test
routes: [{flow: line}]
services: {crm: {url: "https://crm.example.com"}}
calendars: {support: {zone: Europe/Stockholm, open: {mon-fri: "09:00-17:00"}}}
secrets: {s3: S3}
defaults: {attempts: 3, timeout: 5s, no_input: Sorry?, no_match: {each: [No., "No!"]}}
tables: {people: {rows: {"1": {name: Ann, age: 3}}, default: {name: "", age: 0}}}
messages: {bye: {en-US: Bye., sv-SE: Hej då.}}
apology: {en-US: Sorry.}
platform: {menu_ids: main, deadline: 4s}
applications: [{key: abc, secret: SECRET}]
"""


@pytest.mark.parametrize("kind", EXAMPLES)
def test_kind_example_compiles(kind: str) -> None:
    flow = msgspec.json.encode(around(EXAMPLES[kind]))
    made = compile_project(
        {"line.yaml": flow, "ask-pin.yaml": PIN.encode(), "project.yaml": PROJECT.encode()},
        {"S3": "x", "SECRET": "x"},
    )
    assert [problem.message for problem in made.problems if problem.severity == "error"] == []
    assert made.release


@pytest.mark.parametrize("name", SCHEMA_MODELS)
def test_published_schema_is_the_generated_one(name: str) -> None:
    assert load_schema(name) == generate_schema(name), (
        "write it anew: flowengine.model.json_schemas.write_schemas"
    )
    Draft202012Validator.check_schema(load_schema(name))


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


WHOLES = [("flow", Flow, around(text)) for text in EXAMPLES.values()] + [
    ("flow", Flow, data(PIN)),
    ("project", Project, data(PROJECT)),
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
    other = {"flow": around(EXAMPLES["hangup"]), "project": data(PROJECT)}
    files = {
        f"{key}.yaml": msgspec.json.encode(value) for key, value in {**other, name: whole}.items()
    }
    made = compile_project({**files, "ask-pin.yaml": PIN.encode()}, {})
    failed = any(problem.severity == "error" for problem in made.problems)
    assert (made.release is None) is failed
