"""The protocols by which a call and its parts know each other. A call holds its parts by the first
three protocols; its parts tell the call what has happened, or what shall become of it, by
`CallControl`.
"""

from collections.abc import Iterable
from typing import Literal, Protocol

from flowengine.sinch import AmdResult
from flowengine.svaml import AnyAction, AnyInstruction
from flowengine.switch.calls.call_ending import CallEnding
from flowengine.switch.calls.call_origin import EventName
from flowengine.switch.calls.leg import Leg, LegConnection
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.reading import SvamlReading
from flowengine.switch.switch_events import Finding
from flowengine.switch.wire import MenuEnd

LegChoice = Literal["caller", "callee", "both"]


class Activity(Protocol):
    """What a leg does that is not connected to another leg; one thing at a time."""

    def stop(self) -> None:
        """End it: the call goes elsewhere or has ended."""

    def pause(self) -> None:
        """Pause while something else is played."""

    def resume(self) -> None:
        """Continue after that."""

    def list_listening_lines(self) -> list[AudioLine]:
        """The lines on which the leg is heard meanwhile."""


class CallConnection(LegConnection, Protocol):
    """A leg that the call has dialled."""

    leg: Leg
    bridged: bool
    """Both ends hear each other"""

    def ring(self) -> None:
        """Let the caller hear that it rings."""

    def bridge(self) -> None:
        """Let both ends hear each other."""

    def disconnect(self) -> None:
        """Hang up at this end only."""

    def finish(self) -> None:
        """Stop: the call or this leg of it has ended."""


class PlayingInstructions(Protocol):
    """Instructions in progress."""

    @property
    def is_over(self) -> bool:
        """Whether everything was carried out, or it was stopped."""

    def insert(self, instructions: Iterable[AnyInstruction]) -> None:
        """Carry these out before the rest."""

    def stop(self) -> None:
        """Leave the rest undone."""


class CallControl(Protocol):
    """Decides how a call goes on."""

    def handle_connected(self, amd: AmdResult | None, *, ask: bool) -> None:
        """The called party has answered. `ask` is whether the backend may be asked."""

    def handle_leg_left(self, leg: Leg) -> None:
        """A party has hung up."""

    def handle_menu_end(self, result: MenuEnd, leg: Leg) -> None:
        """A menu on this leg has a result."""

    def handle_conference_keys(self, result: MenuEnd, leg: Leg) -> None:
        """A conference has collected keys from this leg."""

    def send_notification(
        self, kind: str, destination: str = "", amd: AmdResult | None = None
    ) -> None:
        """Send a notify."""

    def perform_answer(
        self,
        reading: SvamlReading,
        action: AnyAction,
        event: EventName | None = None,
        leg: Leg | None = None,
    ) -> None:
        """Carry out an answer to an event, or to none. `leg` had the menu that is answered."""

    def refuse_answer(self, finding: Finding) -> None:
        """End the call: the answer is legal, but cannot be obeyed in this call."""

    def proceed(self) -> None:
        """Go on as calls do where the backend does not say otherwise."""

    def end(self, ending: CallEnding) -> None:
        """End the call for all parties; without effect the second time."""

    def end_by_platform(self) -> None:
        """Hang up."""

    def send_dice(self) -> None:
        """Send DiCE, once, where it is wanted and the call has ended."""

    def patch(self, body: bytes) -> None:
        """Obey SVAML of the Calling API; raises ApiError."""

    def patch_leg(self, which: LegChoice, body: bytes) -> None:
        """Obey SVAML of the Calling API on one leg or both; raises ApiError."""
