"""Activities of a leg that is not connected to another leg: a menu, a conference, a park."""

from __future__ import annotations

from collections.abc import Sequence

from flowengine.svaml import ConnectConf, Park, RunMenu
from flowengine.switch.calls.call_ending import CallEnding
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.menu_player import MenuOutcome, MenuPlayer
from flowengine.switch.media.room import Member
from flowengine.switch.media.sounds import build_prompt_sounds
from flowengine.switch.switch_events import (
    LegJoined,
    MenuListening,
    ParticipantChanged,
    ParticipantCommand,
    Sound,
)
from flowengine.switch.wire import MenuEnd


class MenuActivity:
    """A menu on a leg."""

    def __init__(self, call: SwitchCall, leg: Leg, action: RunMenu) -> None:
        self._call, self.leg = call, leg
        self._player = MenuPlayer(
            leg.line, action, call.switch.settings, self._send_result, self._announce_input
        )

    def start(self) -> None:
        """Play the first menu."""
        self._player.start()

    def stop(self) -> None:
        """End the menu without a result."""
        self.leg.set_asking(asking=False)
        self._player.stop()

    def pause(self) -> None:
        """Interrupt the menu."""
        self.leg.set_asking(asking=False)
        self._player.pause()

    def resume(self) -> None:
        """Continue the menu where it was interrupted."""
        self._player.resume()

    def list_listening_lines(self) -> list[AudioLine]:
        """None: no party hears the leg; the menu itself does."""
        return []

    def handle_hangup(self) -> None:
        """End the menu, as the party has hung up."""
        self._player.handle_hangup()

    def _announce_input(self, menu: str, keys: str, digits: int, voice: bool) -> None:
        call = self._call
        call.switch.emit(
            MenuListening(
                call.id, call.switch.clock.now(), self.leg.role, menu, keys, digits, voice
            )
        )
        self.leg.set_asking(asking=True)

    def _send_result(self, outcome: MenuOutcome) -> None:
        self.leg.set_asking(asking=False)
        # before the result is sent, as its answer may begin another activity
        self._call.activity = None
        self._call.control.handle_menu_end(
            MenuEnd(outcome.menu_id, outcome.type, outcome.value, outcome.input_method),
            self.leg,
        )


class ConferenceActivity:
    """A leg in a room."""

    def __init__(self, call: SwitchCall, leg: Leg, action: ConnectConf) -> None:
        self._call, self._leg, self._action = call, leg, action
        self.room = call.switch.rooms.open_room(action.conference_id)

    def start(self, greeting: Sequence[Sound] = ()) -> None:
        """Join the room."""
        call, action = self._call, self._action
        now = call.switch.clock.now()
        call.switch.emit(LegJoined(call.id, now, "conference", self.room.id))
        # participants are known by the number of the phone that is in the conference
        cli = call.origin.to if call.origin.is_callout else call.origin.cli
        member = Member(
            call.id,
            cli,
            self._leg.line,
            now,
            call.control.end_by_platform,
            self._send_keys,
            self._note_change,
        )
        self.room.join(member, action.conference_dtmf_options, action.moh, greeting)

    def _note_change(self, command: ParticipantCommand) -> None:
        call = self._call
        call.switch.emit(ParticipantChanged(call.id, call.switch.clock.now(), command))

    def stop(self) -> None:
        """Leave the room."""
        self.room.leave(self._call.id)

    def pause(self) -> None:
        """Let this member alone hear something else."""
        self.room.pause_member(self._call.id)

    def resume(self) -> None:
        """Let the member hear the room again."""
        self.room.resume_member(self._call.id)

    def list_listening_lines(self) -> list[AudioLine]:
        """The lines of the members that hear this one."""
        return self.room.list_listening_lines(self._call.id)

    def _send_keys(self, _call_id: str, digits: str) -> None:
        self._call.control.handle_conference_keys(
            MenuEnd(self.room.id, "sequence", digits, "dtmf"), self._leg
        )


class ParkActivity:
    """A parked leg, until it is unparked or its time is over."""

    def __init__(self, call: SwitchCall, leg: Leg, action: Park) -> None:
        self._call, self._leg, self._action = call, leg, action
        seconds = (
            call.switch.settings.park_seconds
            if action.max_duration is None
            else action.max_duration
        )
        # from the action on, introduction included
        self._timer = call.switch.clock.call_later(seconds, self._end_parking)

    def start(self) -> None:
        """Play the introduction, then the hold prompt in a loop."""
        call = self._call
        call.switch.emit(LegJoined(call.id, call.switch.clock.now(), "park", ""))
        intro = build_prompt_sounds(
            self._action.intro_prompt, self._action.locale, call.switch.settings
        )
        self._leg.line.play(intro, self.resume)

    def stop(self) -> None:
        """Stop the prompt at once, as the call is unparked."""
        self._timer.cancel()
        self._leg.line.stop()

    def pause(self) -> None:
        """Interrupt the prompt."""

    def resume(self) -> None:
        """Play the hold prompt from its beginning."""
        self._leg.line.loop(
            build_prompt_sounds(
                self._action.hold_prompt, self._action.locale, self._call.switch.settings
            )
        )

    def list_listening_lines(self) -> list[AudioLine]:
        """None: no party hears the leg."""
        return []

    def _end_parking(self) -> None:
        """End the call after the prompt that is playing."""
        ending = CallEnding("ANSWERED", self._call.switch.settings.park_reason)
        # "the current prompt plays to the end, then hangup" (platform notes, 1.2)
        self._leg.line.finish_round(lambda: self._call.control.end(ending))


def join_conference(
    call: SwitchCall, leg: Leg, action: ConnectConf, greeting: Sequence[Sound] = ()
) -> None:
    """Put a leg into a conference."""
    conference = ConferenceActivity(call, leg, action)
    call.change_conference(action.conference_id)
    call.activity = conference
    conference.start(greeting)
