"""Callbacks on the wire: their bodies, signatures, delivery and transports."""

from flowengine.switch.wire.callback_bodies import (
    CallbackFacts,
    MenuEnd,
    encode_ace,
    encode_dice,
    encode_ice,
    encode_notify,
    encode_pie,
)
from flowengine.switch.wire.callback_sender import CallbackSender
from flowengine.switch.wire.concurrent_transport import ConcurrentTransport, drive_clock
from flowengine.switch.wire.transport import BlockingTransport, DirectTransport, Response, Transport

__all__ = [
    "BlockingTransport",
    "CallbackFacts",
    "CallbackSender",
    "ConcurrentTransport",
    "DirectTransport",
    "MenuEnd",
    "Response",
    "Transport",
    "drive_clock",
    "encode_ace",
    "encode_dice",
    "encode_ice",
    "encode_notify",
    "encode_pie",
]
