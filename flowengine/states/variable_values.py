"""Converts values for variables, cuts texts that are too long, and refuses what does not fit."""

from typing import Any

import msgspec

from flowengine.expr import EvalError, Expression, Template, Type, to_ascii_digits
from flowengine.states.field_types import Scalar
from flowengine.states.flow_context import Variable
from flowengine.states.step_context import StepContext
from flowengine.states.value_forms import explain_misfit

MAX_DECIMAL = 1e300  # larger ones are no floats any more, and no amounts of anything either
DIGIT_KINDS = frozenset({"digits", "date", "time"})


class Assignment(msgspec.Struct, frozen=True):
    """One value for one variable."""

    variable: Variable
    value: Expression | Template | Scalar | None

    def evaluate(self, run: StepContext) -> Any:
        if isinstance(self.value, Expression):
            return convert_value(self.value.evaluate(run.names), self.variable, run.notes)
        if isinstance(self.value, Template):
            return convert_value(self.value.render(run.names), self.variable, run.notes)
        return self.value


def convert_value(value: Any, variable: Variable, notes: list[str] | None = None) -> Any:
    """The value in the type of the variable. A value from outside is converted; raises EvalError
    where it does not fit. The notes tell of a text that is cut.
    """
    if variable.type is Type.TEXT:
        text = convert_text(value, variable)
        return text if len(text) <= variable.size else truncate_text(text, variable, notes)
    if variable.type is Type.BOOLEAN and isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return convert_number(value, variable)
    raise EvalError(f"{variable.name} is {variable.kind} and cannot hold this value")


def convert_text(value: Any, variable: Variable) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise EvalError(f"{variable.name} is {variable.kind} and cannot hold a list or a record")
    # true, as authors and JSON write it, not True
    text = str(value).lower() if isinstance(value, bool) else str(value)
    # only free text is cut; half a date or number would be a wrong one
    if variable.kind == "text":
        return text
    if variable.kind in DIGIT_KINDS:
        text = to_ascii_digits(text)
    if fault := explain_misfit(text, variable):
        raise EvalError(f"{variable.name} is {variable.kind}: {fault}")
    return text


def truncate_text(text: str, variable: Variable, notes: list[str] | None) -> str:
    """As much of a text as the variable holds. The note does not quote it, as it may be a caller's."""
    if notes is not None:
        notes.append(f"cut: {variable.name} holds {variable.size} of {len(text)} characters")
    return text[: variable.size]


def convert_number(value: float, variable: Variable) -> int | float:
    if variable.type is Type.DECIMAL and abs(value) < MAX_DECIMAL:
        return float(value)
    # CEL's integers have 64 bits
    if abs(value) < 2**63 and float(value).is_integer():
        return int(value)
    raise EvalError(f"{variable.name} is {variable.kind} and cannot hold this number")
