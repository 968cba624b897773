"""Runs recorded calls against another release, and says which would go differently, and where
first.
"""

from flowengine.replay.call_replay import CallDifference, NotReplayableError, replay_call
from flowengine.replay.placeholder_environment import PlaceholderEnvironment
from flowengine.replay.replay_report import DifferenceGroup, ReplayReport, replay_calls, to_text

__all__ = [
    "CallDifference",
    "DifferenceGroup",
    "NotReplayableError",
    "PlaceholderEnvironment",
    "ReplayReport",
    "replay_call",
    "replay_calls",
    "to_text",
]
