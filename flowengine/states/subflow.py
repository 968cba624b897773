"""subflow and return: use a flow inside another, with inputs, outputs and named outcomes."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from flowengine.expr import EvalError
from flowengine.problems import find_nearest, suggest_name
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import FlowName, Name, Scalar, StateName, VariableName, mark_name
from flowengine.states.flow_context import FlowSignature, Variable
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import (
    EnterSubflow,
    ReturnFromSubflow,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.variable_values import Assignment, truncate_text
from flowengine.states.verb import Verb, WrittenValue

EXAMPLE = """
check_pin:
  subflow:
    flow: ask-pin
    with: {expected: "${vars.pin}"}
    into: {tries: attempts}
    outcomes: {right: greet, wrong: goodbye}
"""
RETURN_EXAMPLE = """
accepted:
  return: right
"""


CalleeVariable = Annotated[Name, mark_name("variable of the subflow")]


class Subflow(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"given": "with"},
):
    """Run another flow and come back by one of its outcomes."""

    flow: Annotated[FlowName, Meta(description="The flow to run.", examples=["ask-pin"])]
    outcomes: Annotated[
        dict[Annotated[Name, mark_name("outcome of the subflow")], StateName],
        Meta(
            description="Where each outcome of the flow leads.",
            examples=[{"right": "greet"}],
            min_length=1,
        ),
    ]
    given: Annotated[
        dict[CalleeVariable, Scalar],
        Meta(
            description="Values for the inputs of the flow.", examples=[{"expected": "${vars.pin}"}]
        ),
    ] = {}
    into: Annotated[
        dict[VariableName, CalleeVariable],
        Meta(
            description="Variables of this flow and the outputs they take.",
            examples=[{"tries": "attempts"}],
        ),
    ] = {}


AuthoredReturn = Annotated[
    Annotated[Name, mark_name("outcome")],
    Meta(
        title="return", description="End this subflow with one of its outcomes.", examples=["right"]
    ),
]


class CompiledSubflow(Verb, msgspec.Struct, frozen=True):
    """Uses another flow. `into` pairs a variable of this flow with an output of the other."""

    flow: str
    inputs: tuple[Assignment, ...]
    into: tuple[tuple[Variable, str], ...]
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        try:
            return EnterSubflow(
                self.flow,
                {f"vars.{item.variable.name}": item.evaluate(run) for item in self.inputs},
            )
        except EvalError as error:
            return StateFailure(error.message)

    @property
    def callee(self) -> str:
        return self.flow

    def list_written_values(self) -> Iterator[WrittenValue]:
        for item in self.inputs:
            name = item.variable.name
            yield WrittenValue(item.variable, item.value, ("with", name), is_input=True)
        for variable, output in self.into:
            yield WrittenValue(variable, None, ("into", variable.name), output=output)

    def convert_outputs(self, ended: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        """The variables of this flow after the other one has ended with these names. A text is cut
        to what its variable holds.
        """
        found = {}
        for variable, output in self.into:
            value = ended[f"vars.{output}"]
            # other kinds are checked when compiled; only the size of a text may differ
            too_long = variable.kind == "text" and len(value) > variable.size
            found[f"vars.{variable.name}"] = (
                truncate_text(value, variable, notes) if too_long else value
            )
        return found


class CompiledReturn(Verb, msgspec.Struct, frozen=True):
    """Ends the subflow."""

    outcome: str
    actions = frozenset[str]()
    waits = False
    is_end = True

    def enter(self, _run: StepContext) -> StateResult:
        return ReturnFromSubflow(self.outcome)

    @property
    def returned_outcome(self) -> str:
        return self.outcome


def compile_subflow(
    builder: StateBuilder, path: KeyPath, subflow: Subflow
) -> CompiledSubflow | None:
    signature = builder.context.subflows.get(subflow.flow)
    for outcome, target in subflow.outcomes.items():
        builder.add_exit(f"outcome {outcome}", target, (*path, "outcomes", outcome), label=outcome)
    if signature is None and builder.context.unread.has_name("flows", subflow.flow):
        return None  # it is told in the file of that flow
    if signature is None:
        builder.add_problem(
            "FE202",
            (*path, "flow"),
            f"there is no flow {subflow.flow}",
            suggest_name(subflow.flow, builder.context.subflows),
        )
        return None
    check_outcomes(builder, path, subflow, signature)
    check_inputs(builder, path, subflow.flow, subflow.given, signature)
    inputs = [
        compile_input(builder, (*path, "with", name), name, value, signature)
        for name, value in subflow.given.items()
    ]
    into = [
        compile_output(builder, (*path, "into", name), name, there, signature)
        for name, there in subflow.into.items()
    ]
    return CompiledSubflow(
        subflow.flow, tuple(item for item in inputs if item), tuple(item for item in into if item)
    )


def check_inputs(
    builder: StateBuilder,
    path: KeyPath,
    flow: str,
    given: Collection[str],
    signature: FlowSignature,
) -> None:
    """What a flow needs and is not handed in."""
    unknown = set(given) - {item.name for item in signature.inputs}
    missing = [
        item.name
        for item in signature.inputs
        if item.name not in given and item.default is None and not is_mistyped(item.name, unknown)
    ]
    if missing:
        builder.add_problem(
            "FE215",
            path,
            f"{flow} needs {', '.join(missing)}",
            "hand it in under with:",
            at_key=True,
        )


def check_outcomes(
    builder: StateBuilder, path: KeyPath, subflow: Subflow, signature: FlowSignature
) -> None:
    unknown = set(subflow.outcomes) - set(signature.outcomes)
    for outcome in subflow.outcomes:
        if outcome in unknown:
            builder.add_problem(
                "FE216",
                (*path, "outcomes", outcome),
                f"{subflow.flow} has no outcome {outcome}",
                suggest_name(outcome, signature.outcomes)
                or f"its outcomes are {', '.join(signature.outcomes)}",
                at_key=True,
            )
    for outcome in signature.outcomes:
        if outcome not in subflow.outcomes and not is_mistyped(outcome, unknown):
            builder.add_problem(
                "FE206",
                (*path, "outcomes"),
                f"nothing says where the call goes after {outcome}",
                f"add `{outcome}: <state>`",
                at_key=True,
            )


def is_mistyped(name: str, unknown: Collection[str]) -> bool:
    """Whether an unknown name is near to this one, so that it is not missing as well."""
    return any(find_nearest(other, [name]) for other in unknown)


def compile_input(
    builder: StateBuilder, path: KeyPath, name: str, value: Scalar, signature: FlowSignature
) -> Assignment | None:
    variable = next((item for item in signature.inputs if item.name == name), None)
    if variable is None:
        known = [item.name for item in signature.inputs]
        builder.add_problem(
            "FE201",
            path,
            f"the flow has no input {name}",
            suggest_name(name, known)
            or (
                f"its inputs are {', '.join(known)}"
                if known
                else "remove it: the flow has no inputs:"
            ),
            at_key=True,
        )
        return None
    return Assignment(variable, builder.compile_value(path, value, variable))


def compile_output(
    builder: StateBuilder, path: KeyPath, name: str, there: str, signature: FlowSignature
) -> tuple[Variable, str] | None:
    variable = builder.register_write(name, path)
    found = next((item for item in signature.outputs if item.name == there), None)
    if found is None:
        builder.add_problem(
            "FE201",
            path,
            f"the flow has no output {there}",
            suggest_name(there, [item.name for item in signature.outputs]),
        )
    elif variable and variable.type != found.type:
        builder.add_problem(
            "FE221",
            path,
            f"{name} is {variable.kind}, but {there} is {found.kind}",
            "declare both alike",
        )
    return (variable, there) if variable and found else None


def compile_return(builder: StateBuilder, path: KeyPath, outcome: str) -> CompiledReturn:
    outcomes = builder.context.subflows[builder.context.flow].outcomes
    if outcome not in outcomes:
        builder.add_problem(
            "FE216",
            path,
            f"this flow has no outcome {outcome}",
            suggest_name(outcome, outcomes) or "declare it under outcomes:",
        )
    return CompiledReturn(outcome)


def list_subflow_facts(authored: Subflow) -> Iterator[AuthoredFact]:
    yield AuthoredFact("flow", "flow", authored.flow, ("flow",))


SUBFLOW_KIND = StateKind(
    "subflow",
    "Use another flow",
    EXAMPLE,
    Annotated[
        Subflow,
        Meta(
            title="subflow",
            description="Use another flow.",
            examples=[{"flow": "ask-pin", "outcomes": {"right": "greet", "wrong": "goodbye"}}],
        ),
    ],
    compile_subflow,
    "none",
    shape="subflow",
    summarise=lambda authored: str(authored["flow"]),
    is_summary_first=True,
    list_facts=list_subflow_facts,
    data_keys=frozenset({"with", "into", "outcomes"}),
)
RETURN_KIND = StateKind(
    "return",
    "End a subflow",
    RETURN_EXAMPLE,
    AuthoredReturn,
    compile_return,
    "none",
    shape="end",
    identifying_options=frozenset({"return"}),
)
