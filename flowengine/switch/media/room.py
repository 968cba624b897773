"""Conferences: members, who hears whom, music while alone, and keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowengine.svaml import ConferenceDtmfOptions, RecordingOptions
from flowengine.switch.clock import Clock, Timer
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.recording import LegRecorder
from flowengine.switch.media.sounds import build_music
from flowengine.switch.switch_events import ParticipantCommand, Sound

_IGNORED_KEYS = ConferenceDtmfOptions("ignore")


@dataclass(slots=True)
class Member:
    """A call in a conference. `on_kicked` ends the call; `detected` is called with the call's id
    and the keys that it pressed; `on_changed` hears of each command that the call obeys.
    """

    call_id: str
    cli: str
    line: AudioLine
    joined_at: datetime
    on_kicked: Callable[[], None]
    detected: Callable[[str, str], None]
    on_changed: Callable[[ParticipantCommand], None] = lambda _command: None
    muted: bool = False
    on_hold: bool = False
    moh: str = field(default="", init=False)
    held_moh: str = field(default="", init=False)
    announced: bool = field(default=False, init=False)
    """Something is played to it alone"""


class Room:
    """A conference. It ends when its last member leaves."""

    def __init__(self, clock: Clock, room_id: str, emptied: Callable[[str], object]) -> None:
        self.id = room_id
        self._clock = clock
        self._emptied = emptied
        self._members: dict[str, Member] = {}
        self._keys: dict[str, _MemberKeys] = {}
        self._recorder: LegRecorder | None = None

    def join(
        self,
        member: Member,
        options: ConferenceDtmfOptions | None = None,
        moh: str = "",
        greeting: Sequence[Sound] = (),
    ) -> None:
        """Add a call. It hears the greeting, then the others, or music while it is alone."""
        member.moh = moh
        self._members[member.call_id] = member
        # keys are heard from the greeting on
        self._keys[member.call_id] = member.line.listener = _MemberKeys(
            self, member, options or _IGNORED_KEYS
        )
        self._greet(member, greeting)
        self._update_music_of_others(member)

    def leave(self, call_id: str) -> bool:
        """Remove a call that has hung up or goes elsewhere; False where it is no member."""
        member = self._members.pop(call_id, None)
        if member is None:
            return False
        self._keys.pop(call_id).stop()
        member.line.listener = None
        member.line.stop()
        self._update_music_of_others(member)
        if not self._members:
            if self._recorder is not None:
                self._recorder.stop()
            self._emptied(self.id)
        return True

    def mute(self, call_id: str) -> bool:
        """Mute a call for the others."""
        return self._change_member(call_id, "mute", muted=True)

    def unmute(self, call_id: str) -> bool:
        """The others hear this call again."""
        return self._change_member(call_id, "unmute", muted=False)

    def hold(self, call_id: str, moh: str = "") -> bool:
        """Put a call on hold: it hears music, and the others do not hear it."""
        return self._change_member(call_id, "onhold", on_hold=True, held_moh=moh)

    def resume(self, call_id: str) -> bool:
        """Take a call off hold."""
        return self._change_member(call_id, "resume", on_hold=False)

    def kick(self, call_id: str) -> bool:
        """Remove a call, which ends it."""
        member = self._members.get(call_id)
        if member is None:
            return False
        self.leave(call_id)
        member.on_kicked()
        return True

    def end(self) -> None:
        """Remove all calls, which ends them."""
        # a copy, as each kick removes one
        for call_id in tuple(self._members):
            self.kick(call_id)

    def pause_member(self, call_id: str) -> None:
        """Play something else to one member, unheard by the others."""
        self._members[call_id].announced = True

    def resume_member(self, call_id: str) -> None:
        """Let the member hear again what it would have heard."""
        self._finish_announcement(self._members[call_id])

    def start_recording(self, recorder: LegRecorder, options: RecordingOptions) -> None:
        """Record the conference until it ends, for the call that asks first."""
        if self._recorder is None:
            self._recorder = recorder
            recorder.start(options)

    def list_participants(self) -> list[dict[str, Any]]:
        """The members, as `GET conferences/id/{id}` tells them."""
        return [self._format_participant(member) for member in self._members.values()]

    def list_heard_calls(self, call_id: str) -> list[str]:
        """The calls that a member hears: none while it is on hold, never those that are muted or on
        hold.
        """
        member = self._members.get(call_id)
        if member is None or member.on_hold:
            return []
        return [
            other.call_id
            for other in self._members.values()
            if other is not member and not other.muted and not other.on_hold
        ]

    def list_listening_lines(self, call_id: str) -> list[AudioLine]:
        """The lines of the members that hear this one."""
        return [
            other.line
            for other in self._members.values()
            if call_id in self.list_heard_calls(other.call_id)
        ]

    def forward_keys(self, sender: Member, keys: str) -> None:
        """Let the members that hear the sender hear its keys."""
        for other in tuple(self._members.values()):
            if sender.call_id in self.list_heard_calls(other.call_id):
                other.line.play_tones(keys)

    def _format_participant(self, member: Member) -> dict[str, Any]:
        seconds = (self._clock.now() - member.joined_at).total_seconds()
        return {
            "cli": member.cli,
            "id": member.call_id,
            "duration": int(seconds),
            "muted": member.muted,
            "onhold": member.on_hold,
        }

    def _change_member(self, call_id: str, command: ParticipantCommand, **changes: Any) -> bool:
        member = self._members.get(call_id)
        if member is None:
            return False
        member.on_changed(command)
        for name, value in changes.items():
            setattr(member, name, value)
        if "on_hold" in changes:
            self._update_music(member)
        return True

    def _greet(self, member: Member, greeting: Sequence[Sound]) -> None:
        member.announced = bool(greeting)
        if greeting:
            member.line.play(greeting, lambda: self._finish_announcement(member))
        else:
            self._update_music(member)

    def _finish_announcement(self, member: Member) -> None:
        member.announced = False
        self._update_music(member)

    def _update_music_of_others(self, member: Member) -> None:
        """Start music for a member that is left alone, and stop it when that is over; members on
        hold are not affected.
        """
        # only then does somebody become alone, or cease to be
        if len(self._members) in (1, 2):
            for other in self._members.values():
                if other is not member and not other.on_hold:
                    self._update_music(other)

    def _update_music(self, member: Member) -> None:
        """What a member hears besides the others."""
        if member.announced:
            return
        alone = len(self._members) == 1
        member.line.loop(
            build_music(member.held_moh if member.on_hold else member.moh if alone else "")
        )


class _MemberKeys:
    """Handles the keys of one member."""

    def __init__(self, room: Room, member: Member, options: ConferenceDtmfOptions) -> None:
        self._room, self._member, self._options = room, member, options
        self._typed = ""
        self._timer: Timer | None = None

    def handle_key(self, key: str) -> bool:
        if self._options.mode == "forward":
            self._room.forward_keys(self._member, key)
        elif self._options.mode == "detect":
            self._collect_key(key)
        return self._options.mode != "ignore"

    def handle_speech(self, text: str) -> bool:  # noqa: ARG002 - words are for the others
        return False

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _collect_key(self, key: str) -> None:
        """Where more than one digit is collected, `#` ends them early."""
        self.stop()
        # with a single digit `#` is a key like any other
        ends = key == "#" and self._options.max_digits > 1
        self._typed += "" if ends else key
        if ends or len(self._typed) >= self._options.max_digits:
            self._report_keys()
        else:
            self._timer = self._member.line.clock.call_later(
                self._options.timeout_mills / 1000, self._report_keys
            )

    def _report_keys(self) -> None:
        typed, self._typed = self._typed, ""
        self._member.detected(self._member.call_id, typed)


class Rooms:
    """All conferences of a switch."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, Room] = {}

    def open_room(self, room_id: str) -> Room:
        """The room of this name, opened where there is none."""
        found = self._rooms.get(room_id)
        if found is None:
            found = self._rooms[room_id] = Room(self._clock, room_id, self._rooms.pop)
        return found

    def find_room(self, room_id: str) -> Room | None:
        """The room of this name, if it has any members."""
        return self._rooms.get(room_id)
