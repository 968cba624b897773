"""Literal values in expressions that are wrong in every call: time zones, currencies and phone
numbers.
"""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.expr.cldr import is_currency
from flowengine.expr.functions.texts import e164
from flowengine.expr.functions.trace_remarks import collect_remarks
from flowengine.expr.phone_numbers import find_region
from flowengine.expr.types import ExprError
from flowengine.expr.zones import list_zone_names, suggest_zone
from flowengine.problems import suggest_name

_TEXT: Final = r"""("[^"\\\n]*"|'[^'\\\n]*')"""
_ZONE: Final = re.compile(
    r"\.\s*get(?:FullYear|Month|DayOfMonth|DayOfYear|DayOfWeek|Date|Hours|Minutes|Seconds"
    rf"|Milliseconds)\s*\(\s*{_TEXT}\s*\)"
)
_OFFSET: Final = re.compile(r"[+-]?[0-9]{2}:[0-9]{2}")
_PREFIX: Final = re.compile(rf"\be164\s*\([^()]*,\s*{_TEXT}\s*\)")
_CURRENCY: Final = re.compile(
    rf"\bmoney\s*\((?:[^(),]|\((?:[^()]|\([^()]*\))*\))*,\s*{_TEXT}\s*[,)]"
)
_COMMON_CURRENCIES: Final = ("USD", "EUR", "GBP", "SEK", "NOK", "DKK", "CHF", "JPY", "CAD", "AUD")
_LITERAL_NUMBER: Final = re.compile(rf"\be164\s*\(\s*{_TEXT}\s*(?:,\s*{_TEXT}\s*)?\)")


def check_literals(text: str) -> None:
    """Raise ExprError for the first literal that means nothing. Loads the rules of the countries
    that are named, which takes too long for a callback.
    """
    for found in _ZONE.finditer(text):
        name = found[1][1:-1]
        if name not in list_zone_names() and not _OFFSET.fullmatch(name):
            fault = f"there is no time zone {name}"
            raise ExprError(fault, found.start(1) + 1, suggest_zone(name), "FE312", len(name))
    for found in _CURRENCY.finditer(text):
        name = found[1][1:-1]
        if not is_currency(name.strip().upper()):
            near = (
                suggest_name(name, _COMMON_CURRENCIES) or "write three letters, such as USD or EUR"
            )
            raise ExprError(f"there is no currency {name}", found.start(1), near, "FE460")
    for fault, place in _find_phone_faults(text):
        cure = "write it with its country's prefix: e164('070-123 45 67', '46')"
        raise ExprError(fault, place + 1, cure, "FE311")


def _find_phone_faults(text: str) -> Iterator[tuple[str, int]]:
    for found in _PREFIX.finditer(text):
        if not find_region(found[1][1:-1]):
            yield f"no country has the prefix {found[1][1:-1]}", found.start(1)
    for found in _LITERAL_NUMBER.finditer(text):
        number = found[1][1:-1]
        if number and not e164(number, found[2][1:-1] if found[2] else ""):
            collect_remarks()
            yield "this is no possible phone number", found.start(1)
