"""Operators, conditions and loops in Python: arithmetic of integers with decimals, which CEL has none of,
and what Python computes as CEL does.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, Final

from flowengine.expr.functions.function_registry import Overload
from flowengine.expr.types import EvalError, Type

Frame = dict[str, Any]  # values by name
FrameEvaluator = Callable[[Frame], Any]

BUDGET: Final = "@budget"  # in a frame: [how many steps its loops may still make]
MAX_STEPS: Final = 10_000  # CEL's own limit for the loops of one evaluation

_Compute = Callable[[Any, Any], Any]
_ARITHMETIC: Final[Mapping[str, _Compute]] = {
    "_+_": operator.add,
    "_-_": operator.sub,
    "_*_": operator.mul,
    "_/_": operator.truediv,
}
_COMPARISONS: Final[Mapping[str, _Compute]] = {
    "_==_": operator.eq,
    "_!=_": operator.ne,
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}
_MIXED_PAIRS: Final = ((Type.INTEGER, Type.DECIMAL), (Type.DECIMAL, Type.INTEGER))


class EvaluationAbortedError(Exception):
    """What ends an evaluation, whatever stands around it: `&&` and `||` absorb errors, not this."""


def _compute_as_decimal(
    compute: Callable[[float, float], float],
) -> Callable[[float, float], float]:
    def call(left: float, right: float) -> float:
        try:
            return compute(float(left), float(right))
        except ZeroDivisionError:
            return nan

    return call


# Whether 2 or 2.5 comes, and as which of the two types, another system decides, so
# `body.price * 1.25` must work with both.
MIXED_ARITHMETIC: Final = tuple(
    Overload(sign, pair, Type.DECIMAL, _compute_as_decimal(compute))
    for sign, compute in _ARITHMETIC.items()
    for pair in _MIXED_PAIRS
)


def _keep_in_range(compute: _Compute) -> _Compute:
    def compute_integer(left: int, right: int) -> int | None:
        number: int = compute(left, right)
        return number if -(2**63) <= number < 2**63 else None

    return compute_integer


def _read_item(items: list[Any], index: int) -> Any:
    return items[index] if 0 <= index < len(items) else None


def _replace_text(text: str, old: str, new: str) -> str | None:
    return text.replace(old, new) if old else None


# By the classes of their operands, what Python computes as CEL does. None is left to CEL, which has
# the words for what is wrong.
OPERATORS: Final[Mapping[str, Mapping[tuple[type, ...], Callable[..., Any]]]] = {
    "_+_": {
        (int, int): _keep_in_range(operator.add),
        (float, float): operator.add,
        (str, str): operator.add,
        (list, list): operator.add,
    },
    "_-_": {(int, int): _keep_in_range(operator.sub), (float, float): operator.sub},
    "_*_": {(int, int): _keep_in_range(operator.mul), (float, float): operator.mul},
    "_/_": {},
    **{sign: {(str, str): compare, (int, int): compare} for sign, compare in _COMPARISONS.items()},
    "_[_]": {(dict, str): dict.get, (list, int): _read_item},
    "@in": {
        (str, list): lambda item, items: item in items,
        (str, dict): lambda key, map_: key in map_,
    },
    "size": {(str,): len, (list,): len, (dict,): len},
    "startsWith": {(str, str): str.startswith},
    "endsWith": {(str, str): str.endswith},
    "contains": {(str, str): operator.contains},
    "replace": {(str, str, str): _replace_text},
}


def _make_junction(sign: str, *, decides: bool) -> Callable[..., FrameEvaluator]:
    """`&&` or `||`: the value that decides absorbs an error of the other side."""

    def make(left: FrameEvaluator, right: FrameEvaluator) -> FrameEvaluator:
        def evaluate(frame: Frame) -> Any:
            first = message = None
            try:
                first = left(frame)
                if first is decides:
                    return decides
            except EvalError as error:
                message = error.message  # an error that is kept keeps what its frames hold
            try:
                second = right(frame)
                if second is decides:
                    return decides
            except EvalError as error:
                raise EvalError(error.message if message is None else message) from None
            if message is not None:
                raise EvalError(message)
            if first.__class__ is bool and second.__class__ is bool:
                return not decides
            raise EvalError(f"No matching overloads found : {sign}")

        return evaluate

    return make


def _make_choice(
    condition: FrameEvaluator, one: FrameEvaluator, other: FrameEvaluator
) -> FrameEvaluator:
    def evaluate(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return one(frame)
        if value is False:
            return other(frame)
        raise EvalError("No matching overloads found : <jump_condition>")

    return evaluate


def _make_negation(condition: FrameEvaluator) -> FrameEvaluator:
    def evaluate(frame: Frame) -> bool:
        value = condition(frame)
        if value.__class__ is not bool:
            raise EvalError("No matching overloads found : !_")
        return value is False

    return evaluate


def _make_not_false(condition: FrameEvaluator) -> FrameEvaluator:
    """Whether a loop goes on: a later item may absorb an error in it."""

    def evaluate(frame: Frame) -> bool:
        try:
            return bool(condition(frame) is not False)
        except EvalError:
            return True

    return evaluate


CONDITIONS: Final[Mapping[str, Callable[..., FrameEvaluator]]] = {
    "_&&_": _make_junction("_&&_", decides=False),
    "_||_": _make_junction("_||_", decides=True),
    "_?_:_": _make_choice,
    "!_": _make_negation,
    "@not_strictly_false": _make_not_false,
}


def make_operation(
    evaluators: Sequence[FrameEvaluator],
    computes: Mapping[tuple[type, ...], Callable[..., Any]],
    compute_by_cel: Callable[..., Any],
) -> FrameEvaluator:
    """An operator in Python for the types of operands that `computes` knows. Other types, and results
    that Python has no right answer for (None), are for CEL.
    """

    def operate(frame: Frame) -> Any:
        values = [evaluate(frame) for evaluate in evaluators]
        known = computes.get(tuple([value.__class__ for value in values]))
        result = None if known is None else known(*values)
        return compute_by_cel(*values) if result is None else result

    left, right = evaluators[0], evaluators[-1]

    def operate_on_two(frame: Frame) -> Any:
        one, other = left(frame), right(frame)
        known = computes.get((one.__class__, other.__class__))
        result = None if known is None else known(one, other)
        return compute_by_cel(one, other) if result is None else result

    return operate_on_two if len(evaluators) == 2 else operate


def _fit_to_cel(result: Any) -> Any:
    """A result as CEL passes it on: a text ends at a NUL, an integer has 64 bits at most. Cells of
    tables may be others.
    """
    if result.__class__ is str and "\0" in result:
        return result.partition("\0")[0]
    if result.__class__ is int and not -(2**63) <= result < 2**63:
        raise OverflowError("int too big to convert")
    return result


def make_call(
    arguments: Sequence[FrameEvaluator],
    choices: Sequence[tuple[tuple[type, ...], Callable[..., Any]]],
    refuse: Callable[..., Any],
    *,
    is_decimal: bool,
) -> FrameEvaluator:
    """A call of the first of the choices whose classes the values have; `object` is any class."""

    def call(frame: Frame) -> Any:
        values = [evaluate(frame) for evaluate in arguments]
        for kinds, function in choices:  # noqa: B007 - the one where the loop ends
            for kind, value in zip(kinds, values):  # noqa: B905 - as many
                if value.__class__ is not kind and kind is not object:
                    break
            else:
                break
        else:
            return refuse(*values)
        try:
            result = _fit_to_cel(function(*values))
        except Exception as error:  # noqa: BLE001 - CEL makes any of them the error of the call
            raise EvalError(str(error)) from None
        return float(result) if is_decimal else result

    return call


def extend_list(items: list[Any], more: list[Any]) -> list[Any]:
    items += more
    return items


def make_loop(
    variables: Sequence[str],
    find_items: FrameEvaluator,
    start: FrameEvaluator,
    goes_on: FrameEvaluator,
    make_next: FrameEvaluator,
    finish: FrameEvaluator,
) -> FrameEvaluator:
    """A loop as CEL has it: each item makes the next result of the one before. An error is a
    result, too, which a later item may absorb.
    """
    item_name, result_name = variables

    def loop(frame: Frame) -> Any:
        items, budget = find_items(frame), frame[BUDGET]
        if items.__class__ is not list and items.__class__ is not dict:
            raise EvalError("No matching overloads found : <iter_range>")
        inside = {**frame, result_name: start(frame)}
        for item in items:
            budget[0] -= 1
            if not budget[0]:
                raise EvaluationAbortedError("INTERNAL: Iteration budget exceeded [INTERNAL]")
            inside[item_name] = item
            if goes_on(inside) is False:
                break
            try:
                inside[result_name] = make_next(inside)
            except EvalError as error:
                inside[result_name] = EvalError(error.message)
        return finish(inside)

    return loop


def make_loop_name_reader(name: str) -> FrameEvaluator:
    def read(frame: Frame) -> Any:
        value = frame[name]
        if value.__class__ is EvalError:
            raise EvalError(value.message)
        return value

    return read
