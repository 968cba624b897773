"""The platform's REST APIs, and one of our own for people and tests."""

from flowengine.switch.api.app import Api
from flowengine.switch.api.switch_context import SwitchContext

__all__ = ["Api", "SwitchContext"]
