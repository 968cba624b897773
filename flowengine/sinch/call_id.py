"""Ids of calls as bytes, for databases: SQLite and PostgreSQL refuse some texts that JSON may carry,
and one such id would spoil the commit of all others.
"""


def encode_call_id(call_id: str) -> bytes:
    """The bytes of any id, those with half a surrogate pair included."""
    return call_id.encode("utf-8", "surrogatepass")


def decode_call_id(key: bytes) -> str:
    """The id that was encoded."""
    return key.decode("utf-8", "surrogatepass")
