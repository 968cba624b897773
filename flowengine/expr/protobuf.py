"""The wire format of protobuf messages, as far as CEL's own answers need it."""

from collections.abc import Iterator

_VARINT, _BYTES = 0, 2  # wire types; the others have a fixed length
_FIXED_SIZES = {1: 8, 5: 4}


def read_fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field; values of a fixed length are left as bytes."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _read_varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _read_varint(message, at)
            yield tag >> 3, value
            continue
        size, at = _read_varint(message, at) if wire == _BYTES else (_FIXED_SIZES[wire], at)
        yield tag >> 3, message[at : at + size]
        at += size


def read_messages(message: bytes, wanted: int) -> Iterator[bytes]:
    """The messages and texts that stand in one field."""
    for field, value in read_fields(message):
        if field == wanted and isinstance(value, bytes):
            yield value


def write_field(field: int, value: bytes | int) -> bytes:
    """A field as `read_fields` reads it, but for those of a fixed length."""
    if isinstance(value, int):
        return _write_varint(field << 3 | _VARINT) + _write_varint(value)
    return _write_varint(field << 3 | _BYTES) + _write_varint(len(value)) + value


def _write_varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    if message[at] < 0x80:  # most of them
        return message[at], at + 1
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
