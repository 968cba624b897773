"""CEL behind one interface: the only module that imports cel_expr_python, which is young and may
need replacing.

Its habits: errors at run time are *values* of type ERROR whose text starts with a status; all data
handed over is converted, read or not; texts end at a NUL; environments are built at the first
compile; the keys of a map have another order in each process; what it hands to a function of
Python, and what that returns, is never released.
"""

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from math import isfinite
from typing import Any, Final

import msgspec
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from flowengine.expr.bounds import MAX_RESULT
from flowengine.expr.cel_failures import explain_failure
from flowengine.expr.checked_expression import CheckedExpression
from flowengine.expr.expression_tree import ExpressionNode, read_tree
from flowengine.expr.functions import FUNCTIONS, Overload
from flowengine.expr.header_names import READ_HEADER, read_header
from flowengine.expr.map_order import SORT_KEYS_FUNCTION, sort_keys
from flowengine.expr.native_calls import compile_native
from flowengine.expr.operators import (
    MIXED_ARITHMETIC,
    EvaluationAbortedError,
    Frame,
    FrameEvaluator,
)
from flowengine.expr.types import PYTHON_TYPES, EvalError, Evaluator, Type
from flowengine.expr.zones import ZONE_DATA

os.environ["TZDIR"] = str(ZONE_DATA.folder)  # where its time library looks for zone files
if sys.version_info < (3, 12):
    # CEL may give back references to None that it never took, and Python 3.11 aborts at the last.
    # Python 3.12 counts no references to None (docs/decisions/0087).
    ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40

_MAX_SHARED_PROGRAMS: Final = 2_000  # of some kilobytes each

_CEL_TYPES: Final = {
    Type.TEXT: cel.Type.STRING,
    Type.INTEGER: cel.Type.INT,
    Type.DECIMAL: cel.Type.DOUBLE,
    Type.BOOLEAN: cel.Type.BOOL,
    Type.LIST: cel.Type.LIST,
    Type.MAP: cel.Type.MAP,
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


class CelProgram(msgspec.Struct, frozen=True, dict=True):
    """`type` is None for a value that a flow cannot hold, such as a timestamp; `result` is CEL's
    name for it.
    """

    type: Type | None
    result: str
    names: frozenset[str]
    program: Any
    compile_evaluator: Callable[[], FrameEvaluator]

    def to_tree(self) -> ExpressionNode:
        return read_tree(self.program.serialize())

    @cached_property
    def run(self) -> Evaluator:
        return _make_runner(self._evaluate, tuple(sorted(self.names)), self.type or Type.ANY)

    def find_failure(self, values: Mapping[str, Any]) -> str | None:
        """Why there is no value for this, or None where there is one, of whatever type."""
        try:
            value = self._evaluate({name: values[name] for name in self.names})
        except (EvalError, EvaluationAbortedError) as error:
            return explain_failure(str(error))
        number = value if value.__class__ is float else 0.0
        return None if isfinite(number) else "a number without end, as of a division by zero"

    @cached_property
    def _evaluate(self) -> FrameEvaluator:
        return self.compile_evaluator()


class Environment:
    """The names and functions that expressions may use, declared to CEL."""

    def __init__(self, names: Mapping[str, Type], overloads: Iterable[Overload]) -> None:
        variables = {name: _CEL_TYPES[kind] for name, kind in names.items()}
        own = tuple(overloads)
        self._names = dict(names)
        self._programs: dict[str, CelProgram] = {}
        self._functions = _FUNCTIONS | {_format_overload_id(one): one for one in own}
        self._env = cel.NewEnv(
            variables=variables, extensions=[*_EXTENSIONS, _build_extension("tables", own)]
        )

    def compile(self, text: str) -> CelProgram:
        """The program of an expression, the same for equal texts: flows of a project have many in
        common. Raises CelCompileError.
        """
        known = self._programs.get(text)
        if known is None:
            if len(self._programs) >= _MAX_SHARED_PROGRAMS:
                self._programs.clear()  # flows keep what they use
            known = self._programs[text] = self._compile_text(text)
        return known

    def _compile_text(self, text: str) -> CelProgram:
        try:
            program = self._env.compile(text)
        except RuntimeError as error:
            raise CelCompileError(_parse_faults(str(error))) from None
        result, checked = program.return_type().name(), CheckedExpression(program.serialize())
        return CelProgram(
            _find_result_type(result),
            result,
            frozenset(checked.names & self._names.keys()),
            program,
            lambda: self._compile_evaluator(program, checked),
        )

    def _compile_evaluator(self, program: Any, checked: CheckedExpression) -> FrameEvaluator:
        evaluate = compile_native(
            checked,
            self._names,
            self._functions,
            lambda part: _make_evaluator(self._env.deserialize(part)),
        )
        return evaluate or _make_evaluator(program)


def _find_result_type(result: str) -> Type | None:
    if result.startswith("LIST"):
        return Type.LIST
    return Type.MAP if result.startswith("MAP") else _RESULT_TYPES.get(result)


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
        _format_overload_id(overload),
        return_type=_CEL_TYPES[overload.returns],
        parameters=[_CEL_TYPES[kind] for kind in overload.parameters],
        impl=overload.call,
    )


