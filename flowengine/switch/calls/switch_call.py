"""The state of one call: its legs, its activity and its facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec.structs import replace

from flowengine.svaml import RecordingOptions
from flowengine.switch.calls.call_ending import CallEnding
from flowengine.switch.calls.call_origin import CallOrigin
from flowengine.switch.calls.call_protocols import (
    Activity,
    CallConnection,
    CallControl,
    LegChoice,
    PlayingInstructions,
)
from flowengine.switch.calls.leg import Leg
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.recording import LegRecorder
from flowengine.switch.switch_events import CallEnded, Finding, LegPickedUp, Remark
from flowengine.switch.switch_resources import SwitchResources
from flowengine.switch.switch_setup import SwitchApplication
from flowengine.switch.wire import CallbackFacts


class SwitchCall:
    """The state of a call; any of it may be read at any time. To change it from outside, use the
    legs, `patch`, `patch_leg` or `hang_up`. `caller` is None in a callout until the party that it
    has reached is connected to another one.
    """

    control: CallControl
    """Decides what becomes of this call; set by the code that creates both"""

    def __init__(
        self, switch: SwitchResources, call_id: str, application_key: str, origin: CallOrigin
    ) -> None:
        self.switch, self.id, self.application_key = switch, call_id, application_key
        self.origin, self.custom = origin, origin.custom
        self.started_at = switch.clock.now()
        self.answered_at: datetime | None = None
        self.caller: Leg | None = None
        self.callee: Leg | None = None
        self.outgoing: CallConnection | None = None
        """The connection to the callee"""
        self.connections: list[CallConnection] = []
        """All that there were"""
        self.activity: Activity | None = None
        self.player: PlayingInstructions | None = None
        self.cookies: dict[str, str] = {}
        # an app dials conferences by their name (platform notes, 5)
        self.conference_id = origin.to if origin.to_type == "conference" else ""
        self.callbacks_suppressed = False
        """Whether an answer wanted neither ACE nor DiCE"""
        self.revision = 0
        """Grows whenever something else is done with the call, so that answers to older questions do not count"""
        self.dialled_rate = (
            switch.find_rate(origin.to) if origin.to_type == "number" else switch.free_rate
        )
        self.rate = self.dialled_rate
        self.debit = 0.0
        self.ended: CallEnded | None = None
        self.ending: CallEnding | None = None
        self.status_report = ("", "")
        """What the backend said of the call at its end: success or failure, and details"""
        self.cached_facts: CallbackFacts | None = None
        """What callbacks tell of the call; None when that has changed since the last callback"""
        self._pending_tones = ""
        self._recorder: LegRecorder | None = None

    @property
    def application(self) -> SwitchApplication:
        """The application of the call."""
        return self.switch.applications[self.application_key]

    @property
    def has_backend(self) -> bool:
        """Whether the application has a callback URL."""
        application = self.application
        return bool(application.primary or application.fallback)

    @property
    def resource_url(self) -> str:
        """The address of the call in the Calling API."""
        return f"{self.switch.setup.api_url}/calling/v1/calls/id/{self.id}"

    @property
    def controlled_leg(self) -> Leg | None:
        """The leg that hears prompts and menus: the caller, or the party that a callout has
        reached.
        """
        leg = self.caller or self.callee
        return leg if leg is not None and leg.state in {"calling", "up"} else None

    def patch(self, body: bytes) -> None:
        """Carry out SVAML of the Calling API. Raises ApiError."""
        self.control.patch(body)

    def patch_leg(self, which: LegChoice, body: bytes) -> None:
        """Play something to one end or both. Raises ApiError."""
        self.control.patch_leg(which, body)

    def hang_up(self) -> None:
        """End the call by the platform."""
        self.control.end_by_platform()

    def halt(self) -> None:
        """Stop all activities and ignore the answers to callbacks in flight; connections stay."""
        # answers in flight belong to the revision before, and so do not count
        self.revision += 1
        if self.player is not None and not self.player.is_over:
            self.player.stop()
        # cleared before it is stopped, as stopping may look at the call
        activity, self.activity = self.activity, None
        if activity is not None:
            activity.stop()

    def answer(self) -> None:
        """Count the call as answered, and charge it, from now on."""
        now = self.switch.clock.now()
        # the first answer counts: charges and DiCE's duration begin with it (platform notes, 5)
        self.answered_at = self.answered_at or now
        if self.caller is not None and self.caller.state == "calling":
            self.caller.state, self.caller.answered_at = "up", now
            self.switch.emit(LegPickedUp(self.id, now, "caller"))

    def handle_leg_left(self, leg: Leg) -> None:
        """A party has hung up."""
        self.control.handle_leg_left(leg)

    def find_other_end(self, leg: Leg) -> Leg | None:
        """The leg that is bridged to this one."""
        if self.outgoing is None or not self.outgoing.bridged:
            return None
        return self.callee if leg is self.caller else self.caller

    def list_listening_lines(self, leg: Leg) -> list[AudioLine]:
        """The lines on which this leg is heard."""
        other = self.find_other_end(leg)
        if other is not None:
            return [other.line]
        if self.activity is not None and leg is self.controlled_leg:
            return self.activity.list_listening_lines()
        return []

    def change_origin(self, **changes: Any) -> None:
        """Change the facts of the parties in callbacks."""
        self.origin, self.cached_facts = replace(self.origin, **changes), None

    def change_conference(self, conference_id: str) -> None:
        """Change the conference in callbacks."""
        self.conference_id, self.cached_facts = conference_id, None

    def set_cookie(self, key: str, value: str) -> None:
        """Keep a cookie for the rest of the call."""
        self.cookies[key] = value
        self.cached_facts = None

    def compute_seconds_answered(self) -> int:
        """The seconds since the answer, or between it and the end."""
        if self.answered_at is None:
            return 0
        until = self.switch.clock.now() if self.ended is None else self.ended.at
        return int((until - self.answered_at).total_seconds())

    def compute_seconds_left(self) -> float:
        """The seconds for which the credit of the application lasts."""
        return self.switch.compute_seconds_left(self.application_key, self.rate)

    def send_tones(self, keys: str) -> None:
        """Send keys to the callee, who may not have answered yet, or by a setting to the caller:
        sources differ.
        """
        callee = self.callee
        # sources differ: "to the caller", "to the callee when picked up" (platform notes, 1.3)
        if self.switch.settings.send_dtmf_to == "caller":
            if self.controlled_leg is not None:
                self.controlled_leg.line.play_tones(keys)
        elif callee is not None and callee.state == "up":
            callee.line.play_tones(keys)
        else:
            # sent when the callee answers
            self._pending_tones += keys

    def take_tones(self) -> str:
        """Take the keys that were sent before the answer."""
        keys, self._pending_tones = self._pending_tones, ""
        return keys

    def create_recorder(self) -> LegRecorder:
        """A recorder whose notifications are those of this call."""
        switch = self.switch
        return LegRecorder(
            switch.clock,
            switch.settings,
            self.id,
            self.application_key,
            self.control.send_notification,
            switch.recordings,
        )

    def start_recording(self, options: RecordingOptions) -> None:
        """Record this call from now on."""
        if self._recorder is None:
            self._recorder = self.create_recorder()
        self._recorder.start(options)

    def stop_recording(self) -> None:
        """Stop recording, if it records."""
        if self._recorder is not None:
            self._recorder.stop()

    def report_findings(
        self,
        about: Literal["ice", "ace", "pie", "dice", "callout", "patch", "call"],
        illegal: tuple[Finding, ...] = (),
        tolerated: tuple[Finding, ...] = (),
    ) -> None:
        """Tell listeners about the findings, if there are any."""
        if illegal or tolerated:
            now = self.switch.clock.now()
            self.switch.emit(Remark(self.id, now, about, illegal, tolerated))
