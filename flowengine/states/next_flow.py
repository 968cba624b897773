"""next_flow: go over to another flow for good."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from flowengine.expr import EvalError
from flowengine.problems import suggest_name
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import FlowName, Scalar
from flowengine.states.flow_context import FlowSignature
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import GoToFlow, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.subflow import CalleeVariable, check_inputs, compile_input
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import Verb, WrittenValue

EXAMPLE = """
to_sales:
  say: I connect you with our sales line.
  next_flow: sales-line
"""


class NextFlow(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"given": "with"},
):
    """Go over to another flow, and not come back."""

    flow: Annotated[FlowName, Meta(description="The flow to go to.", examples=["sales-line"])]
    given: Annotated[
        dict[CalleeVariable, Scalar],
        Meta(description="Values for the inputs of the flow.", examples=[{"name": "${vars.name}"}]),
    ] = {}


class CompiledNextFlow(Verb, msgspec.Struct, frozen=True):
    """Goes over to another flow."""

    flow: str
    inputs: tuple[Assignment, ...]
    actions = frozenset[str]()
    waits = False
    is_end = True

    def enter(self, run: StepContext) -> StateResult:
        try:
            return GoToFlow(
                self.flow,
                {f"vars.{item.variable.name}": item.evaluate(run) for item in self.inputs},
            )
        except EvalError as error:
            return StateFailure(error.message)

    @property
    def next_flow(self) -> str:
        return self.flow

    def list_written_values(self) -> Iterator[WrittenValue]:
        for item in self.inputs:
            name = item.variable.name
            yield WrittenValue(item.variable, item.value, ("with", name), is_input=True)


def expand_next_flow(authored: str | NextFlow) -> NextFlow:
    return NextFlow(flow=authored) if isinstance(authored, str) else authored


def compile_next_flow(
    builder: StateBuilder, path: KeyPath, authored: str | NextFlow
) -> CompiledNextFlow | None:
    going = expand_next_flow(authored)
    place = path if isinstance(authored, str) else (*path, "flow")
    signature = builder.context.subflows.get(going.flow)
    if signature is None:
        if not builder.context.unread.has_name("flows", going.flow):
            add_unknown_flow_problem(builder, place, going.flow)
        return None
    check_flow_is_no_subflow(builder, place, going.flow, signature)
    check_inputs(builder, path, going.flow, going.given, signature)
    inputs = [
        compile_input(builder, (*path, "with", name), name, value, signature)
        for name, value in going.given.items()
    ]
    return CompiledNextFlow(going.flow, tuple(item for item in inputs if item))


def add_unknown_flow_problem(builder: StateBuilder, path: KeyPath, flow: str) -> None:
    states = builder.document.get_value(("states",))
    cure = f"{flow} is a state of this flow: write next: {flow}" if flow in states else ""
    builder.add_problem(
        "FE202",
        path,
        f"there is no flow {flow}",
        cure or suggest_name(flow, builder.context.subflows),
    )


def check_flow_is_no_subflow(
    builder: StateBuilder, path: KeyPath, flow: str, signature: FlowSignature
) -> None:
    if signature.outcomes:
        builder.add_problem(
            "FE456",
            path,
            f"{flow} is a subflow: it ends with an outcome, and nobody would take that",
            f"use it by `subflow: {{flow: {flow}, outcomes: …}}`, or go to a flow without outcomes:",
        )


def list_next_flow_facts(authored: NextFlow) -> Iterator[AuthoredFact]:
    yield AuthoredFact("flow", "flow", authored.flow, ("flow",))


NEXT_FLOW_KIND = StateKind(
    "next_flow",
    "Go over to another flow for good",
    EXAMPLE,
    Annotated[
        FlowName | NextFlow,
        Meta(
            title="next_flow",
            description="Go over to another flow for good.",
            examples=["sales-line", {"flow": "sales-line", "with": {"name": "${vars.name}"}}],
        ),
    ],
    compile_next_flow,
    "none",
    shape="subflow",
    summarise=lambda authored: str(authored["flow"] if isinstance(authored, dict) else authored),
    is_summary_first=True,
    list_facts=list_next_flow_facts,
    expand=expand_next_flow,
    data_keys=frozenset({"with"}),
)
