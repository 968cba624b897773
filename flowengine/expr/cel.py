"""CEL behind one interface: the only module that imports cel_expr_python, which is young and may
need replacing.

Its habits: errors at run time are *values* of type ERROR whose text starts with a status; all data
handed over is converted, read or not; texts end at a NUL; environments are built at the first
compile; the keys of a map have another order in each process.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from math import isfinite
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from flowengine.expr.bounds import MAX_RESULT
from flowengine.expr.expression_tree import ExpressionNode, read_tree
from flowengine.expr.functions import FUNCTIONS, Overload
from flowengine.expr.header_names import READ_HEADER, read_header
from flowengine.expr.map_order import SORT_KEYS_FUNCTION, sort_keys
from flowengine.expr.mixed_arithmetic import MIXED_ARITHMETIC
from flowengine.expr.references import find_references
from flowengine.expr.types import PYTHON_TYPES, EvalError, Evaluator, Type
from flowengine.expr.zones import ZONE_DATA

os.environ["TZDIR"] = str(ZONE_DATA.folder)  # where its time library looks for zone files

_CEL_TYPES: Final = {
    Type.TEXT: cel.Type.STRING,
    Type.INTEGER: cel.Type.INT,
    Type.DECIMAL: cel.Type.DOUBLE,
    Type.BOOLEAN: cel.Type.BOOL,
    Type.ANY: cel.Type.DYN,
}
_RESULT_TYPES: Final = {their.name(): ours for ours, their in _CEL_TYPES.items()} | {
    "NULL": Type.ANY
}
# of a failing function CEL returns its message as a text, which begins with the status
_STATUSES: Final = tuple(
    f"{status}: "
    for status in (
        *(
            "INVALID_ARGUMENT",
            "NOT_FOUND",
            "OUT_OF_RANGE",
            "UNKNOWN",
            "INTERNAL",
            "FAILED_PRECONDITION",
            "UNIMPLEMENTED",
            "CANCELLED",
        ),
        *(
            "DEADLINE_EXCEEDED",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "ABORTED",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ),
    )
)
_FAULT: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[[A-Z_]+\])?$", re.MULTILINE)


class CelCompileError(Exception):
    """CEL's errors in a text: (message, line, column); line 0 where it names no place."""

    def __init__(self, faults: Sequence[tuple[str, int, int]]) -> None:
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class CelProgram:
    """`type` is None for a value that a flow cannot hold, such as a timestamp; `result` is CEL's
    name for it.
    """

    type: Type | None
    result: str
    names: frozenset[str]
    run: Evaluator
    program: Any

    def to_tree(self) -> ExpressionNode:
        return read_tree(self.program.serialize())

    def find_failure(self, values: Mapping[str, Any]) -> str | None:
        """Why CEL has no value for this, or None where it has one, of whatever type."""
        try:
            result = self.program.eval(data={name: values[name] for name in self.names})
        except RuntimeError as error:
            return str(error)
        if result.type() == cel.Type.ERROR:
            return _to_eval_error(result.value()).message
        number = result.value() if result.type() == cel.Type.DOUBLE else 0.0
        return None if isfinite(number) else "a number without end, as of a division by zero"


class Environment:
    """The names and functions that expressions may use, declared to CEL."""

    def __init__(self, names: Mapping[str, Type], overloads: Iterable[Overload]) -> None:
        variables = {name: _CEL_TYPES[kind] for name, kind in names.items()}
        self._names = frozenset(names)
        self._env = cel.NewEnv(
            variables=variables, extensions=[*_EXTENSIONS, _build_extension("tables", overloads)]
        )

    def compile(self, text: str) -> CelProgram:
        try:
            program = self._env.compile(text)
        except RuntimeError as error:
            raise CelCompileError(_parse_faults(str(error))) from None
        result = program.return_type().name()
        names = self._names & find_references(program.serialize())
        kind = Type.ANY if result.startswith(("LIST", "MAP")) else _RESULT_TYPES.get(result)
        return CelProgram(
            kind,
            result,
            names,
            _make_runner(program, tuple(sorted(names)), kind or Type.ANY),
            program,
        )


def _build_extension(name: str, overloads: Iterable[Overload]) -> Any:
    groups = groupby(
        sorted(overloads, key=lambda overload: overload.name), key=lambda overload: overload.name
    )
    return cel.CelExtension(
        name,
        [
            cel.FunctionDecl(function, [_declare_overload(overload) for overload in group])
            for function, group in groups
        ],
    )


