"""What keeps somebody busy on a call that is not connected to another end: a menu, a conference,
waiting in a park.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from flowengine.svaml import ConnectConf, Park, RunMenu
from flowengine.switch.calls.ending import Ending
from flowengine.switch.happenings import Asked, Joined, Sound
from flowengine.switch.media.menu import MenuOutcome, MenuRun
from flowengine.switch.media.room import Member
from flowengine.switch.media.sounds import prompt_sounds
from flowengine.switch.wire import MenuResult

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call
    from flowengine.switch.calls.leg import Leg


class Activity(Protocol):
    """One thing at a time."""

    def stop(self) -> None:
        """The call is taken elsewhere, or is over."""

    def pause(self) -> None:
        """Something else is played meanwhile."""

    def resume(self) -> None:
        """That is over; go on."""


class Menu:
    """Somebody is asked."""

    def __init__(self, call: Call, leg: Leg, action: RunMenu) -> None:
        self._call, self.leg = call, leg
        self._run = MenuRun(leg.line, action, call.exchange.settings, self._finished, self._asked)

    def start(self) -> None:
        """Play the first menu."""
        self._run.start()

    def stop(self) -> None:
        """Nobody asks any more."""
        self.leg.asked(asking=False)
        self._run.stop()

    def pause(self) -> None:
        """Nobody is asked meanwhile."""
        self.leg.asked(asking=False)
        self._run.pause()

    def resume(self) -> None:
        """Ask on, where it was left."""
        self._run.resume()

    def hung_up(self) -> None:
        """Whoever was asked has left."""
        self._run.hung_up()

    def _asked(self, menu: str, keys: str, digits: int, voice: bool) -> None:
        call = self._call
        call.exchange.happen(
            Asked(call.id, call.exchange.clock.now(), self.leg.role, menu, keys, digits, voice)
        )
        self.leg.asked(asking=True)

    def _finished(self, outcome: MenuOutcome) -> None:
        self.leg.asked(asking=False)
        self._call.activity = None
        self._call.callbacks.pie(
            MenuResult(outcome.menu_id, outcome.type, outcome.value, outcome.input_method),
            self.leg,
        )


class Conference:
    """Somebody is in a room."""

    def __init__(self, call: Call, leg: Leg, action: ConnectConf) -> None:
        self._call, self._leg, self._action = call, leg, action
        self.room = call.exchange.rooms.room(action.conference_id)

    def start(self, greeting: Sequence[Sound] = ()) -> None:
        """Come in."""
        call, action = self._call, self._action
        now = call.exchange.clock.now()
        call.exchange.happen(Joined(call.id, now, "conference", self.room.id))
        cli = call.origin.to if call.origin.is_callout else call.origin.cli
        member = Member(call.id, cli, self._leg.line, now, call.managed_end, self._detected)
        self.room.join(member, action.conference_dtmf_options, action.moh, greeting)

    def stop(self) -> None:
        """Leave the others."""
        self.room.leave(self._call.id)

    def pause(self) -> None:
        """The room goes on, though this member alone hears something else."""
        self.room.take_line(self._call.id)

    def resume(self) -> None:
        """Back to the room."""
        self.room.give_line_back(self._call.id)

    def _detected(self, _call_id: str, digits: str) -> None:
        self._call.callbacks.detected(
            MenuResult(self.room.id, "sequence", digits, "dtmf"), self._leg
        )


class Parking:
    """Somebody waits until the call is unparked, though not for ever."""

    def __init__(self, call: Call, leg: Leg, action: Park) -> None:
        self._call, self._leg, self._action = call, leg, action
        seconds = (
            call.exchange.settings.park_seconds
            if action.max_duration is None
            else action.max_duration
        )
        self._timer = call.exchange.clock.later(seconds, self._too_long)

    def start(self) -> None:
        """Play the introduction, then the other prompt over and over."""
        call = self._call
        call.exchange.happen(Joined(call.id, call.exchange.clock.now(), "park", ""))
        intro = prompt_sounds(
            self._action.intro_prompt, self._action.locale, call.exchange.settings
        )
        self._leg.line.play(intro, self.resume)

    def stop(self) -> None:
        """Unparked: the prompt stops at once."""
        self._timer.cancel()
        self._leg.line.stop()

    def pause(self) -> None:
        """The prompt is played over."""

    def resume(self) -> None:
        """Wait on."""
        self._leg.line.loop(
            prompt_sounds(
                self._action.hold_prompt, self._action.locale, self._call.exchange.settings
            )
        )

    def _too_long(self) -> None:
        """The prompt that is playing comes to its end first."""
        ending = Ending("ANSWERED", self._call.exchange.settings.park_reason)
        self._leg.line.finish_round(lambda: self._call.end(ending))
