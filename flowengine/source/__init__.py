"""Files as data in which every key and value knows its place."""

from flowengine.source.document import Document, KeyPath
from flowengine.source.document_pruning import prune_document
from flowengine.source.document_reader import read_document
from flowengine.source.internal_errors import (
    INTERNAL_CODE,
    report_internal_errors,
    to_internal_problem,
)
from flowengine.source.merge_conflict import CONFLICT_CODE

__all__ = [
    "CONFLICT_CODE",
    "INTERNAL_CODE",
    "Document",
    "KeyPath",
    "prune_document",
    "read_document",
    "report_internal_errors",
    "to_internal_problem",
]