def _declare_overload(overload: Overload) -> Any:
    return cel.Overload(
        "_".join(["fe", overload.name, *overload.parameters]),
        return_type=_CEL_TYPES[overload.returns],
        parameters=[_CEL_TYPES[kind] for kind in overload.parameters],
        impl=overload.call,
    )


_EXTENSIONS: Final = (
    ext_strings.ExtStrings(),
    _build_extension(
        "flowengine", (one for function in FUNCTIONS.values() for one in function.overloads)
    ),
    _build_extension("mixed", MIXED_ARITHMETIC),
    _build_extension(
        "headers", [Overload(READ_HEADER, (Type.ANY, Type.ANY), Type.ANY, read_header)]
    ),
    _build_extension("order", [Overload(SORT_KEYS_FUNCTION, (Type.ANY,), Type.ANY, sort_keys)]),
)


def _parse_faults(message: str) -> list[tuple[str, int, int]]:
    found = [
        (text, max(0, int(line)), max(0, int(column)))
        for line, column, text in _FAULT.findall(message)
    ]
    return sorted(found, key=lambda fault: fault[1] == 0) or [(message, 0, 0)]


def _make_runner(program: Any, names: tuple[str, ...], kind: Type) -> Evaluator:
    evaluate, finish = program.eval, _get_converter(kind)

    def run(values: Mapping[str, Any]) -> Any:
        try:
            result = evaluate(data={name: _check_no_nul(values[name]) for name in names})
        except KeyError as error:
            raise EvalError(f"{error.args[0]} has no value here") from None
        except RuntimeError as error:  # a text that is no Unicode
            raise EvalError(str(error)) from None
        return finish(result)

    return run


def _check_no_nul(value: Any) -> Any:
    """Raises where a text holds a NUL: CEL cuts texts there, so what was checked would not be what
    is used.
    """
    if value.__class__ is str:
        if "\0" in value:
            raise EvalError("a text with a NUL character")
    elif value.__class__ is dict:
        for key, item in value.items():
            _check_no_nul(key)
            _check_no_nul(item)
    elif value.__class__ is list:
        for item in value:
            _check_no_nul(item)
    return value


def _get_converter(kind: Type) -> Callable[[Any], Any]:
    return {Type.TEXT: _convert_text, Type.DECIMAL: _convert_decimal, Type.ANY: _convert_any}.get(
        kind
    ) or _make_exact_converter(PYTHON_TYPES[kind])


def _convert_text(result: Any) -> str:
    text = result.value()
    if text.__class__ is not str or (
        # the type is asked only for such texts, as that is another call into CEL
        text.startswith(_STATUSES) and result.type() == cel.Type.ERROR
    ):
        raise _to_eval_error(text)
    # a text grows by concatenation, and travels with the call
    if len(text) > MAX_RESULT:
        raise EvalError(f"a text of {len(text)} characters; {MAX_RESULT} is the limit")
    return text


def _convert_decimal(result: Any) -> float:
    number = result.value()
    if number.__class__ is not float:
        raise _to_eval_error(number)
    if not isfinite(number):
        raise EvalError("a number without end, as of a division by zero")
    return number


def _make_exact_converter(expected: type) -> Callable[[Any], Any]:
    def convert(result: Any) -> Any:
        value = result.value()
        if value.__class__ is not expected:
            raise _to_eval_error(value)
        return value

    return convert


def _convert_any(result: Any) -> Any:
    value = result.plain_value()
    if value.__class__ is str:
        return _convert_text(result)
    return _to_json_value(value)


def _to_json_value(value: Any) -> Any:
    """The value as JSON. Raises EvalError for a value that JSON cannot hold, as it would be lost on
    its way to the next callback.
    """
    if isinstance(value, dict):
        return {str(key): _to_json_value(value[key]) for key in sort_keys(value)}
    if isinstance(value, list):
        return [_to_json_value(item) for item in value]
    if isinstance(value, datetime | timedelta | bytearray | cel.Type) or (
        isinstance(value, float) and not isfinite(value)
    ):
        raise EvalError(f"a value that a flow cannot hold: {value!r}")
    return value


def _to_eval_error(said: object) -> EvalError:
    text = str(said)
    for status in _STATUSES:
        text = text.removeprefix(status)
    missing = re.fullmatch(r'Key not found in map : (".*"|\S+)', text)
    return EvalError(f"there is no {missing[1]} in it" if missing else text)
