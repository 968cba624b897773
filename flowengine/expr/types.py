"""Types of values, compiled expressions, and their errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

Values = Mapping[str, Any]
Evaluator = Callable[[Values], Any]


class Type(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    LIST = "list"
    MAP = "group of values"
    ANY = "any"


PYTHON_TYPES: Mapping[Type, type] = {
    Type.TEXT: str,
    Type.INTEGER: int,
    Type.DECIMAL: float,
    Type.BOOLEAN: bool,
    Type.LIST: list,
    Type.MAP: dict,
}

COLLECTIONS = frozenset({Type.LIST, Type.MAP})


class ExprError(Exception):
    """An expression or template is wrong; found when a flow is loaded. `offset` is where; without a
    `length` it is about the name, text, number or sign that begins there.
    """

    def __init__(
        self,
        message: str,
        offset: int = 0,
        hint: str = "",
        code: str = "FE304",
        length: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.code = code
        self.length = length


class EvalError(Exception):
    """An expression has no value in this call: a missing key, a division by zero, a text that is no
    date.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `evaluate(values)` reads only `names`, and raises EvalError."""

    text: str
    type: Type
    names: frozenset[str]
    evaluate: Evaluator = field(repr=False, compare=False)


class LookupTable(msgspec.Struct, frozen=True):
    """Rows by key. `columns` says the type of each; `default` is the row of keys that are not
    there.
    """

    columns: Mapping[str, Type]
    rows: Mapping[str, Mapping[str, Any]]
    default: Mapping[str, Any] | None = None
