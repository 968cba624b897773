"""What is wrong with the data that a placed call hands to its flow."""

from collections.abc import Mapping
from typing import Any

from flowengine.compile import Release
from flowengine.expr import EvalError
from flowengine.problems import suggest_name
from flowengine.states.variable_values import convert_value


def find_input_fault(release: Release, flow: str, data: Mapping[str, Any]) -> str:
    """The first value that the flow does not know or cannot hold: in a call it would do without it.
    Nothing where it takes all.
    """
    inputs = {variable.name: variable for variable in release.programs[flow].signature.inputs}
    for name, handed in data.items():
        if name not in inputs:
            hint = suggest_name(name, inputs) or (
                f"it has {', '.join(inputs)}" if inputs else "it has none"
            )
            return f"{name}: the flow {flow} has no such input; {hint}"
        try:
            convert_value(handed, inputs[name])
        except EvalError as error:
            return f"{name}: {error.message}"
    return ""
