"""Files as data in which every key and value knows its place."""

from flowengine.source.checking import check
from flowengine.source.conflict import CONFLICT_CODE
from flowengine.source.document import Document, Path
from flowengine.source.internal import INTERNAL_CODE, internal_errors_reported, internal_problem
from flowengine.source.reading import read

__all__ = [
    "CONFLICT_CODE",
    "INTERNAL_CODE",
    "Document",
    "Path",
    "check",
    "internal_errors_reported",
    "internal_problem",
    "read",
]
