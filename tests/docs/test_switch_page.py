"""The page about the switch says what there is."""

import re
from pathlib import Path

import pytest

from flowengine.cli.switch import switch
from flowengine.switch.api.control_routes import CONTROL_ROUTES
from flowengine.switch.config import parse_configuration
from flowengine.switch.config.configuration_schema import load_schema

PAGE = (Path(__file__).parents[2] / "docs" / "switch.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml switch\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_well_formed(text: str) -> None:
    made, problems = parse_configuration(
        text.encode(), "switch.yaml", {"ACME_SECRET": "BeIukql3pTKJ8RGL5zo0DA=="}
    )
    assert problems == []
    assert made


def test_configuration_keys_are_shown() -> None:
    assert EXAMPLES
    for name in load_schema()["$defs"]["Configuration"]["properties"]:
        assert re.search(rf"^{name}:", EXAMPLES[0], re.MULTILINE), name


def test_control_routes_are_listed() -> None:
    assert set(re.findall(r"^\| `((?:GET|POST) /desk/[^`]+)` \|", PAGE, re.MULTILINE)) == {
        f"{route.method} /desk/{route.path}" for route in CONTROL_ROUTES
    }


def test_options_are_listed() -> None:
    for parameter in switch.params:
        assert (
            "| "
            f"`{'--' + str(parameter.name) if parameter.param_type_name == 'option' else 'CONFIG'}` |"
            in PAGE
        )
