"""Events of a switch as they happen, for phones, scenarios, logs and tests. `at` is when, `call` is
the call's id.
"""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

Role = Literal["caller", "callee"]
"""Which end of a call: `callee` is also who is reached by a callout"""
ParticipantCommand = Literal["mute", "unmute", "onhold", "resume"]
"""What the Calling API does with a member of a conference"""


class Sound(msgspec.Struct, frozen=True):
    """Something that is heard on a line; `text` is what is spoken, the address of a file, the name
    of music, or the keys of tones. A pause has none.
    """

    kind: Literal["speech", "pause", "file", "music", "tones", "ringing", "beep", "error"]
    text: str
    seconds: float
    locale: str = ""


class Finding(msgspec.Struct, frozen=True):
    """Something about an answer of the backend that the platform refuses or merely tolerates, where
    in it, and what to write instead.
    """

    where: str
    message: str
    cure: str = ""


class SwitchEvent(msgspec.Struct, frozen=True):
    """Something that happened to a call."""

    what: ClassVar[str]  # the kind, as programs read it

    call: str
    at: datetime


class CallbackSent(SwitchEvent, frozen=True):
    """A callback leaves for the backend."""

    what: ClassVar[str] = "asks"
    event: str
    url: str
    body: bytes


class AnswerReceived(SwitchEvent, frozen=True):
    """What the backend answered, or why it did not (`failure`, then without status)."""

    what: ClassVar[str] = "told"
    event: str
    url: str
    status: int
    body: bytes
    failure: str
    illegal: tuple[Finding, ...]
    tolerated: tuple[Finding, ...]


class Remark(SwitchEvent, frozen=True):
    """Something that the switch has found apart from the answers to callbacks: in SVAML that came
    with a callout (`about` is the event that it answers), in the `callout` itself, in a `patch`,
    or in how the call goes on.
    """

    what: ClassVar[str] = "remark"
    about: Literal["ice", "ace", "pie", "dice", "callout", "patch", "call"]
    illegal: tuple[Finding, ...] = ()
    tolerated: tuple[Finding, ...] = ()


class SoundStarted(SwitchEvent, frozen=True):
    """A sound begins on a line."""

    what: ClassVar[str] = "heard"
    role: Role
    sound: Sound


class MenuListening(SwitchEvent, frozen=True):
    """A menu waits for keys or words: from now on they count."""

    what: ClassVar[str] = "asked"
    role: Role
    menu: str
    keys: str
    """The keys that lead somewhere; "" where digits are collected"""
    digits: int
    """How many digits are collected at most; 0 where single keys are"""
    voice: bool


class LegRinging(SwitchEvent, frozen=True):
    """An outgoing leg reaches its party."""

    what: ClassVar[str] = "ringing"
    kind: Literal["phone", "app", "sip", "stream"]
    to: str
    cli: str


class LegPickedUp(SwitchEvent, frozen=True):
    """A leg is answered."""

    what: ClassVar[str] = "picked"
    role: Role


class LegJoined(SwitchEvent, frozen=True):
    """Two ends hear each other, a member has come into a conference, or a call is parked (`to` is
    the address, the room or "").
    """

    what: ClassVar[str] = "joined"
    kind: Literal["phone", "app", "sip", "stream", "conference", "park"]
    to: str


class ParticipantChanged(SwitchEvent, frozen=True):
    """A request has changed a member of a conference."""

    what: ClassVar[str] = "participant"
    command: ParticipantCommand


class LegLeft(SwitchEvent, frozen=True):
    """A leg has hung up, or was hung up."""

    what: ClassVar[str] = "left"
    role: Role


class CallEnded(SwitchEvent, frozen=True):
    """A call is over."""

    what: ClassVar[str] = "ended"
    result: str
    reason: str
    duration: int
    """Seconds from the answer on, 0 when nobody answered"""
