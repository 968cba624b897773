"""Which names a checked expression reads, from CEL's own serialised answer.

The message is cel.expr.CheckedExpr inside google.protobuf.Any; its field 2 maps nodes to what they
refer to. Reading three fields of it takes fewer lines than a dependency on protobuf; unlike a
search in the text it misses none, and adds only names that a loop reuses.
"""

from collections.abc import Iterator

_REFERENCE_MAP = _ANY_VALUE = _ENTRY_VALUE = 2
_REFERENCE_NAME = 1
_BYTES = 2  # wire type: length-delimited


def references(serialised: bytes) -> frozenset[str]:
    found: set[str] = set()
    for checked in _parts(serialised, _ANY_VALUE):
        for entry in _parts(checked, _REFERENCE_MAP):
            for reference in _parts(entry, _ENTRY_VALUE):
                found.update(
                    name.decode().removeprefix(".") for name in _parts(reference, _REFERENCE_NAME)
                )
    return frozenset(found)


def _parts(message: bytes, wanted: int) -> Iterator[bytes]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        if wire == _BYTES:
            size, at = _varint(message, at)
            if field == wanted:
                yield message[at : at + size]
            at += size
        else:
            at = _skip(message, at, wire)


def _skip(message: bytes, at: int, wire: int) -> int:
    fixed = {1: 8, 5: 4}.get(wire)
    return at + fixed if fixed else _varint(message, at)[1]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
