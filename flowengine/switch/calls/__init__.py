"""Calls: their legs and bridges, what the backend is asked about them, and how its answers are
obeyed.
"""

from flowengine.switch.calls.call import Call
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.origin import Origin
from flowengine.switch.calls.record import CallRecord

__all__ = ["Call", "CallRecord", "Leg", "Origin"]
