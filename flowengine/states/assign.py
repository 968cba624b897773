"""set: give variables new values."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Scalar, VariableName
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import Verb

EXAMPLE = """
count:
  set:
    tries: ${vars.tries + 1}
    tier: gold
  next: greet
"""
AuthoredSet = Annotated[
    dict[VariableName, Scalar],
    Meta(
        title="set",
        description="Variables and their new values: a value, a text with `${…}`, or one `${…}` "
        "that keeps its type. It may stand beside another kind, and comes before all else that the "
        "state does, each time that a call enters it.",
        examples=[{"tries": "${vars.tries + 1}"}],
        min_length=1,
    ),
]


class CompiledSet(Verb, msgspec.Struct, frozen=True):
    """Leads on: the preamble of its state has set the variables."""

    actions = frozenset[str]()
    waits = False

    def enter(self, _run: StepContext) -> StateResult:
        return Exit("next")


def compile_set(
    _builder: StateBuilder, _path: KeyPath, _authored: Mapping[str, Scalar]
) -> CompiledSet:
    return CompiledSet()


def compile_assignments(
    builder: StateBuilder, path: KeyPath, authored: Mapping[str, Scalar]
) -> tuple[Assignment, ...]:
    found = [
        compile_assignment(builder, (*path, name), name, value) for name, value in authored.items()
    ]
    return tuple(item for item in found if item)


def compile_assignment(
    builder: StateBuilder, path: KeyPath, name: str, value: Scalar
) -> Assignment | None:
    variable = builder.register_write(name, path)
    if variable is None:
        return None
    return Assignment(variable, builder.compile_value(path, value, variable))


def summarise_set(authored: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in authored.items())


def list_set_facts(authored: Mapping[str, Scalar]) -> Iterator[AuthoredFact]:
    for name, value in authored.items():
        yield AuthoredFact(
            "value", f"set {name}", value, (name,), topics=frozenset({f"variable {name}"})
        )


SET_KIND = StateKind(
    "set",
    "Give variables new values",
    EXAMPLE,
    AuthoredSet,
    compile_set,
    "same",
    compile_assignments=compile_assignments,
    summarise=summarise_set,
    is_summary_first=True,
    list_facts=list_set_facts,
    data_keys=frozenset({"set"}),
)
