"""An outgoing leg: it rings, is answered or refused, is checked for a machine, and is bridged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from flowengine.limits import MAX_CALL_SECONDS
from flowengine.sinch import AmdResult as Found
from flowengine.svaml import AmdOptions, CallHeader
from flowengine.switch.calls.call_ending import (
    CREDIT_USED_UP,
    NO_CREDIT,
    TOO_LONG,
    RefusalReason,
    find_refusal_ending,
)
from flowengine.switch.calls.leg import Leg, LegKind
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.clock import Timer
from flowengine.switch.media.machine_detection import AmdVerdict, MachineDetection
from flowengine.switch.media.sounds import build_tones
from flowengine.switch.switch_events import LegJoined, LegLeft, LegPickedUp, LegRinging, Sound
from flowengine.switch.switch_setup import Rate

_REFUSAL_BY_BEHAVIOUR: Final[dict[str, RefusalReason]] = {
    "busy": "busy",
    "decline": "decline",
    "congestion": "congestion",
    "unknown": "unknown",
}
"""What a behaviour does instead of answering; a party that does anything else lets it ring"""


class ConnectPlan(msgspec.Struct, frozen=True):
    """How to connect. `ace` is whether the backend may be asked after the answer."""

    max_duration: int | None = None
    dial_timeout: int | None = None
    tones: str = ""
    indications: str = ""
    amd: AmdOptions | None = None
    ace: bool = True
    rate: Rate | None = None


class OutgoingConnection:
    """One attempt to reach a party, and the connection while it lasts."""

    __slots__ = ("_call", "_detection", "_plan", "_timers", "bridged", "leg")

    def __init__(self, call: SwitchCall, leg: Leg, plan: ConnectPlan) -> None:
        self._call, self.leg, self._plan = call, leg, plan
        self._timers: list[Timer] = []
        self._detection: MachineDetection | None = None
        self.bridged = False
        """Both ends hear each other"""
        leg.outgoing = self

    def start(self) -> None:
        """Begin to ring."""
        call, switch = self._call, self._call.switch
        call.rate = self._plan.rate or call.rate
        if call.compute_seconds_left() <= 0:
            call.control.end(NO_CREDIT)
            return
        self.ring()
        settings, behaviour = switch.settings, self.leg.behaviour
        patience = (
            settings.ring_seconds if self._plan.dial_timeout is None else self._plan.dial_timeout
        )
        if behaviour.does == "answer":
            self._call_later(behaviour.after, self._pick_up)
        elif behaviour.does in _REFUSAL_BY_BEHAVIOUR:
            self._call_later(behaviour.after, self._refuse)
        # even if the party will answer: it may answer too late
        self._call_later(patience, self._ring_out)
        switch.emit(
            LegRinging(call.id, switch.clock.now(), self.leg.kind, self.leg.address, self.leg.cli)
        )

    def ring(self) -> None:
        """Let the caller hear that it rings."""
        if self._call.caller is not None:
            self._call.caller.line.loop((Sound("ringing", self._plan.indications, 0.0),))

    def answer(self) -> bool:
        """The callee answers: from now on the call counts as answered for both ends."""
        call, switch, leg = self._call, self._call.switch, self.leg
        self.cancel_timers()
        now = switch.clock.now()
        leg.state, leg.answered_at = "up", now
        switch.emit(LegPickedUp(call.id, now, leg.role))
        call.answer()
        self._limit_duration()
        leg.start_behaviour()
        keys = self._plan.tones + call.take_tones()
        # ACE waits for the tones: `dtmf` is played on answer, while the caller still hears progress
        # (platform notes, 1.2)
        if keys:
            leg.line.play_tones(keys)
            self._call_later(build_tones(keys, switch.settings).seconds, self._handle_connected)
        else:
            self._handle_connected()
        return True

    def reject(self, reason: RefusalReason) -> bool:
        """The callee rejects the call, which ends it."""
        self._call.control.end(find_refusal_ending(reason, self.leg.kind))
        return True

    def bridge(self) -> None:
        """Let both ends hear each other."""
        if not self.bridged:
            self.bridged = True
            call = self._call
            call.switch.emit(
                LegJoined(call.id, call.switch.clock.now(), self.leg.kind, self.leg.address)
            )

    def disconnect(self) -> None:
        """Hang up at this end only, as the call goes on elsewhere."""
        self.finish()
        if self.leg.mark_gone():
            self._call.switch.emit(
                LegLeft(self._call.id, self._call.switch.clock.now(), self.leg.role)
            )

    def finish(self) -> None:
        """Stop: the call or this leg of it has ended."""
        self.cancel_timers()
        self.bridged = False
        if self._detection is not None:
            self._detection.handle_hangup()

    def cancel_timers(self) -> None:
        """Cancel all timers."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _call_later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._call.switch.clock.call_later(seconds, what))

    def _pick_up(self) -> None:
        self.leg.answer()

    def _ring_out(self) -> None:
        self.reject("no answer")

    def _refuse(self) -> None:
        self.reject(_REFUSAL_BY_BEHAVIOUR[self.leg.behaviour.does])

    def _limit_duration(self) -> None:
        """Cut the connection when its maximum duration or the credit is used up."""
        longest = MAX_CALL_SECONDS if self._plan.max_duration is None else self._plan.max_duration
        # worked out once, at the answer: nothing else charges the credit of a call in progress
        affordable = self._call.compute_seconds_left()
        ending = CREDIT_USED_UP if affordable < longest else TOO_LONG
        self._call_later(min(longest, affordable), lambda: self._call.control.end(ending))

    def _handle_connected(self) -> None:
        """Go on after the answer. The ringing that the caller has heard stops; a prompt that is
        played instead of it is not cut short.
        """
        if self._call.caller is not None and not self._call.caller.line.is_speaking:
            self._call.caller.line.stop()
        amd = self._plan.amd
        if amd is None or not amd.enabled:
            self._send_ace(None)
            return
        switch = self._call.switch
        self._detection = MachineDetection(
            switch.clock,
            switch.settings,
            self.leg.behaviour,
            amd,
            self._send_ace,
            self._notify_amd,
        )
        self._detection.start()

    def _send_ace(self, verdict: AmdVerdict | None) -> None:
        amd = None if verdict is None else _to_amd_result(verdict)
        self._call.control.handle_connected(amd, ask=self._plan.ace)

    def _notify_amd(self, kind: str, verdict: AmdVerdict) -> None:
        self._call.control.send_notification(kind, amd=_to_amd_result(verdict))


def _to_amd_result(verdict: AmdVerdict) -> Found:
    return Found(verdict.status, verdict.reason, verdict.duration)


def connect_leg(
    call: SwitchCall,
    kind: LegKind,
    address: str,
    plan: ConnectPlan,
    cli: str = "",
    headers: tuple[CallHeader, ...] = (),
) -> None:
    """Dial a party for this call. The party that was connected before is hung up; one that a
    callout has reached becomes the caller.
    """
    if call.caller is None and call.callee is not None:
        call.caller, call.callee = call.callee, None
        call.caller.role = "caller"
    elif call.outgoing is not None:
        call.outgoing.disconnect()
    if not call.origin.to:  # a custom callout may leave it to its ICE whom it calls
        to_type = {"app": "username", "sip": "sip"}.get(kind, "number")
        call.change_origin(to=address, to_type=to_type, cli=call.origin.cli or cli)
    leg = Leg(call, "callee", kind, address, call.switch.find_party(address, kind), cli)
    leg.headers = headers
    connection = OutgoingConnection(call, leg, plan)
    call.callee, call.outgoing = leg, connection
    call.connections.append(connection)
    # last, as it may end the call at once for want of credit
    connection.start()
