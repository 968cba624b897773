"""A checked expression as a tree, from CEL's own serialised answer (cel.expr.CheckedExpr).

Only what the checks ask for is decoded: names, constants, calls, fields and lists. Anything else,
such as a loop, is a node without a text.
"""

import json
from collections.abc import Iterator
from struct import unpack
from typing import Any, Final

import msgspec

from flowengine.expr.protobuf import read_fields, read_messages

_ANY_VALUE, _EXPR, _SOURCE_INFO, _POSITIONS = 2, 4, 5, 4
_ID, _CONSTANT, _IDENT, _SELECT, _CALL, _LIST = 2, 3, 4, 5, 6, 7
_INFIX_OPERATORS: Final = frozenset(
    f"_{sign}_" for sign in ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||")
)

_OPERATOR_FORMS: Final = {
    "@in": "({} in {})",
    "_[_]": "{}[{}]",
    "_?_:_": "({} ? {} : {})",
    "!_": "!({})",
    "-_": "-({})",
}


class ExpressionNode(msgspec.Struct, frozen=True):
    """One part of an expression. `text` is the part as CEL, empty where that is unknown; `value` is
    that of a constant; `function` that of a call, whose receiver is the first argument.
    """

    kind: str
    offset: int
    text: str
    arguments: tuple["ExpressionNode", ...] = ()
    function: str = ""
    value: Any = None

    def walk(self) -> Iterator["ExpressionNode"]:
        """Every part, the innermost first."""
        for argument in self.arguments:
            yield from argument.walk()
        yield self

    def find_names(self) -> frozenset[str]:
        return frozenset(node.text for node in self.walk() if node.kind == "name")


def read_tree(serialised: bytes) -> ExpressionNode:
    """The tree of an expression that CEL has checked."""
    checked = next(read_messages(serialised, _ANY_VALUE))
    positions: dict[int, int] = {}
    for info in read_messages(checked, _SOURCE_INFO):
        for entry in read_messages(info, _POSITIONS):
            fields = dict(read_fields(entry))
            positions[_to_integer(fields.get(1, 0))] = _to_integer(fields.get(2, 0))
    return _read_node(next(read_messages(checked, _EXPR)), positions)


def _read_node(message: bytes, positions: dict[int, int]) -> ExpressionNode:
    offset, found = 0, ExpressionNode("other", 0, "")
    for field, value in read_fields(message):
        if field == _ID:
            offset = positions.get(_to_integer(value), 0)
        elif not isinstance(value, bytes):
            continue
        elif field == _CONSTANT:
            found = _read_constant(value)
        elif field == _IDENT:
            found = ExpressionNode("name", 0, _read_text(value, 1).removeprefix("."))
        elif field == _SELECT:
            found = _read_select(value, positions)
        elif field == _CALL:
            found = _read_call(value, positions)
        elif field == _LIST:
            found = _read_list(value, positions)
    return ExpressionNode(
        found.kind, offset, found.text, found.arguments, found.function, found.value
    )


def _read_constant(message: bytes) -> ExpressionNode:
    for field, value in read_fields(message):
        known: Any = None
        if field == 2:
            known = bool(value)
        elif field == 3 and isinstance(value, int):
            known = value - 2**64 if value >= 2**63 else value
        elif field == 5 and isinstance(value, bytes):
            known = unpack("<d", value)[0]
        elif field == 6 and isinstance(value, bytes):
            known = value.decode(errors="replace")
        if known is not None:
            return ExpressionNode("constant", 0, json.dumps(known, ensure_ascii=False), value=known)
    return ExpressionNode("other", 0, "")


def _read_select(message: bytes, positions: dict[int, int]) -> ExpressionNode:
    inner = [_read_node(value, positions) for value in read_messages(message, 1)]
    text = f"{inner[0].text}.{_read_text(message, 2)}" if inner and inner[0].text else ""
    tested = any(field == 3 for field, _ in read_fields(message))
    return ExpressionNode("field", 0, "" if tested else text, tuple(inner))


def _read_call(message: bytes, positions: dict[int, int]) -> ExpressionNode:
    target = [_read_node(value, positions) for value in read_messages(message, 1)]
    given = [_read_node(value, positions) for value in read_messages(message, 3)]
    function = _read_text(message, 2)
    parts = [node.text for node in (*target, *given)]
    text = _format_call(function, parts, receiver=bool(target)) if all(parts) else ""
    return ExpressionNode("call", 0, text, (*target, *given), function)


def _format_call(function: str, parts: list[str], *, receiver: bool) -> str:
    if function in _INFIX_OPERATORS:
        return f"({parts[0]} {function.strip('_')} {parts[1]})"
    if function in _OPERATOR_FORMS:
        return _OPERATOR_FORMS[function].format(*parts)
    if receiver:
        return f"{parts[0]}.{function}({', '.join(parts[1:])})"
    return f"{function}({', '.join(parts)})"


def _read_list(message: bytes, positions: dict[int, int]) -> ExpressionNode:
    items = tuple(_read_node(value, positions) for value in read_messages(message, 1))
    text = f"[{', '.join(item.text for item in items)}]" if all(i.text for i in items) else ""
    return ExpressionNode("list", 0, text, items)


def _read_text(message: bytes, wanted: int) -> str:
    return next((value.decode() for value in read_messages(message, wanted)), "")


def _to_integer(value: bytes | int) -> int:
    return value if isinstance(value, int) else 0
