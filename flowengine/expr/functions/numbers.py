"""Helper functions for numbers."""

import re
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any, Final

from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions.function_registry import declare_function
from flowengine.expr.speech_formats import format_spoken_money

_DECIMAL: Final = re.compile(r"\s*[+-]?[0-9]{1,18}([.][0-9]{1,18})?\s*")


@declare_function("A decimal rounded, half away from zero.", "round(2.345, 2)", 2.35, name="round")
def round_decimal(number: float, places: int = 0) -> float:
    if not isfinite(number):
        raise ValueError("a number without end cannot be rounded")
    if not 0 <= places <= 15:
        raise ValueError("round takes 0 to 15 places")
    return (
        float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
        if abs(number) < 1e12
        else number
    )


@declare_function(
    "Whether a number lies between two others or is one of them.", "in_range(5, 1, 10)", result=True
)
def in_range(number: int | float, low: int | float, high: int | float) -> bool:  # noqa: PYI041 - each kind is an overload
    return low <= number <= high


@declare_function(
    "A whole number from a text or a decimal, whose fraction is dropped.", 'integer("0042")', 42
)
def integer(value: Any) -> int:
    if isinstance(value, str):
        number = to_ascii_digits(value)
        if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", number):
            raise ValueError(f"{value[:30]!r} is no whole number")
        return int(number)
    if isinstance(value, int | float) and abs(value) < 2**63:
        return int(value)
    raise ValueError("no whole number can be made of this")


@declare_function("A decimal from a text or a whole number.", 'decimal("12.5")', 12.5)
def decimal(value: Any) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(number := to_ascii_digits(value)):
        return float(number)
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"{str(value)[:30]!r} is no decimal, such as 12.5")


@declare_function(
    "The word for one or for many, by a count.", 'plural(2, "message", "messages")', "messages"
)
def plural(count: int, one: str, many: str) -> str:
    return one if abs(count) == 1 else many


@declare_function(
    "An amount of money as a voice should say it.", 'money(12.5, "EUR")', "12 euros and 50 cents"
)
def money(amount: int | float, currency: str, locale: str = "en-US") -> str:  # noqa: PYI041 - each kind is an overload
    return format_spoken_money(amount, currency, locale)
