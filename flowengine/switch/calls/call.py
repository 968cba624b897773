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
from flowengine.switch.calls.activities import Activity, Conference, Menu, Parking
from flowengine.switch.calls.asking import Callbacks
from flowengine.switch.calls.beginning import begin, proceed
from flowengine.switch.calls.ending import (
    CALLEE_HUNG_UP,
    CALLER_HUNG_UP,
    MANAGED,
    NEVER_CONNECTED,
    Ending,
)
from flowengine.switch.calls.leg import Kind, Leg
from flowengine.switch.calls.managing import Which, patch, patch_leg
from flowengine.switch.calls.obeying import perform
from flowengine.switch.calls.origin import Event, Origin
from flowengine.switch.calls.outgoing import Outgoing, Plan
from flowengine.switch.calls.performance import Performance
from flowengine.switch.calls.record import info_of
from flowengine.switch.happenings import Ended, Left, Picked, Sound
from flowengine.switch.media.line import Line
from flowengine.switch.media.recording import Recorder
from flowengine.switch.reading import Reading
from flowengine.switch.world import Application, Rate

if TYPE_CHECKING:
    from flowengine.switch.exchange import Exchange


class Call:
    """What is public may be read at any time; whoever wants something of a call uses its legs,
    `patch`, `patch_leg` or `hang_up`.

    `caller` is None in a callout until whoever it has reached is connected to somebody else.
    """

    def __init__(
        self, exchange: Exchange, call_id: str, application_key: str, origin: Origin
    ) -> None:
        self.exchange, self.id, self.application_key, self.origin = (
            exchange,
            call_id,
            application_key,
            origin,
        )
        self.custom = origin.custom
        self.begun = exchange.clock.now()
        self.answered_at: datetime | None = None
        self.caller: Leg | None = None
        self.callee: Leg | None = None
        self.outgoing: Outgoing | None = None
        self.activity: Activity | None = None
        self.performance: Performance | None = None
        self.cookies: dict[str, str] = {}
        self.conference_id = origin.to if origin.to_type == "conference" else ""
        self.suppressed = False
        """Whether an answer wanted neither ACE nor DiCE"""
        self.turn = 0
        """Grows whenever something else is done with the call, so that answers to older questions do not count"""
        self.dialled_rate = (
            exchange.rate(origin.to) if origin.to_type == "number" else exchange.free
        )
        self.rate = self.dialled_rate
        self.debit = 0.0
        self.ended: Ended | None = None
        self.ending: Ending | None = None
        self.report = ("", "")
        """What the backend said of the call at its end: success or failure, and details"""
        self.callbacks = Callbacks(self)
        self._connections: list[Outgoing] = []
        self._end_told = False
        self._tones = ""
        self._recorder: Recorder | None = None

    @property
    def application(self) -> Application:
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
        return f"{self.exchange.world.api_url}/calling/v1/calls/id/{self.id}"

    @property
    def controlled(self) -> Leg | None:
        """The leg that hears prompts and is asked: the caller, or whoever was reached by a callout."""
        leg = self.caller or self.callee
        return leg if leg is not None and leg.state in {"calling", "up"} else None

    @property
    def recorder(self) -> Recorder:
        """Records this call."""
        if self._recorder is None:
            self._recorder = self.new_recorder()
        return self._recorder

    def new_recorder(self) -> Recorder:
        """A recorder whose news are told as those of this call."""
        exchange = self.exchange
        return Recorder(
            exchange.clock,
            exchange.settings,
            self.id,
            self.application_key,
            self.callbacks.notify,
            exchange.recordings,
        )

    def info(self) -> dict[str, Any]:
        """CallInfo, as the Calling API tells it."""
        return info_of(self)

    def patch(self, body: bytes) -> None:
        """Obey SVAML of the Calling API; raises ApiError."""
        patch(self, body)

    def patch_leg(self, which: Which, body: bytes) -> None:
        """Let one end or both hear something; raises ApiError."""
        patch_leg(self, which, body)

    def hang_up(self) -> None:
        """The platform ends the call."""
        self.managed_end()

    def begin(self) -> None:
        """Ask what shall become of it, or do what a callout says."""
        if self.ended is None:
            begin(self)

    def proceed(self) -> None:
        """Go on as far as nobody says otherwise."""
        proceed(self)

    def obey(
        self,
        reading: Reading,
        action: AnyAction,
        event: Event | None = None,
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
            instructions, partial(self._act, action, reading.conference_recording, leg), leg
        )

    def carry_out(
        self,
        instructions: Sequence[AnyInstruction],
        then: Callable[[], None],
        leg: Leg | None = None,
    ) -> None:
        """Carry out instructions on a leg, or where the call is controlled, then go on."""
        self.performance = Performance(self, leg or self.controlled, instructions, then)
        self.performance.start()

    def halt(self) -> None:
        """Nothing that was under way goes on, and nothing that was asked counts any more;
        connections stay.
        """
        self.turn += 1
        if self.performance is not None and not self.performance.over:
            self.performance.stop()
        activity, self.activity = self.activity, None
        if activity is not None:
            activity.stop()

    def answer(self) -> None:
        """From now on the call is answered, and charged."""
        now = self.exchange.clock.now()
        self.answered_at = self.answered_at or now
        if self.caller is not None and self.caller.state == "calling":
            self.caller.state, self.caller.answered_at = "up", now
            self.exchange.happen(Picked(self.id, now, "caller"))

    def connect(
        self,
        kind: Kind,
        address: str,
        plan: Plan,
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
            self.outgoing.drop()
        if not self.origin.to:
            self._now_known(kind, address, cli)
        leg = Leg(self, "callee", kind, address, self.exchange.party(address, kind), cli)
        leg.headers = headers
        self.callee, self.outgoing = leg, Outgoing(self, leg, plan)
        self._connections.append(self.outgoing)
        self.outgoing.start()

    def into_conference(
        self, conference: Conference, room_id: str, greeting: Sequence[Sound] = ()
    ) -> None:
        """Let the controlled leg into a room."""
        self.conference_id = room_id
        self.callbacks.changed()
        self.activity = conference
        conference.start(greeting)

    def left(self, leg: Leg) -> None:
        """Somebody has hung up."""
        if (
            leg is self.callee
            and self.outgoing is not None
            and self.caller is not None
            and self._apart()
        ):
            # who was called does not wait any longer; the caller stays where it is
            self.outgoing.drop()
        elif leg.role == "callee":
            self._end(CALLEE_HUNG_UP, leg)
        elif self.answered_at is not None:
            self._end(CALLER_HUNG_UP, leg)
        else:
            self._end(Ending("NOANSWER", self.exchange.settings.cancel_reason), leg)

    def managed_end(self) -> None:
        """The backend, or the platform, hangs up."""
        self.end(NEVER_CONNECTED if self.answered_at is None else MANAGED)

    def end(self, ending: Ending) -> None:
        """It is over for everybody; of no effect the second time."""
        if self.ended is None:
            self._end(ending, None)

    def tell_the_end(self) -> None:
        """DiCE, once, where it is wanted."""
        if self.ending is None or self._end_told:
            return
        self._end_told = True
        if not self.suppressed and self.callbacks.wanted("dice") and self._end_is_told():
            self.callbacks.dice(self.ending, self.seconds_answered(), self.debit)

    def seconds_answered(self) -> int:
        """How long it has been answered, or was."""
        if self.answered_at is None:
            return 0
        until = self.exchange.clock.now() if self.ended is None else self.ended.at
        return int((until - self.answered_at).total_seconds())

    def other_end(self, leg: Leg) -> Leg | None:
        """Who hears this leg over a bridge."""
        if self.outgoing is None or not self.outgoing.bridged:
            return None
        return self.callee if leg is self.caller else self.caller

    def listeners(self, leg: Leg) -> list[Line]:
        """The lines on which this leg is heard."""
        other = self.other_end(leg)
        if other is not None:
            return [other.line]
        if isinstance(self.activity, Conference) and leg is self.controlled:
            return self.exchange.heard_in(self.activity.room, self.id)
        return []

    def set_cookie(self, key: str, value: str) -> None:
        """Keep it for the rest of the call."""
        self.cookies[key] = value
        self.callbacks.changed()

    def use_rate(self, rate: Rate | None) -> None:
        """What a minute costs from now on; None for what it did before."""
        self.rate = rate or self.rate

    def send_tones(self, keys: str) -> None:
        """Keys for whoever is called, who may not have answered yet, or for the caller (setting)."""
        callee = self.callee
        if self.exchange.settings.send_dtmf_to == "caller":
            if self.controlled is not None:
                self.controlled.line.overhear(keys)
        elif callee is not None and callee.state == "up":
            callee.line.overhear(keys)
        else:
            self._tones += keys

    def take_tones(self) -> str:
        """The keys that were sent before the answer."""
        keys, self._tones = self._tones, ""
        return keys

    def record(self, options: RecordingOptions) -> None:
        """Record this call from now on."""
        self.recorder.start(options)

    def _act(self, action: AnyAction, recording: RecordingOptions | None, leg: Leg | None) -> None:
        perform(self, action, leg)
        if recording is not None and isinstance(self.activity, Conference):
            self.activity.room.record(self.new_recorder(), recording)

    def _now_known(self, kind: Kind, address: str, cli: str) -> None:
        """A custom callout may leave it to its ICE whom it calls"""
        to_type = {"app": "username", "sip": "sip"}.get(kind, "number")
        self.origin = replace(self.origin, to=address, to_type=to_type, cli=self.origin.cli or cli)
        self.callbacks.changed()

    def _apart(self) -> bool:
        """Whether the caller is somewhere else than with whoever was called"""
        return isinstance(self.activity, Conference | Parking)

    def _end_is_told(self) -> bool:
        """Calls from app to app are told of by a setting, callouts to apps never"""
        if self.callee is None or self.callee.kind != "app":
            return True
        return not self.origin.is_callout and (
            self.origin.kind != "app" or self.exchange.settings.dice_for_apps
        )

    def _end(self, ending: Ending, gone: Leg | None) -> None:
        if self.ended is not None:
            return
        now = self.exchange.clock.now()
        self.ending, self.ended = ending, Ended(self.id, now, ending.result, ending.reason, 0)
        self.ended = replace(self.ended, duration=self.seconds_answered())
        if ending.result == "ANSWERED":
            self.debit = ceil(self.ended.duration / 60) * self.rate.amount
        asked = (
            self.activity if isinstance(self.activity, Menu) and self.activity.leg is gone else None
        )
        if asked is not None and self.callbacks.wants_pie(asked.leg):
            self.activity = None
        else:
            asked = None
        self._clear(gone, now)
        self.exchange.happen(self.ended)
        self.exchange.closed(self)
        if asked is None:
            self.tell_the_end()
        else:
            asked.hung_up()  # its PIE comes first

    def _clear(self, gone: Leg | None, now: datetime) -> None:
        """Nothing is under way any more, and nobody is there"""
        self.halt()
        for connection in self._connections:
            connection.over()
        if self._recorder is not None:
            self._recorder.stop()
        for leg in (gone, self.caller, self.callee):
            if leg is not None:
                ringing = leg.state == "ringing"
                if leg.go() and not ringing:
                    self.exchange.happen(Left(self.id, now, leg.role))
