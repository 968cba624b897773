"""Calls: their legs and bridges, their callbacks, and the actions that carry out answers."""

from flowengine.switch.calls.call_origin import CallOrigin
from flowengine.switch.calls.call_record import CallRecord
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall

__all__ = ["CallOrigin", "CallRecord", "Leg", "SwitchCall"]
