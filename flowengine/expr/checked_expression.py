"""A checked expression in parts that can be evaluated apart from each other, from CEL's own
serialised answer (cel.expr.CheckedExpr).

Every part keeps its id, by which CEL finds its type and what its names and functions refer to. So a
part is an expression of its own, also with names in place of parts inside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cached_property
from struct import unpack
from typing import Any, Final

import msgspec

from flowengine.expr.protobuf import read_fields, read_messages, write_field

_TYPE_URL, _ANY_VALUE = 1, 2
_REFERENCES, _TYPES, _EXPR = 2, 3, 4  # fields of CheckedExpr
_ID, _KEY, _VALUE, _REFERENCE_NAME, _OVERLOAD = 2, 1, 2, 1, 3


class PartKind(IntEnum):
    """What a part is, by its field in cel.expr.Expr."""

    CONSTANT = 3
    NAME = 4
    FIELD = 5
    CALL = 6
    LIST = 7
    MAP = 8
    LOOP = 9


# where an Expr holds others: field of the kind, fields inside of it
_SHAPE: Final[dict[int, Any]] = {}
_SHAPE.update(
    {
        PartKind.FIELD: {1: _SHAPE},
        PartKind.CALL: {1: _SHAPE, 3: _SHAPE},
        PartKind.LIST: {1: _SHAPE},
        PartKind.MAP: {2: {3: _SHAPE, 4: _SHAPE}},
        PartKind.LOOP: dict.fromkeys((2, 4, 5, 6, 7), _SHAPE),
    }
)
_SCALAR_TYPES: Final = frozenset({b"\x18\x01", b"\x18\x02", b"\x18\x04", b"\x18\x05"})
_ANY_TYPE, _NULL_TYPE = b"\x0a\x00", b"\x10\x00"
_LIST_TYPE, _MAP_TYPE = 6, 7


class Part(msgspec.Struct, frozen=True):
    """One part of an expression. `name` is that of a name, field or function; `value` that of a
    constant; `variables` are what a loop calls its item and its result. `parts` of a call begin
    with its receiver; those of a loop are range, start, condition, step and result.
    """

    kind: PartKind
    id: int
    message: bytes
    parts: tuple["Part", ...]
    name: str = ""
    value: Any = None
    is_test: bool = False  # has(…)
    variables: tuple[str, ...] = ()

    def walk(self) -> Iterator["Part"]:
        yield self
        for part in self.parts:
            yield from part.walk()


class UnknownPartError(Exception):
    """A part of a kind or type that only CEL knows, such as bytes."""


class CheckedExpression:
    """`names` are what the expression reads, as far as CEL knows them; it adds only names that a
    loop reuses. `overload_ids` are those of all calls in it, `root` is the whole of it.
    """

    def __init__(self, serialised: bytes) -> None:
        self.serialised = serialised
        self._checked = next(read_messages(serialised, _ANY_VALUE))
        self._overloads: dict[Any, list[str]] = {}
        self.names: set[str] = set()
        for key, reference in self._read_entries(_REFERENCES):
            for field, value in read_fields(reference):
                if field == _REFERENCE_NAME and isinstance(value, bytes):
                    self.names.add(value.decode().removeprefix("."))
                elif field == _OVERLOAD and isinstance(value, bytes):
                    self._overloads.setdefault(key, []).append(value.decode())
        self.overload_ids = {one for ids in self._overloads.values() for one in ids}

    def _read_entries(self, wanted: int) -> Iterator[tuple[Any, bytes]]:
        for message in read_messages(self._checked, wanted):
            entry = dict(read_fields(message))
            yield entry.get(_KEY), bytes(entry.get(_VALUE, b""))

    @cached_property
    def _types(self) -> dict[Any, bytes]:
        return dict(self._read_entries(_TYPES))

    @cached_property
    def root(self) -> Part:
        """Raises UnknownPartError."""
        return _read_part(next(read_messages(self._checked, _EXPR)))

    def list_overloads(self, part: Part) -> Sequence[str]:
        """The ids of the overloads that a call may mean."""
        return self._overloads.get(part.id, ())

    def can_bind(self, part: Part) -> bool:
        """Whether the value of a part is the same after it was one of Python: a point in time is
        not, and may hide in a value of any type.
        """
        return self._types.get(part.id) in _SCALAR_TYPES or all(
            _is_json(self._types.get(one.id, b"")) for one in part.walk()
        )


def serialize_part(serialised: bytes, message: bytes, names: Mapping[int, str]) -> bytes:
    """A part of an expression as one of its own, with names in place of parts by their ids."""
    fields = [write_field(_EXPR, _bind_names(message, _SHAPE, names))]
    for field, value in read_fields(next(read_messages(serialised, _ANY_VALUE))):
        # what a name stands for is not what the part that it replaces refers to
        is_replaced = field == _REFERENCES and dict(read_fields(bytes(value)))[_KEY] in names
        if field != _EXPR and not is_replaced:
            fields.append(write_field(field, value))
    return b"".join(
        write_field(field, b"".join(fields) if field == _ANY_VALUE else value)
        for field, value in read_fields(serialised)
    )


def _is_json(kind: bytes) -> bool:
    if kind in _SCALAR_TYPES or kind in (_ANY_TYPE, _NULL_TYPE):
        return True
    return bool(kind) and all(
        field in (_LIST_TYPE, _MAP_TYPE)
        and isinstance(value, bytes)
        and all(isinstance(inner, bytes) and _is_json(inner) for _, inner in read_fields(value))
        for field, value in read_fields(kind)
    )


def _bind_names(message: bytes, shape: dict[int, Any], names: Mapping[int, str]) -> bytes:
    fields = list(read_fields(message))
    part = next((value for field, value in fields if field == _ID), 0) if shape is _SHAPE else 0
    if isinstance(part, int) and part in names:
        return write_field(_ID, part) + write_field(
            PartKind.NAME, write_field(1, names[part].encode())
        )
    return b"".join(
        write_field(
            field,
            _bind_names(value, shape[field], names)
            if field in shape and isinstance(value, bytes)
            else value,
        )
        for field, value in fields
    )


def _read_part(message: bytes) -> Part:
    fields = dict(read_fields(message))
    number = fields.pop(_ID, 0)
    kind, inside = next(iter(fields.items()), (0, b""))
    if kind not in set(PartKind) or not isinstance(inside, bytes) or not isinstance(number, int):
        raise UnknownPartError
    parts = tuple(_read_part(one) for one in _list_parts(inside, _SHAPE.get(kind, {})))
    own = [
        (field, value) for field, value in read_fields(inside) if field not in _SHAPE.get(kind, {})
    ]
    match PartKind(kind):
        case PartKind.CONSTANT:
            return Part(PartKind.CONSTANT, number, message, (), value=_read_constant(*own[0]))
        case PartKind.LOOP:
            variables = tuple(value.decode() for _, value in own if isinstance(value, bytes))
            return Part(PartKind.LOOP, number, message, parts, variables=variables)
        case PartKind.LIST | PartKind.MAP:
            return Part(PartKind(kind), number, message, parts)
    name = next((value.decode() for _, value in own if isinstance(value, bytes)), "")
    is_test = any(isinstance(value, int) for _, value in own)
    return Part(PartKind(kind), number, message, parts, name, is_test=is_test)


def _list_parts(message: bytes, shape: dict[int, Any]) -> Iterator[bytes]:
    for field, value in read_fields(message):
        if field in shape and isinstance(value, bytes):
            if shape[field] is _SHAPE:
                yield value
            else:
                yield from _list_parts(value, shape[field])


def _read_constant(field: int, value: bytes | int) -> Any:
    if field == 1:
        return None
    if field == 2:
        return bool(value)
    if field == 3 and isinstance(value, int):
        return value - 2**64 if value >= 2**63 else value
    if field == 5 and isinstance(value, bytes):
        return unpack("<d", value)[0]
    if field == 6 and isinstance(value, bytes) and b"\0" not in value:
        return value.decode()
    raise UnknownPartError
