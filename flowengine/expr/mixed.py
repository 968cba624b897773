"""Arithmetic of integers with decimals. CEL has none; but whether 2 or 2.5 comes, and as which of
the two types, another system decides, so `body.price * 1.25` must work with both.
"""

import operator
from collections.abc import Callable
from math import nan
from typing import Final

from flowengine.expr.functions.registry import Overload
from flowengine.expr.types import Type

_OPERATORS: Final = {
    "_+_": operator.add,
    "_-_": operator.sub,
    "_*_": operator.mul,
    "_/_": operator.truediv,
}
_PAIRS: Final = ((Type.INTEGER, Type.DECIMAL), (Type.DECIMAL, Type.INTEGER))


def _decimal(compute: Callable[[float, float], float]) -> Callable[[float, float], float]:
    def call(left: float, right: float) -> float:
        try:
            return compute(float(left), float(right))
        except ZeroDivisionError:
            return nan

    return call


MIXED: Final = tuple(
    Overload(sign, pair, Type.DECIMAL, _decimal(compute))
    for sign, compute in _OPERATORS.items()
    for pair in _PAIRS
)
