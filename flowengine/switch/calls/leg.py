"""One end of a call, through which its party answers, rejects, presses keys, speaks and hangs up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from flowengine.svaml import CallHeader
from flowengine.switch.calls.call_ending import RefusalReason
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.parties import Script
from flowengine.switch.switch_events import Role, Sound, SoundStarted
from flowengine.switch.switch_resources import SwitchResources
from flowengine.switch.switch_setup import Behaviour

LegKind = Literal["phone", "app", "sip", "stream"]
MANUAL_BEHAVIOUR = Behaviour("by hand")


class LegConnection(Protocol):
    """The connection that has dialled a leg."""

    def answer(self) -> bool:
        """The party answers."""

    def reject(self, reason: RefusalReason) -> bool:
        """The party rejects the call."""


class LegCall(Protocol):
    """What a leg needs of its call."""

    id: str
    switch: SwitchResources

    def find_other_end(self, leg: Leg) -> Leg | None:
        """The leg that is bridged to this one."""

    def list_listening_lines(self, leg: Leg) -> list[AudioLine]:
        """The lines on which this leg is heard."""

    def handle_leg_left(self, leg: Leg) -> None:
        """The party has hung up."""


class Leg:
    """`up` is answered. Until then a caller is `calling` and a callee `ringing`; `gone` is the end.
    `role` becomes "caller" when a party that a callout has reached is connected to somebody else.
    """

    __slots__ = (
        "_script", "address", "answered_at", "asking", "behaviour", "call", "cli", "headers", "kind", "line", "outgoing", "role", "state",
    )  # fmt: skip

    def __init__(
        self,
        call: LegCall,
        role: Role,
        kind: LegKind,
        address: str,
        behaviour: Behaviour = MANUAL_BEHAVIOUR,
        cli: str = "",
    ) -> None:
        self.call, self.role, self.kind, self.address, self.behaviour, self.cli = (
            call,
            role,
            kind,
            address,
            behaviour,
            cli,
        )
        self.line = AudioLine(call.switch.clock, call.switch.settings, self._handle_sound)
        self.state: Literal["calling", "ringing", "up", "gone"] = (
            "calling" if role == "caller" else "ringing"
        )
        self.answered_at: datetime | None = None
        self.asking = False
        """A menu waits for input from here"""
        self.outgoing: LegConnection | None = None
        self.headers: tuple[CallHeader, ...] = ()
        """What is sent along to an app, a SIP end or a stream"""
        self._script: Script | None = None

    def answer(self) -> bool:
        """Answer; False where the leg does not ring."""
        return self.state == "ringing" and self.outgoing is not None and self.outgoing.answer()

    def reject(self, reason: RefusalReason = "decline") -> bool:
        """Reject the call; False where the leg does not ring."""
        return (
            self.state == "ringing" and self.outgoing is not None and self.outgoing.reject(reason)
        )

    def press(self, keys: str) -> bool:
        """Press keys; whether they count or somebody hears them."""
        if self.state == "gone":
            return False
        # a menu takes the keys, and the other end does not hear them
        if self.line.listener is not None:
            return self.line.press(keys)
        other = self.call.find_other_end(self)
        if other is not None:
            other.line.play_tones(keys)
        return other is not None

    def say(self, text: str) -> bool:
        """Say words; whether they count or somebody hears them."""
        if self.state == "gone":
            return False
        if self.line.speak(text):
            return True
        listeners = self.call.list_listening_lines(self)
        # words go to the other end only if no menu takes them
        sound = Sound("speech", text, len(text) / self.call.switch.settings.characters_per_second)
        for line in listeners:
            line.on_sound(sound)
        return bool(listeners)

    def hang_up(self) -> None:
        """Hang up, or cancel the call before it is answered."""
        if self.state == "ringing":
            self.reject("decline")
        elif self.state != "gone":
            self.call.handle_leg_left(self)

    def start_behaviour(self) -> None:
        """Begin with what the behaviour of the party says."""
        if self.behaviour.acts or self.behaviour.hangs_up_at:
            self._script = Script(self.call.switch.clock, self, self.behaviour)
            self._script.start()

    def set_asking(self, asking: bool) -> None:
        """Note that a menu begins or ends to wait for input."""
        self.asking = asking
        if asking and self._script is not None:
            self._script.handle_menu_waiting()

    def mark_gone(self) -> bool:
        """End the leg; False where it had ended before."""
        if self.state == "gone":
            return False
        self.state = "gone"
        self.line.stop()
        # late keys of a party that is gone must not reach a menu
        self.line.listener = None
        if self._script is not None:
            self._script.stop()
        return True

    def _handle_sound(self, sound: Sound) -> None:
        switch = self.call.switch
        switch.emit(SoundStarted(self.call.id, switch.clock.now(), self.role, sound))
        if self._script is not None:
            self._script.handle_sound(sound)
