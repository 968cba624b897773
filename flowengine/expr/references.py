"""Which names a checked expression reads, from CEL's own serialised answer.

The message is cel.expr.CheckedExpr inside google.protobuf.Any; its field 2 maps nodes to what they
refer to. Reading three fields of it takes fewer lines than a dependency on protobuf; unlike a
search in the text it misses none, and adds only names that a loop reuses.
"""

from flowengine.expr.protobuf import read_messages

_REFERENCE_MAP = _ANY_VALUE = _ENTRY_VALUE = 2
_REFERENCE_NAME = 1


def find_references(serialised: bytes) -> frozenset[str]:
    found: set[str] = set()
    for checked in read_messages(serialised, _ANY_VALUE):
        for entry in read_messages(checked, _REFERENCE_MAP):
            for reference in read_messages(entry, _ENTRY_VALUE):
                found.update(
                    name.decode().removeprefix(".")
                    for name in read_messages(reference, _REFERENCE_NAME)
                )
    return frozenset(found)
