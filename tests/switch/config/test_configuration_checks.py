"""What somebody reads whose configuration of the switch is wrong; and that the schema, the model
and the catalogue are of one mind.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowengine.problems import CATALOGUE, to_text
from flowengine.switch.config import parse_configuration
from flowengine.switch.config.configuration_schema import generate_schema, load_schema

HERE = Path(__file__).parent / "configs"
CODES = [entry for code, entry in CATALOGUE.items() if code.startswith("FE6")]


@pytest.mark.parametrize("name", ["names", "shape"])
def test_configuration_mistakes_read_as_their_golden_file(name, golden):
    content = (HERE / f"{name}.yaml").read_bytes()
    made, problems = parse_configuration(content, f"{name}.yaml", {})
    assert made is None
    golden(HERE / f"{name}.txt", to_text(problems, {f"{name}.yaml": content}))


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: entry.code)
def test_catalogue_examples_are_wrong_and_right_as_they_say(entry):
    assert entry.code in [
        problem.code for problem in parse_configuration(entry.wrong.encode(), "switch.yaml", {})[1]
    ]
    made, problems = parse_configuration(entry.right.encode(), "switch.yaml", {})
    assert problems == []
    assert made


def test_yaml_that_cannot_be_read_is_a_problem_too():
    made, problems = parse_configuration(b"numbers: [", "switch.yaml", {})
    assert made is None
    assert problems


def test_published_schema_is_the_generated_one():
    assert load_schema() == generate_schema(), "write it anew: flowengine schema schemas"
    Draft202012Validator.check_schema(load_schema())


def properties() -> Iterator[Any]:
    for owner, node in [("switch", load_schema()), *load_schema()["$defs"].items()]:
        for key, value in node.get("properties", {}).items():
            yield pytest.param(value, id=f"{owner}.{key}")


@pytest.mark.parametrize("described", list(properties()))
def test_property_is_explained_with_an_example_that_fits(
    described: Mapping[str, Any],
) -> None:
    assert described.get("description")
    assert described["examples"]
    for example in described["examples"]:
        assert (
            list(
                Draft202012Validator({**described, "$defs": load_schema()["$defs"]}).iter_errors(
                    example
                )
            )
            == []
        )
