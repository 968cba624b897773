"""The result of reading an answer."""

from typing import Literal

import msgspec

from flowengine.svaml import AnyAction, AnyInstruction, RecordingOptions
from flowengine.switch.switch_events import Finding

AnswerContext = Literal[
    "ice",
    "ace",
    "pie",
    "dice",
    "patch",
    "patch_leg",
    "unpark",
    "custom_ice",
    "custom_ace",
    "custom_pie",
]
"""What is answered, or which request of the Calling API carries it; `unpark` is a PATCH of a call that is parked"""


class SvamlReading(msgspec.Struct, frozen=True):
    """An answer in its usual spelling, whatever it was written in. With `illegal` findings it is
    not to be obeyed.
    """

    instructions: tuple[AnyInstruction, ...] = ()
    action: AnyAction | None = None
    illegal: tuple[Finding, ...] = ()
    tolerated: tuple[Finding, ...] = ()
    conference_recording: RecordingOptions | None = None
    """`record` and `recordingOptions` of a connectConf: the room is recorded, not the leg"""
