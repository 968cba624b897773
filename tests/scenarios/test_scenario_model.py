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
    "scenarios: {a: {when: [{asked: payment}]}}": (
        "FE703 1:45 line has no state payment",
        "there are welcome, find, goodbye",
    ),
    "scenarios: {a: {when: [{asked: bills.main}]}}": (
        "FE703 1:45 there is no flow bills",
        "there are line",
    ),
    "scenarios: {a: {then: {vars: {tier: gold}}}}": (
        "FE704 1:44 there is no variable tier",
        "there are account",
    ),
    "parties: {anna: {is: '+14045009001'}}, scenarios: {a: {when: [{ana: is rung}]}}": (
        'FE150 1:77 unknown key "ana" in entry 1 of "when"',
        'did you mean "anna"?',
    ),
    "parties: {anna: {is: '+14045009001'}}, scenarios: {a: {when: [{anna: anwsers}]}}": (
        'FE315 1:83 a party never "anwsers"',
        'write "answers"',
    ),
    "parties: {anna: {is: '+14045009001'}}, scenarios: {a: {when: [{anna: presses one}]}}": (
        'FE315 1:83 a party never "presses one"',
        "keys are 0-9 * #",
    ),
    "parties: {anna: {is: '+14045009001', does: sleeps}}, scenarios: {a: {}}": (
        "FE153",
        "",
    ),
    "parties: {press: {is: '+14045009001'}}, scenarios: {a: {}}": (
        "FE709 1:24 press: is a step",
        "take another name",
    ),
    "parties: {anna: {is: '+14045009001'}, bo: {is: '+14045009001'}}, scenarios: {a: {}}": (
        "FE709 1:52 bo is +14045009001, and so is anna",
        "one party has one name",
    ),
    "scenarios: {b: {parties: {bo: {is: '+14045009001'}}}, a: {when: [{bo: is rung}]}}": (
        "FE709 1:80 this scenario has no party bo",
        "name them under parties:",
    ),
    "parties: {bo: {is: '+14045009001'}}, scenarios: {a: {when: [{after: 5s, bo: answers}]}}": (
        "FE702 1:75 after: says how long it takes",
        "{after: 20s, anna: is rung}",
    ),
    "parties: {bo: {is: '+14045009001'}}, scenarios: {a: {when: [{press: 1, bo: answers}]}}": (
        "FE702 1:74 a step is one thing, and this one has press and bo",
        "one step for each",
    ),
    "parties: {bo: {is: '+14045009001'}}, scenarios: {a: {when: [{bo: hears /(/}]}}": (
        "FE707",
        "mend it",
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


def test_asked_state_of_another_flow_is_suggested_with_its_flow() -> None:
    mailbox = "flow: mailbox\nstart: hello\nstates: {hello: {say: Hello., hangup: }}\n"
    scenario = "flow: line\nscenarios: {a: {when: [{asked: hello}]}}\n"
    project = ENTRIES[0].right.partition("# scenarios/")[0]
    routes = project.replace(
        "project: acme\n",
        "project: acme\nroutes: [{to: '+14045550199', flow: mailbox}, {flow: line}]\n",
    )
    (found,) = problems(f"{routes}# mailbox.yaml\n{mailbox}# scenarios/line.yaml\n{scenario}")
    assert (found.code, found.hint) == ("FE703", 'did you mean "mailbox.hello"?')
