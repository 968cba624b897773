"""The platform's callbacks and signatures."""

from flowengine.sinch.callback_decoder import BadCallbackError, decode
from flowengine.sinch.callback_events import (
    Ace,
    AmdResult,
    CallbackEvent,
    CallTarget,
    Dice,
    Ice,
    MenuResult,
    Money,
    Notify,
    Pie,
)
from flowengine.sinch.number_parser import ParsedNumber, parse_number
from flowengine.sinch.signing import SignatureError, Verifier, sign_request

__all__ = [
    "Ace",
    "AmdResult",
    "BadCallbackError",
    "CallTarget",
    "CallbackEvent",
    "Dice",
    "Ice",
    "MenuResult",
    "Money",
    "Notify",
    "ParsedNumber",
    "Pie",
    "SignatureError",
    "Verifier",
    "decode",
    "parse_number",
    "sign_request",
]
