"""Ids of calls as bytes, for databases: SQLite and PostgreSQL refuse some texts that JSON may carry,
and one such id would spoil the commit of all others.
"""


def encode_call_id(call_id: str) -> bytes:
    """The bytes of any id, those with half a surrogate pair included."""
    return call_id.encode("utf-8", "surrogatepass")


def decode_call_id(key: bytes) -> str:
    """The id that was encoded."""
    return key.decode("utf-8", "surrogatepass")


def find_key_range(beginning: str) -> tuple[bytes, bytes]:
    """The least and the greatest bytes of ids that begin so: no byte of UTF-8 is 255.

    >>> first, last = find_key_range("a1")
    >>> [first <= encode_call_id(call) <= last for call in ("a1", "a1é", "a2", "a")]
    [True, True, False, False]
    """
    first = encode_call_id(beginning)
    return first, first + b"\xff"
