"""Many simulated calls at once, put on a real server."""

from flowengine.switch.load.load_report import LoadReport, Timing
from flowengine.switch.load.load_runner import LoadPlan, run_load
from flowengine.switch.load.real_time_load import run_real_time_load

__all__ = ["LoadPlan", "LoadReport", "Timing", "run_load", "run_real_time_load"]
