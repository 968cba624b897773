"""set: give variables new values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from flowengine.expr import EvalError, Expression, Template, Type, to_ascii_digits
from flowengine.source import Path
from flowengine.states.builder import Builder, Variable, misfit
from flowengine.states.fields import Name
from flowengine.states.move import Exit, Failed, Move
from flowengine.states.run import Run

EXAMPLE = """
count:
  set:
    tries: ${vars.tries + 1}
    tier: gold
  next: greet
"""
MAX_DECIMAL = 1e300  # larger ones are no floats any more, and no amounts of anything either
DIGIT_KINDS = frozenset({"digits", "date", "time"})
Scalar = str | int | float | bool
Set = Annotated[
    dict[Name, Scalar],
    Meta(
        title="set",
        description="Variables and their new values: a value, a text with `${…}`, or one `${…}` "
        "that keeps its type.",
        examples=[{"tries": "${vars.tries + 1}"}],
        min_length=1,
    ),
]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One value for one variable."""

    variable: Variable
    value: Expression | Template | Scalar | None

    def evaluate(self, run: Run) -> Any:
        if isinstance(self.value, Expression):
            return held(self.value.evaluate(run.names), self.variable, run.notes)
        if isinstance(self.value, Template):
            return held(self.value.render(run.names), self.variable, run.notes)
        return self.value


def held(value: Any, variable: Variable, notes: list[str] | None = None) -> Any:
    """The value as the variable holds it. Values from outside are converted; what does not fit is
    an EvalError, never a surprise later. A text that is cut is told in the notes.
    """
    if variable.type is Type.TEXT:
        text = held_text(value, variable)
        return text if len(text) <= variable.size else cut_text(text, variable, notes)
    if variable.type is Type.BOOLEAN and isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return held_number(value, variable)
    raise EvalError(f"{variable.name} is {variable.kind} and cannot hold this value")


def held_text(value: Any, variable: Variable) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise EvalError(f"{variable.name} is {variable.kind} and cannot hold a list or a record")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if variable.kind == "text":
        return text
    if variable.kind in DIGIT_KINDS:
        text = to_ascii_digits(text)
    if fault := misfit(text, variable):
        raise EvalError(f"{variable.name} is {variable.kind}: {fault}")
    return text


def cut_text(text: str, variable: Variable, notes: list[str] | None) -> str:
    """As much of a text as the variable holds. The note has no part of it: it may be a caller's."""
    if notes is not None:
        notes.append(f"cut: {variable.name} holds {variable.size} of {len(text)} characters")
    return text[: variable.size]


def held_number(value: float, variable: Variable) -> int | float:
    if variable.type is Type.DECIMAL and abs(value) < MAX_DECIMAL:
        return float(value)
    if abs(value) < 2**63 and float(value).is_integer():
        return int(value)
    raise EvalError(f"{variable.name} is {variable.kind} and cannot hold this number")


@dataclass(frozen=True, slots=True)
class CompiledSet:
    """Assignments; all are worked out before the first is made, so that two variables can change
    places.
    """

    assignments: tuple[Assignment, ...]
    actions = frozenset[str]()
    waits = False

    def enter(self, run: Run) -> Move:
        try:
            values = {f"vars.{item.variable.name}": item.evaluate(run) for item in self.assignments}
        except EvalError as error:
            return Failed(error.message)
        run.names.update(values)
        return Exit("next")

    def resume(self, run: Run) -> Move:
        return self.enter(run)


def compile_set(builder: Builder, path: Path, authored: Mapping[str, Scalar]) -> CompiledSet:
    found = [assignment(builder, (*path, name), name, value) for name, value in authored.items()]
    return CompiledSet(tuple(item for item in found if item))


def assignment(builder: Builder, path: Path, name: str, value: Scalar) -> Assignment | None:
    variable = builder.variable(name, path)
    if variable is None:
        return None
    return Assignment(variable, builder.value(path, value, variable))