def _format_overload_id(overload: Overload) -> str:
    return "_".join(["fe", overload.name, *overload.parameters])


_EXTENSION_OVERLOADS: Final[Mapping[str, Sequence[Overload]]] = {
    "flowengine": [one for function in FUNCTIONS.values() for one in function.overloads],
    "mixed": MIXED_ARITHMETIC,
    "headers": [Overload(READ_HEADER, (Type.ANY, Type.ANY), Type.ANY, read_header)],
    "order": [Overload(SORT_KEYS_FUNCTION, (Type.ANY,), Type.ANY, sort_keys)],
}
_FUNCTIONS: Final = {
    _format_overload_id(one): one for own in _EXTENSION_OVERLOADS.values() for one in own
}
_EXTENSIONS: Final = (
    ext_strings.ExtStrings(),
    *(_build_extension(name, own) for name, own in _EXTENSION_OVERLOADS.items()),
)


def _parse_faults(message: str) -> list[tuple[str, int, int]]:
    found = [
        (text, max(0, int(line)), max(0, int(column)))
        for line, column, text in _FAULT.findall(message)
    ]
    return sorted(found, key=lambda fault: fault[1] == 0) or [(message, 0, 0)]


def _make_evaluator(program: Any) -> FrameEvaluator:
    """What CEL makes of values, as a value of Python. Raises EvalError for an error that an
    expression may absorb, EvaluationAbortedError for any other.
    """
    evaluate = program.eval

    def evaluate_by_cel(values: Frame) -> Any:
        try:
            result = evaluate(data=values)
        except RuntimeError as error:  # a text that is no Unicode, too many steps of loops
            raise EvaluationAbortedError(str(error)) from None
        value = result.plain_value()
        # the type is asked only for such texts, as that is another call into CEL
        if (
            value.__class__ is str
            and value.startswith(_STATUSES)
            and result.type() == cel.Type.ERROR
        ):
            raise _to_eval_error(value)
        return value

    return evaluate_by_cel


def _make_runner(evaluate: FrameEvaluator, names: tuple[str, ...], kind: Type) -> Evaluator:
    finish = _CONVERTERS.get(kind) or _make_exact_converter(PYTHON_TYPES[kind])

    def run(values: Mapping[str, Any]) -> Any:
        try:
            read = {name: _check_no_nul(values[name]) for name in names}
        except KeyError as error:
            raise EvalError(f"{error.args[0]} has no value here") from None
        try:
            return finish(evaluate(read))
        except (EvalError, EvaluationAbortedError) as error:
            raise EvalError(explain_failure(str(error))) from None

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


def _convert_text(text: Any) -> str:
    if text.__class__ is not str:
        raise _to_eval_error(text)
    # a text grows by concatenation, and travels with the call
    if len(text) > MAX_RESULT:
        raise EvalError(f"a text of {len(text)} characters; {MAX_RESULT} is the limit")
    return str(text)


def _convert_decimal(number: Any) -> float:
    if number.__class__ is not float:
        raise _to_eval_error(number)
    if not isfinite(number):
        raise EvalError("a number without end, as of a division by zero")
    return float(number)


def _make_exact_converter(expected: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if value.__class__ is not expected:
            raise _to_eval_error(value)
        return value

    return convert


def _convert_any(value: Any) -> Any:
    return _convert_text(value) if value.__class__ is str else _to_json_value(value)


_CONVERTERS: Final[Mapping[Type, Callable[[Any], Any]]] = {
    Type.TEXT: _convert_text,
    Type.DECIMAL: _convert_decimal,
    **dict.fromkeys((Type.LIST, Type.MAP, Type.ANY), _convert_any),
}


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
    return EvalError(text)
