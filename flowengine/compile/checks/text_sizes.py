"""How long texts may become: the worst case of a template or an expression, as far as the sizes of
variables, tables and facts of the call tell.
"""

import re
from collections.abc import Mapping
from typing import Final

from flowengine.expr import Expression, Template, Type
from flowengine.limits import (
    MAX_CUSTOM_BYTES,
    MAX_E164,
    MAX_FACT_BYTES,
    MAX_RECORDING_URL,
)
from flowengine.model import TableFile
from flowengine.states import Variable
from flowengine.states.field_types import MAX_STATE_NAME
from flowengine.states.state_results import FAILED_STATE_FACT, FAILURE_FACT, MAX_FAILURE

ColumnSizes = Mapping[tuple[str, str], int]  # the longest cell, by table and column
FACT_SIZES: Mapping[str, int] = {
    "call.from": MAX_E164,
    "call.to": MAX_FACT_BYTES,
    "call.user": MAX_FACT_BYTES,
    "call.sip": MAX_FACT_BYTES,
    "call.redirected_from": MAX_E164,
    "call.origin": 6,
    "call.locale": 10,
    FAILED_STATE_FACT: MAX_STATE_NAME,
    FAILURE_FACT: MAX_FAILURE,
    "call.custom": MAX_CUSTOM_BYTES,
    "event.destination": MAX_RECORDING_URL,
    "now.date": 10,
    "now.time": 5,
    "now.weekday": 9,
}
_TABLE_CELL: Final = re.compile(r"tables\.(\w+)\.(\w+)\((?:[^()]|\([^()]*\))*\)")
_E164_CALL: Final = re.compile(r"e164\((?:[^()]|\([^()]*\))*\)")
_SIZE_KEEPING_CALL: Final = re.compile(r"(upper|lower|trim|title|text|string)\(([\w.]+)\)")
_FIRST_OR_LAST_CALL: Final = re.compile(r"(?:first|last)\([\w.]+, *([0-9]{1,4})\)")
_SPELL_CALL: Final = re.compile(r"spell\(([\w.]+)\)")
_LIST_CALL: Final = re.compile(r"list_words\(\[([^\[\]]*)\]\)")
_LISTED_VALUE: Final = re.compile(r"""\s*(?:"[^"\\]*"|'[^'\\]*'|[^,"'])+\s*""")
_TEXT_LITERAL: Final = re.compile(r"""["']([^"'\\]*)["']""")
# a text, brackets with what is in them, or anything else up to the next +
_JOINED_PART: Final = re.compile(
    r"""(?:"[^"]*"|'[^']*'|\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]|[^+"'()\[\]])+"""
)


def measure_longest_text(
    template: Template, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int:
    """The characters that a text may have at least in the worst case: what is not known counts 0."""
    if template.constant is not None:
        return len(template.constant)
    constant = sum(len(part) for part in template.parts if isinstance(part, str))
    return constant + sum(
        measure_longest_value(piece.expression.text, variables, columns) or 0
        for piece in template.interpolations
    )


def measure_longest_expression(
    expression: Expression, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int:
    return measure_longest_value(expression.text, variables, columns) or 0


def measure_longest_value(
    text: str, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int | None:
    """The most characters of an expression's value, or None where that is not known."""
    text = text.strip()
    variable = variables.get(text[5:]) if text.startswith("vars.") else None
    if variable:
        return variable.size if variable.type is Type.TEXT else None
    if "+" in text:
        return measure_joined_texts(text, variables, columns)
    return FACT_SIZES.get(text) or measure_longest_result(text, variables, columns)


def measure_joined_texts(
    text: str, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int | None:
    """The most characters of `a + b`, as far as it is known of the parts; None where it is of
    none: then they may be numbers.
    """
    parts = _JOINED_PART.findall(text)
    if len(parts) < 2 or "+".join(parts) != text:  # the + is inside of something, or unusual
        return measure_longest_result(text, variables, columns)
    sizes = [measure_longest_value(part, variables, columns) for part in parts]
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def measure_longest_result(
    text: str, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int | None:
    """The most characters of a literal, a cell of a table, or what a function gives."""
    if literal := _TEXT_LITERAL.fullmatch(text):
        return len(literal[1])
    if cell := _TABLE_CELL.fullmatch(text):
        return columns.get((cell[1], cell[2]))
    if cut := _FIRST_OR_LAST_CALL.fullmatch(text):
        return int(cut[1])
    if _E164_CALL.fullmatch(text):
        return MAX_E164
    return measure_spoken_result(text, variables, columns)


def measure_spoken_result(
    text: str, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int | None:
    """The most characters of what a function makes of other values."""
    if spelled := _SPELL_CALL.fullmatch(text):  # with a blank between letters
        size = measure_longest_value(spelled[1], variables, columns)
        return size and 2 * size - 1
    if listed := _LIST_CALL.fullmatch(text):  # with a sign or a word between items
        items = [
            measure_longest_value(one, variables, columns)
            for one in _LISTED_VALUE.findall(listed[1])
        ]
        known = [size for size in items if size]
        return sum(known) + len(known) - 1 if known else None
    call = _SIZE_KEEPING_CALL.fullmatch(text)
    return measure_longest_value(call[2], variables, columns) if call else None


def measure_columns(tables: Mapping[str, TableFile]) -> dict[tuple[str, str], int]:
    """The longest cell of each column of text."""
    found: dict[tuple[str, str], int] = {}
    for name, table in tables.items():
        rows = [*table.rows.values(), *([table.default] if table.default else [])]
        for column, value in (item for row in rows for item in row.items()):
            size = len(value) if isinstance(value, str) else 0
            found[name, column] = max(size, found.get((name, column), 0))
    return found
