"""A leg that goes out: it rings, is answered or not, the backend is asked, and both ends hear each
other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowengine.limits import MAX_CALL_SECONDS
from flowengine.sinch import Amd as Found
from flowengine.svaml import Amd
from flowengine.switch.calls.ending import CREDIT_USED_UP, NO_CREDIT, TOO_LONG, Refusal, refused
from flowengine.switch.clock import Timer
from flowengine.switch.happenings import Joined, Left, Picked, Ringing, Sound
from flowengine.switch.media.detection import Detection, Verdict
from flowengine.switch.media.sounds import tones
from flowengine.switch.world import Rate

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call
    from flowengine.switch.calls.leg import Leg

_REFUSALS: Final[dict[str, Refusal]] = {
    "busy": "busy",
    "decline": "decline",
    "congestion": "congestion",
    "unknown": "unknown",
}
"""What a behaviour does instead of answering; whoever does anything else lets it ring"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to connect. `ace` is whether the backend may be asked after the answer."""

    max_duration: int | None = None
    dial_timeout: int | None = None
    tones: str = ""
    indications: str = ""
    amd: Amd | None = None
    ace: bool = True
    rate: Rate | None = None


class Outgoing:
    """One attempt to reach somebody, for as long as the connection lasts."""

    __slots__ = ("_call", "_detection", "_plan", "_timers", "bridged", "leg")

    def __init__(self, call: Call, leg: Leg, plan: Plan) -> None:
        self._call, self.leg, self._plan = call, leg, plan
        self._timers: list[Timer] = []
        self._detection: Detection | None = None
        self.bridged = False
        """Both ends hear each other"""
        leg.outgoing = self

    def start(self) -> None:
        """Let it ring."""
        call, exchange = self._call, self._call.exchange
        call.use_rate(self._plan.rate)
        if exchange.seconds_left(call) <= 0:
            call.end(NO_CREDIT)
            return
        self.ring()
        settings, behaviour = exchange.settings, self.leg.behaviour
        patience = (
            settings.ring_seconds if self._plan.dial_timeout is None else self._plan.dial_timeout
        )
        if behaviour.does == "answer":
            self._later(behaviour.after, self._picks_up)
        elif behaviour.does in _REFUSALS:
            self._later(behaviour.after, self._refuses)
        self._later(patience, self._rings_out)
        exchange.happen(
            Ringing(call.id, exchange.clock.now(), self.leg.kind, self.leg.address, self.leg.cli)
        )

    def ring(self) -> None:
        """Let the caller hear that it rings."""
        if self._call.caller is not None:
            self._call.caller.line.loop((Sound("ringing", self._plan.indications, 0.0),))

    def answered(self) -> bool:
        """Whoever is called picks up: from now on the call counts as answered for both ends."""
        call, exchange, leg = self._call, self._call.exchange, self.leg
        self.cancel()
        now = exchange.clock.now()
        leg.state, leg.answered_at = "up", now
        exchange.happen(Picked(call.id, now, leg.role))
        call.answer()
        self._limit()
        leg.act()
        keys = self._plan.tones + call.take_tones()
        if keys:
            leg.line.overhear(keys)
            self._later(tones(keys, exchange.settings).seconds, self._ready)
        else:
            self._ready()
        return True

    def refused(self, why: Refusal) -> bool:
        """Whoever is called does not take the call, which ends it."""
        self._call.end(refused(why, self.leg.kind))
        return True

    def bridge(self) -> None:
        """Let both ends hear each other."""
        if not self.bridged:
            self.bridged = True
            call = self._call
            call.exchange.happen(
                Joined(call.id, call.exchange.clock.now(), self.leg.kind, self.leg.address)
            )

    def drop(self) -> None:
        """Hang up at this end only, as the call goes on elsewhere."""
        self.over()
        if self.leg.go():
            self._call.exchange.happen(
                Left(self._call.id, self._call.exchange.clock.now(), self.leg.role)
            )

    def over(self) -> None:
        """The call is over, or this leg of it."""
        self.cancel()
        self.bridged = False
        if self._detection is not None:
            self._detection.hung_up()

    def cancel(self) -> None:
        """Forget whatever is still due."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._call.exchange.clock.later(seconds, what))

    def _picks_up(self) -> None:
        self.leg.answer()

    def _rings_out(self) -> None:
        self.refused("no answer")

    def _refuses(self) -> None:
        self.refused(_REFUSALS[self.leg.behaviour.does])

    def _limit(self) -> None:
        """A connection is cut when it has lasted as long as it may, or as the credit lets it."""
        longest = MAX_CALL_SECONDS if self._plan.max_duration is None else self._plan.max_duration
        affordable = self._call.exchange.seconds_left(self._call)
        ending = CREDIT_USED_UP if affordable < longest else TOO_LONG
        self._later(min(longest, affordable), lambda: self._call.end(ending))

    def _ready(self) -> None:
        """The caller has heard it ring until now, or words in place of that, which are not cut
        short.
        """
        if self._call.caller is not None and not self._call.caller.line.speaking:
            self._call.caller.line.stop()
        amd = self._plan.amd
        if amd is None or not amd.enabled:
            self._ask(None)
            return
        exchange = self._call.exchange
        self._detection = Detection(
            exchange.clock, exchange.settings, self.leg.behaviour, amd, self._ask, self._found
        )
        self._detection.start()

    def _ask(self, verdict: Verdict | None) -> None:
        if self._plan.ace and self._call.callbacks.wanted("ace"):
            self._call.callbacks.ace(None if verdict is None else _found(verdict))
        else:
            self._call.proceed()

    def _found(self, kind: str, verdict: Verdict) -> None:
        self._call.callbacks.notify(kind, amd=_found(verdict))


def _found(verdict: Verdict) -> Found:
    return Found(verdict.status, verdict.reason, verdict.duration)
