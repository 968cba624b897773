"""The wire format of protobuf messages, as far as CEL's own answers need it."""

from collections.abc import Iterator

_VARINT, _BYTES = 0, 2  # wire types; the others have a fixed length
_FIXED_SIZES = {1: 8, 5: 4}


def read_fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field; values of a fixed length are left as bytes."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _read_varint(message, at)
            yield field, value
            continue
        if wire == _BYTES:
            size, at = _read_varint(message, at)
        else:
            size = _FIXED_SIZES[wire]
        yield field, message[at : at + size]
        at += size


def read_messages(message: bytes, wanted: int) -> Iterator[bytes]:
    """The messages and texts that stand in one field."""
    for field, value in read_fields(message):
        if field == wanted and isinstance(value, bytes):
            yield value


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
