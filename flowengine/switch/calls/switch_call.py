"""One call, from the first ring to its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from flowengine.svaml import (
    AnyAction,
    AnyInstruction,
    CallHeader,
    ConnectMxp,
    RecordingOptions,
    StartRecording,
)
from flowengine.switch.calls.activities import (
    Activity,
    ConferenceActivity,
    MenuActivity,
    ParkActivity,
)
from flowengine.switch.calls.call_actions import perform_action
from flowengine.switch.calls.call_callbacks import CallCallbacks
from flowengine.switch.calls.call_ending import (
    CALLEE_HUNG_UP,
    CALLER_HUNG_UP,
    MANAGER_HUNG_UP,
    NEVER_CONNECTED,
    CallEnding,
)
from flowengine.switch.calls.call_management import LegChoice, patch_call, patch_leg
from flowengine.switch.calls.call_origin import CallOrigin, EventName
from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.calls.call_start import begin_call, continue_call
from flowengine.switch.calls.instruction_player import InstructionPlayer
from flowengine.switch.calls.leg import Leg, LegKind
from flowengine.switch.calls.outgoing_connection import ConnectPlan, OutgoingConnection
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.recording import LegRecorder
from flowengine.switch.reading import SvamlReading
from flowengine.switch.switch_events import CallEnded, Left, Picked, Sound
from flowengine.switch.switch_setup import Rate, SwitchApplication

if TYPE_CHECKING:
    from flowengine.switch.exchange import Exchange


class SwitchCall:
    """What is public may be read at any time; whoever wants something of a call uses its legs,
    `patch`, `patch_leg` or `hang_up`.

    `caller` is None in a callout until whoever it has reached is connected to somebody else.
    """

    def __init__(
        self, exchange: Exchange, call_id: str, application_key: str, origin: CallOrigin
    ) -> None:
        self.exchange, self.id, self.application_key, self.origin = (
            exchange,
            call_id,
            application_key,
            origin,
        )
        self.custom = origin.custom
        self.started_at = exchange.clock.now()
        self.answered_at: datetime | None = None
        self.caller: Leg | None = None
        self.callee: Leg | None = None
        self.outgoing: OutgoingConnection | None = None
        self.activity: Activity | None = None
        self.player: InstructionPlayer | None = None
        self.cookies: dict[str, str] = {}
        self.conference_id = origin.to if origin.to_type == "conference" else ""
        self.callbacks_suppressed = False
        """Whether an answer wanted neither ACE nor DiCE"""
        self.revision = 0
        """Grows whenever something else is done with the call, so that answers to older questions do not count"""
        self.dialled_rate = (
            exchange.find_rate(origin.to) if origin.to_type == "number" else exchange.free_rate
        )
        self.rate = self.dialled_rate
        self.debit = 0.0
        self.ended: CallEnded | None = None
        self.ending: CallEnding | None = None
        self.status_report = ("", "")
        """What the backend said of the call at its end: success or failure, and details"""
        self.callbacks = CallCallbacks(self)
        self._connections: list[OutgoingConnection] = []
        self._is_dice_sent = False
        self._pending_tones = ""
        self._recorder: LegRecorder | None = None

    @property
    def application(self) -> SwitchApplication:
        """Whose call it is."""
        return self.exchange.applications[self.application_key]

    @property
    def has_backend(self) -> bool:
        """Whether the application has anybody to ask."""
        application = self.application
        return bool(application.primary or application.fallback)

    @property
    def resource_url(self) -> str:
        """Where the Calling API has this call."""
        return f"{self.exchange.setup.api_url}/calling/v1/calls/id/{self.id}"

    @property
    def controlled_leg(self) -> Leg | None:
        """The leg that hears prompts and is asked: the caller, or whoever was reached by a callout."""
        leg = self.caller or self.callee
        return leg if leg is not None and leg.state in {"calling", "up"} else None

    @property
    def recorder(self) -> LegRecorder:
        """Records this call."""
        if self._recorder is None:
            self._recorder = self.create_recorder()
        return self._recorder

    def create_recorder(self) -> LegRecorder:
        """A recorder whose news are told as those of this call."""
        exchange = self.exchange
        return LegRecorder(
            exchange.clock,
            exchange.settings,
            self.id,
            self.application_key,
            self.callbacks.send_notification,
            exchange.recordings,
        )

    def get_info(self) -> dict[str, Any]:
        """CallInfo, as the Calling API tells it."""
        return build_call_info(self)

    def patch(self, body: bytes) -> None:
        """Obey SVAML of the Calling API; raises ApiError."""
        patch_call(self, body)

    def patch_leg(self, which: LegChoice, body: bytes) -> None:
        """Let one end or both hear something; raises ApiError."""
        patch_leg(self, which, body)

    def hang_up(self) -> None:
        """The platform ends the call."""
        self.end_by_platform()

    def begin(self) -> None:
        """Ask what shall become of it, or do what a callout says."""
        if self.ended is None:
            begin_call(self)

    def proceed(self) -> None:
        """Go on as far as nobody says otherwise."""
        continue_call(self)

    def obey_answer(
        self,
        reading: SvamlReading,
        action: AnyAction,
        event: EventName | None = None,
        leg: Leg | None = None,
    ) -> None:
        """Carry out an answer to an event, or to none: its instructions in their order, then its
        action. `leg` is who had a menu that is answered.
        """
        instructions = reading.instructions
        if isinstance(action, ConnectMxp):  # the platform records no calls to apps
            instructions = tuple(
                item for item in instructions if not isinstance(item, StartRecording)
            )
        self.halt()
        if event == "ace" and self.exchange.settings.ace_prompts_to == "callee":
            leg = self.callee
        self.carry_out(
            instructions,
            partial(self._perform_action, action, reading.conference_recording, leg),
            leg,
        )

    def carry_out(
        self,
        instructions: Sequence[AnyInstruction],
        then: Callable[[], None],
        leg: Leg | None = None,
    ) -> None:
        """Carry out instructions on a leg, or where the call is controlled, then go on."""
        self.player = InstructionPlayer(self, leg or self.controlled_leg, instructions, then)
        self.player.start()

    def halt(self) -> None:
        """Nothing that was under way goes on, and nothing that was asked counts any more;
        connections stay.
        """
        self.revision += 1
        if self.player is not None and not self.player.is_over:
            self.player.stop()
        activity, self.activity = self.activity, None
        if activity is not None:
            activity.stop()

    def answer(self) -> None:
        """From now on the call is answered, and charged."""
        now = self.exchange.clock.now()
        self.answered_at = self.answered_at or now
        if self.caller is not None and self.caller.state == "calling":
            self.caller.state, self.caller.answered_at = "up", now
            self.exchange.emit(Picked(self.id, now, "caller"))

    def connect(
        self,
        kind: LegKind,
        address: str,
        plan: ConnectPlan,
        cli: str = "",
        headers: tuple[CallHeader, ...] = (),
    ) -> None:
        """Call somebody for this call; whoever was connected before is hung up, whoever was reached
        by a callout is now the caller.
        """
        if self.caller is None and self.callee is not None:
            self.caller, self.callee = self.callee, None
            self.caller.role = "caller"
        elif self.outgoing is not None:
            self.outgoing.disconnect()
        if not self.origin.to:
            self._set_destination(kind, address, cli)
        leg = Leg(self, "callee", kind, address, self.exchange.find_party(address, kind), cli)
        leg.headers = headers
        self.callee, self.outgoing = leg, OutgoingConnection(self, leg, plan)
        self._connections.append(self.outgoing)
        self.outgoing.start()

    def join_conference(
        self, conference: ConferenceActivity, room_id: str, greeting: Sequence[Sound] = ()
    ) -> None:
        """Let the controlled leg into a room."""
        self.conference_id = room_id
        self.callbacks.invalidate_facts()
        self.activity = conference
        conference.start(greeting)

    def handle_leg_left(self, leg: Leg) -> None:
        """Somebody has hung up."""
        if (
            leg is self.callee
            and self.outgoing is not None
            and self.caller is not None
            and self._is_caller_elsewhere()
        ):
            # who was called does not wait any longer; the caller stays where it is
            self.outgoing.disconnect()
        elif leg.role == "callee":
            self._end_once(CALLEE_HUNG_UP, leg)
        elif self.answered_at is not None:
            self._end_once(CALLER_HUNG_UP, leg)
        else:
            self._end_once(CallEnding("NOANSWER", self.exchange.settings.cancel_reason), leg)

    def end_by_platform(self) -> None:
        """The backend, or the platform, hangs up."""
        self.end(NEVER_CONNECTED if self.answered_at is None else MANAGER_HUNG_UP)

    def end(self, ending: CallEnding) -> None:
        """It is over for everybody; of no effect the second time."""
        if self.ended is None:
            self._end_once(ending, None)

    def send_dice(self) -> None:
        """DiCE, once, where it is wanted."""
        if self.ending is None or self._is_dice_sent:
            return
        self._is_dice_sent = True
        if (
            not self.callbacks_suppressed
            and self.callbacks.is_wanted("dice")
            and self._needs_dice()
        ):
            self.callbacks.send_dice(self.ending, self.compute_seconds_answered(), self.debit)

    def compute_seconds_answered(self) -> int:
        """How long it has been answered, or was."""
        if self.answered_at is None:
            return 0
        until = self.exchange.clock.now() if self.ended is None else self.ended.at
        return int((until - self.answered_at).total_seconds())

    def find_other_end(self, leg: Leg) -> Leg | None:
        """Who hears this leg over a bridge."""
        if self.outgoing is None or not self.outgoing.bridged:
            return None
        return self.callee if leg is self.caller else self.caller

    def list_listening_lines(self, leg: Leg) -> list[AudioLine]:
        """The lines on which this leg is heard."""
        other = self.find_other_end(leg)
        if other is not None:
            return [other.line]
        if isinstance(self.activity, ConferenceActivity) and leg is self.controlled_leg:
            return self.exchange.list_room_lines(self.activity.room, self.id)
        return []

    def set_cookie(self, key: str, value: str) -> None:
        """Keep it for the rest of the call."""
        self.cookies[key] = value
        self.callbacks.invalidate_facts()

    def use_rate(self, rate: Rate | None) -> None:
        """What a minute costs from now on; None for what it did before."""
        self.rate = rate or self.rate

    def send_tones(self, keys: str) -> None:
        """Keys for whoever is called, who may not have answered yet, or for the caller (setting)."""
        callee = self.callee
        if self.exchange.settings.send_dtmf_to == "caller":
            if self.controlled_leg is not None:
                self.controlled_leg.line.play_tones(keys)
        elif callee is not None and callee.state == "up":
            callee.line.play_tones(keys)
        else:
            self._pending_tones += keys

    def take_tones(self) -> str:
        """The keys that were sent before the answer."""
        keys, self._pending_tones = self._pending_tones, ""
        return keys

    def start_recording(self, options: RecordingOptions) -> None:
        """Record this call from now on."""
        self.recorder.start(options)

    def _perform_action(
        self, action: AnyAction, recording: RecordingOptions | None, leg: Leg | None
    ) -> None:
        perform_action(self, action, leg)
        if recording is not None and isinstance(self.activity, ConferenceActivity):
            self.activity.room.start_recording(self.create_recorder(), recording)

    def _set_destination(self, kind: LegKind, address: str, cli: str) -> None:
        """A custom callout may leave it to its ICE whom it calls"""
        to_type = {"app": "username", "sip": "sip"}.get(kind, "number")
        self.origin = replace(self.origin, to=address, to_type=to_type, cli=self.origin.cli or cli)
        self.callbacks.invalidate_facts()

    def _is_caller_elsewhere(self) -> bool:
        """Whether the caller is somewhere else than with whoever was called"""
        return isinstance(self.activity, ConferenceActivity | ParkActivity)

    def _needs_dice(self) -> bool:
        """Calls from app to app are told of by a setting, callouts to apps never"""
        if self.callee is None or self.callee.kind != "app":
            return True
        return not self.origin.is_callout and (
            self.origin.kind != "app" or self.exchange.settings.dice_for_apps
        )

    def _end_once(self, ending: CallEnding, gone: Leg | None) -> None:
        if self.ended is not None:
            return
        now = self.exchange.clock.now()
        self.ending, self.ended = ending, CallEnded(self.id, now, ending.result, ending.reason, 0)
        self.ended = replace(self.ended, duration=self.compute_seconds_answered())
        if ending.result == "ANSWERED":
            self.debit = ceil(self.ended.duration / 60) * self.rate.amount
        asked = (
            self.activity
            if isinstance(self.activity, MenuActivity) and self.activity.leg is gone
            else None
        )
        if asked is not None and self.callbacks.is_pie_wanted(asked.leg):
            self.activity = None
        else:
            asked = None
        self._stop_all(gone, now)
        self.exchange.emit(self.ended)
        self.exchange.close_call(self)
        if asked is None:
            self.send_dice()
        else:
            asked.handle_hangup()  # its PIE comes first

    def _stop_all(self, gone: Leg | None, now: datetime) -> None:
        """Nothing is under way any more, and nobody is there"""
        self.halt()
        for connection in self._connections:
            connection.finish()
        if self._recorder is not None:
            self._recorder.stop()
        for leg in (gone, self.caller, self.callee):
            if leg is not None:
                ringing = leg.state == "ringing"
                if leg.mark_gone() and not ringing:
                    self.exchange.emit(Left(self.id, now, leg.role))
