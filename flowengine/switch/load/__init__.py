"""Many simulated calls at once, put on a real server."""

from flowengine.switch.load.report import Report, Timing
from flowengine.switch.load.run import Plan, load

__all__ = ["Plan", "Report", "Timing", "load"]
