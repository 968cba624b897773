"""What changed in meaning between two versions of a project. Form, order of keys, comments and
notes mean nothing.
"""

from flowengine.diff.diff_json import to_json
from flowengine.diff.diff_text import format_item, format_summary, to_text
from flowengine.diff.difference import (
    DiffItem,
    DiffLocation,
    FlowDifference,
    ProjectDifference,
    StateDifference,
)
from flowengine.diff.project_comparison import compare_projects

__all__ = [
    "DiffItem",
    "DiffLocation",
    "FlowDifference",
    "ProjectDifference",
    "StateDifference",
    "compare_projects",
    "format_item",
    "format_summary",
    "to_json",
    "to_text",
]
