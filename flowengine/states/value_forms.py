"""What a variable can hold, by its kind."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowengine.expr import Type
from flowengine.expr.functions.dates import is_date
from flowengine.states.flow_context import Variable


def explain_misfit(value: Any, variable: Variable) -> str:
    """Why a variable cannot hold this value, or "". The value is not repeated, as it may be a
    caller's; an empty text fits, as variables start with it.
    """
    if not is_of_type(value, variable.type):
        return f"this is no {variable.type}"
    if variable.type is not Type.TEXT:
        return ""
    if variable.choices and value not in variable.choices:
        return f"this is none of {', '.join(variable.choices)}"
    form = VALUE_FORMATS.get(variable.kind)
    if form and value and not form[0](value):
        return f"this is no {form[1]}"
    return (
        f"it holds {variable.size} characters, and this has {len(value)}"
        if len(value) > variable.size
        else ""
    )


VALUE_FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "date": (is_date, "date such as 2026-12-24"),
    "time": (
        lambda text: bool(re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text)),
        "time such as 09:30",
    ),
    "digits": (lambda text: text.isascii() and text.isdigit(), "row of digits"),
}


def is_of_type(value: Any, wanted: Type) -> bool:
    """Whether an authored YAML value can be held by a variable of this type."""
    # bool before int, as True is an int in Python
    if wanted is Type.BOOLEAN or isinstance(value, bool):
        return isinstance(value, bool) and wanted is Type.BOOLEAN
    if wanted is Type.INTEGER:
        return isinstance(value, int)
    if wanted is Type.DECIMAL:
        return isinstance(value, (int, float))
    return isinstance(value, str)
