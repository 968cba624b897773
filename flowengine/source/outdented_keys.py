"""Keys that are indented as far as the empty key above them, below which they were meant."""

from collections.abc import Collection
from itertools import pairwise
from typing import NamedTuple

from flowengine.problems import Problem
from flowengine.source.document import Document, KeyPath


class OutdentedKeys(NamedTuple):
    """The first of these keys, and the empty one above it."""

    first: KeyPath
    empty: KeyPath

    def to_problem(self, document: Document) -> Problem:
        name = self.empty[-1]
        return Problem(
            "FE105",
            document.find_key_span(self.first),
            f"this is indented as far as {name}: above it, which is empty",
            f"indent it further, so that it stands below {name}:",
        )


def find_outdented_keys(
    document: Document, outer: KeyPath, unknown: Collection[str]
) -> OutdentedKeys | None:
    """The unknown keys in the mapping at `outer` that stand behind a key without a value."""
    names = list(document.get_value(outer))
    for empty, first in pairwise(names):
        path = (*outer, empty)
        if (
            first in unknown
            and empty not in unknown
            and document.get_value(path) is None
            and path not in document.broken
            and not document.get_source_text(path)
            and document.get_value((*outer, first)) is not None
            # on a line of its own
            and document.find_key_span(path).line < document.find_key_span((*outer, first)).line
        ):
            return OutdentedKeys((*outer, first), path)
    return None
