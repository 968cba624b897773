"""Runs recorded calls against another release, and says which would go differently, and where
first.
"""

from flowengine.releases.replay.environment import Placeholders
from flowengine.releases.replay.play import Difference, NotReplayable, replayed
from flowengine.releases.replay.report import Group, Report, report, to_text

__all__ = [
    "Difference",
    "Group",
    "NotReplayable",
    "Placeholders",
    "Report",
    "replayed",
    "report",
    "to_text",
]
