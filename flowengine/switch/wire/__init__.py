"""What goes over the wire: the bodies of callbacks, their signing and delivery, and the ways that
they travel.
"""

from flowengine.switch.wire.bodies import Facts, MenuResult, ace, dice, ice, notify, pie
from flowengine.switch.wire.concurrent import Concurrent, drive
from flowengine.switch.wire.delivery import Delivery
from flowengine.switch.wire.transport import Blocking, Direct, Response, Transport

__all__ = [
    "Blocking",
    "Concurrent",
    "Delivery",
    "Direct",
    "Facts",
    "MenuResult",
    "Response",
    "Transport",
    "ace",
    "dice",
    "drive",
    "ice",
    "notify",
    "pie",
]
