"""The sample flows are the same to every tool that reads YAML: editors, formatters, validators."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

FLOWS = Path(__file__).parents[2] / "flows"


def iterate_scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from iterate_scalars(key)
            yield from iterate_scalars(value)
    else:
        for value in node.value:
            yield from iterate_scalars(value)


@pytest.mark.parametrize("file", sorted(FLOWS.rglob("*.yaml")), ids=lambda file: file.name)
def test_phone_numbers_of_samples_are_text_to_other_tools(file: Path) -> None:
    root = yaml.compose(file.read_text(), yaml.CSafeLoader)
    integers = [one.value for one in iterate_scalars(root) if one.tag == "tag:yaml.org,2002:int"]
    assert not [value for value in integers if value.startswith("+")], "put quotes around it"
