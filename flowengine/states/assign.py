"""set: give variables new values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from flowengine.expr import EvalError
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Scalar, VariableName
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import Verb, WrittenValue

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
        "that keeps its type.",
        examples=[{"tries": "${vars.tries + 1}"}],
        min_length=1,
    ),
]


@dataclass(frozen=True, slots=True)
class CompiledSet(Verb):
    """Assigns values. All are computed before the first is assigned, so that two variables can be
    swapped.
    """

    assignments: tuple[Assignment, ...]
    actions = frozenset[str]()
    waits = False
    only_writes = True

    def enter(self, run: StepContext) -> StateResult:
        try:
            values = {f"vars.{item.variable.name}": item.evaluate(run) for item in self.assignments}
        except EvalError as error:
            return StateFailure(error.message)
        run.names.update(values)
        return Exit("next")

    def list_written_values(self) -> Iterator[WrittenValue]:
        for item in self.assignments:
            yield WrittenValue(item.variable, item.value, (item.variable.name,))


def compile_set(
    builder: StateBuilder, path: KeyPath, authored: Mapping[str, Scalar]
) -> CompiledSet:
    found = [
        compile_assignment(builder, (*path, name), name, value) for name, value in authored.items()
    ]
    return CompiledSet(tuple(item for item in found if item))


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
    summarise=summarise_set,
    is_summary_first=True,
    list_facts=list_set_facts,
    data_keys=frozenset({"set"}),
)
