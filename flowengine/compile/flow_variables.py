"""The variables of a flow: declared, handed in and out, and what they hold at first."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from flowengine.expr import Type
from flowengine.model import Flow, Var
from flowengine.problems import Problem, suggest_name
from flowengine.source import Document, KeyPath
from flowengine.states import FlowSignature, Variable
from flowengine.states.value_forms import explain_misfit

TYPES_BY_KIND = {"integer": Type.INTEGER, "decimal": Type.DECIMAL, "boolean": Type.BOOLEAN}
SIZES_BY_KIND = {"date": 10, "time": 5, "integer": 20, "decimal": 24, "boolean": 5}
DEFAULT_SIZE = 64
EMPTY_VALUES: Mapping[Type, Any] = {
    Type.INTEGER: 0,
    Type.DECIMAL: 0.0,
    Type.BOOLEAN: False,
    Type.TEXT: "",
}
DEFAULT_HINTS = {
    Type.TEXT: "write text in quotes",
    Type.INTEGER: "write a whole number without quotes",
    Type.DECIMAL: "write a number without quotes",
    Type.BOOLEAN: "write true or false without quotes",
}


def compile_variables(
    flow: Flow, document: Document, problems: list[Problem]
) -> dict[str, Variable]:
    return {
        name: compile_variable(name, var, document, problems) for name, var in flow.vars.items()
    }


def compile_variable(name: str, var: Var, document: Document, problems: list[Problem]) -> Variable:
    kind = TYPES_BY_KIND.get(var.type, Type.TEXT)
    default = None if var.default is UNSET else var.default
    path: KeyPath = ("vars", name, "default")
    if var.type == "choice" and not var.choices:
        problems.append(
            Problem(
                "FE218",
                document.find_span(("vars", name)),
                f"{name} is a choice without choices",
                "add `choices: [gold, standard]`",
            )
        )
    size = SIZES_BY_KIND.get(var.type) or (
        max(map(len, var.choices), default=1) if var.type == "choice" else var.max or DEFAULT_SIZE
    )
    declared = Variable(name, var.type, kind, size, var.secret, default, tuple(var.choices))
    if default is not None and (reason := explain_misfit(default, declared)):
        hint = suggest_name(str(default), var.choices) or (
            "" if kind is Type.TEXT and isinstance(default, str) else DEFAULT_HINTS[kind]
        )
        problems.append(
            Problem(
                "FE302",
                document.find_span(path),
                f"the default does not fit {name}: {reason}",
                hint,
            )
        )
    return declared


def compile_signature(
    flow: Flow, document: Document, known: Mapping[str, Variable], problems: list[Problem]
) -> FlowSignature:
    def pick_variables(part: str, names: list[str]) -> tuple[Variable, ...]:
        for index, name in enumerate(names):
            if name not in known:
                problems.append(
                    Problem(
                        "FE201",
                        document.find_span((part, index)),
                        f"there is no variable {name}",
                        suggest_name(name, known) or "declare it under vars:",
                    )
                )
        return tuple(known[name] for name in names if name in known)

    return FlowSignature(
        pick_variables("inputs", flow.inputs),
        pick_variables("outputs", flow.outputs),
        tuple(flow.outcomes),
    )


def get_initial_value(variable: Variable) -> Any:
    """The first value, in the type in which the variable always holds it."""
    if variable.default is None:
        return EMPTY_VALUES[variable.type]
    # YAML reads 12 as an integer; CEL would then compute with integers
    whole = variable.type is Type.DECIMAL and isinstance(variable.default, int)
    return float(variable.default) if whole else variable.default
