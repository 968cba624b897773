"""The format of scenarios: its schema is its model, its examples fit, and its mistakes are found at
their place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowengine.compile import compile_project
from flowengine.model.json_schemas import describe_model, load_schema
from flowengine.problems import CATALOGUE, Problem
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.scenarios.scenario_model import SCENARIO_MODEL

HEADING = re.compile(r"^# (\S+\.yaml)\n", re.MULTILINE)
ENTRIES = [entry for entry in CATALOGUE.values() if entry.code.startswith("FE7")]


def problems(text: str) -> list[Problem]:
    first, *rest = HEADING.split(text)
    files = {"main.yaml": first, **dict(zip(rest[::2], rest[1::2], strict=True))}
    flows = {name: content.encode() for name, content in files.items() if "/" not in name}
    compiled = compile_project(flows, {})
    assert compiled.problems == ()
    return load_scenarios(
        {name: content.encode() for name, content in files.items() if "/" in name}, compiled
    )[1]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_catalogue_examples_are_wrong_and_right_as_they_say(entry: Any) -> None:
    assert [problem.code for problem in problems(entry.wrong)] == [entry.code]
    assert problems(entry.right) == []


def test_published_schema_is_the_generated_one() -> None:
    assert load_schema("scenario") == describe_model(*SCENARIO_MODEL["scenario"]), (
        "run flowengine schema schemas"
    )
    Draft202012Validator.check_schema(load_schema("scenario"))


def properties() -> Iterator[Any]:
    whole = load_schema("scenario")
    for owner, node in [("file", whole), *whole["$defs"].items()]:
        for key, value in node.get("properties", {}).items():
            yield pytest.param(whole, value, id=f"{owner}.{key}")


@pytest.mark.parametrize(("whole", "described"), list(properties()))
def test_property_is_explained_with_an_example_that_fits(
    whole: Mapping[str, Any], described: Mapping[str, Any]
) -> None:
    assert described.get("description")
    for example in described["examples"]:
        assert Draft202012Validator({**described, "$defs": whole["$defs"]}).is_valid(example), (
            example
        )


MISTAKES = {
    "scenarios: {a: {when: [{pres: 1}]}}": (
        'FE150 1:38 unknown key "pres" in entry 1 of "when"',
        'did you mean "press"?',
    ),
    "scenarios: {a: {when: [hang up]}}": ("FE153 1:37", 'did you mean "hangs up"?'),
    "scenarios: {a: {when: [{press: 1a}]}}": ("FE15", "keys are 0-9 * #"),
    "scenarios: {a: {given: {time: noon}}}": ("FE154", "write date and time: 2026-03-02 10:00"),
    "scenarios: {a: {when: [{asked: wellcome}]}}": (
        "FE703 1:45 line has no state wellcome",
        'did you mean "welcome"?',
    ),
    "scenarios: {a: {given: {lookups: [{service: crn, get: /a}]}}}": (
        "FE705",
        'did you mean "crm"?',
    ),
}


@pytest.mark.parametrize(("text", "expected"), list(MISTAKES.items()))
def test_mistakes_are_found_with_their_place_and_cure(text: str, expected: tuple[str, str]) -> None:
    project = ENTRIES[0].right.partition("# scenarios/")[0]
    found = problems(f"{project}# scenarios/line.yaml\n{{flow: line, {text}}}\n")
    told = [
        (
            f"{problem.code} {problem.span.line}:{problem.span.column} {problem.message}",
            problem.hint,
        )
        for problem in found
    ]
    assert any(expected[0] in said and expected[1] in hint for said, hint in told), told
