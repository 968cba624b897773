"""Values as text."""

from datetime import datetime
from typing import Any


def format_value(value: Any) -> str:
    """A value as people write it. Raises ValueError for lists and maps, which have no such form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _format_decimal(value)
    return _format_other(value)


def _format_decimal(value: float) -> str:
    shown = format(value, ".15g")  # 0.1 + 0.2 is 0.3 to anybody but a computer
    return format(value, ".0f") if "e+" in shown and abs(value) < 1e21 else shown


def _format_other(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    kind = (
        "list"
        if isinstance(value, list)
        else "group of values"
        if isinstance(value, dict)
        else "value of this kind"
    )
    raise ValueError(f"a {kind} cannot be put into a text; name the part of it that you mean")
