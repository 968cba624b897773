"""Arithmetic of integers with decimals. CEL has none; but whether 2 or 2.5 comes, and as which of
the two types, another system decides, so `body.price * 1.25` must work with both.
"""

import operator
from collections.abc import Callable
from math import nan
from typing import Final

from flowengine.expr.functions.function_registry import Overload
from flowengine.expr.types import Type

_ARITHMETIC: Final = {
    "_+_": operator.add,
    "_-_": operator.sub,
    "_*_": operator.mul,
    "_/_": operator.truediv,
}
_MIXED_PAIRS: Final = ((Type.INTEGER, Type.DECIMAL), (Type.DECIMAL, Type.INTEGER))


def _compute_as_decimal(
    compute: Callable[[float, float], float],
) -> Callable[[float, float], float]:
    def call(left: float, right: float) -> float:
        try:
            return compute(float(left), float(right))
        except ZeroDivisionError:
            return nan

    return call


MIXED_ARITHMETIC: Final = tuple(
    Overload(sign, pair, Type.DECIMAL, _compute_as_decimal(compute))
    for sign, compute in _ARITHMETIC.items()
    for pair in _MIXED_PAIRS
)
