"""A text within brackets that has a comma, where YAML ends it: what follows is read as a key."""

from typing import NamedTuple

from flowengine.source.document import Document, KeyPath
from flowengine.source.intended_values import quote_as_yaml


class CommaSlip(NamedTuple):
    """`is_first`: the key is the first piece behind a comma of its text; `is_text`: it cannot be a
    mistyped key, as one of the pieces is no word. `cure` is for all of the text.
    """

    is_first: bool
    is_text: bool
    cure: str


def find_comma_slip(document: Document, path: KeyPath) -> CommaSlip | None:
    """The text that the key at a path belongs to, where it stands behind a comma and no value
    follows it.
    """
    siblings = [(*path[:-1], name) for name in document.get_value(path[:-1])]
    first = last = siblings.index(path)
    while first >= 0 and _is_piece(document, siblings[first]):
        first -= 1
    while last < len(siblings) and _is_piece(document, siblings[last]):
        last += 1
    # `first` is the entry whose value the comma has cut
    if not 0 <= first < siblings.index(path) or not isinstance(
        document.get_value(siblings[first]), str
    ):
        return None
    start, end = document.values[siblings[first]][0], document.keys[siblings[last - 1]][1]
    cure = f"put quotes around the whole text: {quote_as_yaml(document.text[start:end])}"
    pieces = [str(piece[-1]) for piece in siblings[first + 1 : last]]
    return CommaSlip(pieces[0] == path[-1], not all(map(str.isidentifier, pieces)), cure)


def _is_piece(document: Document, path: KeyPath) -> bool:
    """Whether this key stands behind a comma, and nothing behind it."""
    start, _ = document.keys[path]
    return (
        document.get_value(path) is None
        and not document.get_source_text(path)
        and document.text[:start].rstrip().endswith(",")
    )
