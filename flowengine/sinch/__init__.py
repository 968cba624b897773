"""What the platform says, and how it proves it."""

from flowengine.sinch.callbacks import BadCallback, decode
from flowengine.sinch.events import (
    Ace,
    Amd,
    Destination,
    Dice,
    Event,
    Ice,
    MenuResult,
    Money,
    Notify,
    Pie,
)
from flowengine.sinch.number import Number, normalise
from flowengine.sinch.signing import SignatureError, Verifier, sign

__all__ = [
    "Ace",
    "Amd",
    "BadCallback",
    "Destination",
    "Dice",
    "Event",
    "Ice",
    "MenuResult",
    "Money",
    "Notify",
    "Number",
    "Pie",
    "SignatureError",
    "Verifier",
    "decode",
    "normalise",
    "sign",
]
