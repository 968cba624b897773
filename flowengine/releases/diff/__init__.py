"""What changed in meaning between two versions of a project. Form, order of keys, comments and
notes mean nothing.
"""

from flowengine.releases.diff.compare import compare
from flowengine.releases.diff.difference import (
    Difference,
    FlowDifference,
    Item,
    Place,
    StateDifference,
)
from flowengine.releases.diff.machine import to_json
from flowengine.releases.diff.text import described, summary, to_text

__all__ = [
    "Difference",
    "FlowDifference",
    "Item",
    "Place",
    "StateDifference",
    "compare",
    "described",
    "summary",
    "to_json",
    "to_text",
]
