"""The backend is asked and told: callbacks of one call, and what their answers, or their silence,
come to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowengine.sinch import Amd
from flowengine.svaml import Continue, Hangup, ReportCallStatus, SetCookie
from flowengine.switch.calls.ending import BACKEND_FAILED, ILLEGAL_SVAML, Ending
from flowengine.switch.calls.facts import KnownFacts
from flowengine.switch.calls.origin import Event, Route
from flowengine.switch.calls.performance import Performance
from flowengine.switch.calls.remarks import (
    TOO_LATE,
    remark_on_missing_action,
    remark_on_missing_pie,
    without_effect,
)
from flowengine.switch.happenings import Finding, Remark, Sound, Told
from flowengine.switch.reading import Context, Reading, cookie_findings, read
from flowengine.switch.wire import MenuResult, Response, ace, dice, ice, notify, pie

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call
    from flowengine.switch.calls.leg import Leg

ERROR_PROMPT: Final = Sound("error", "We are sorry, your call cannot be completed.", 3.0)
_CUSTOM: Final[dict[Event, Context]] = {
    "ice": "custom_ice",
    "ace": "custom_ace",
    "pie": "custom_pie",
    "dice": "dice",
}
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_Silence = Callable[[], None]


def _proper(body: bytes) -> bool:
    """Whether it can be SVAML at all: nothing, or a JSON object"""
    if not body.strip():
        return True
    try:
        _object(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _anything(_body: bytes) -> bool:
    return True


class Callbacks:
    """All callbacks of one call. An answer counts only while nothing else has been done with the
    call since it was asked for.
    """

    __slots__ = ("_call", "_facts")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._facts = KnownFacts(call)

    def changed(self) -> None:
        """Cookies, or the conference, are others now."""
        self._facts.forget()

    def wanted(self, event: Event) -> bool:
        """Whether an event is to be told, and there is somebody to tell it to, or an answer that
        came along with the callout.
        """
        route = self._route(event)
        return route.send and bool(route.inline is not None or route.url or self._call.has_backend)

    def wants_pie(self, leg: Leg) -> bool:
        """Whether the result of a menu on this leg is to be told."""
        sent = leg.kind != "app" or self._call.exchange.settings.pie_for_apps == "send"
        return sent and self.wanted("pie")

    def check_inline(self) -> None:
        """Say what is wrong with the answers that came along with a callout, whether or not it
        will come to them, and with the callout itself.
        """
        self.remark("callout", tolerated=self._call.origin.findings)
        events: tuple[Event, ...] = ("ice", "ace", "pie")
        for event in events:
            inline = self._route(event).inline
            if inline is not None:
                reading, illegal = self._read(event, inline)
                illegal, tolerated = self._with_missing_action(event, reading, illegal)
                self.remark(event, illegal, tolerated)

    def remark(
        self,
        about: Literal["ice", "ace", "pie", "dice", "callout", "patch", "call"],
        illegal: tuple[Finding, ...] = (),
        tolerated: tuple[Finding, ...] = (),
    ) -> None:
        """Tell onlookers what was found, if anything was."""
        if illegal or tolerated:
            self._call.exchange.happen(
                Remark(self._call.id, self._now(), about, illegal, tolerated)
            )

    def ice(self) -> None:
        """What shall become of this call?"""
        self._ask("ice", ice(self._facts.get(), self._now()), self._apologise)

    def ace(self, amd: Amd | None = None) -> None:
        """It was answered."""
        silence = (
            self._call.proceed
            if self._call.exchange.settings.ace_unanswered == "connect"
            else self._give_up
        )
        self._ask("ace", ace(self._facts.get(), self._now(), amd), silence)

    def pie(self, result: MenuResult, leg: Leg) -> None:
        """A menu on this leg has its result; that of somebody who has left is told too, and then
        how the call ended.
        """
        if not self.wants_pie(leg):
            self._go_on_without_pie(leg)
            return
        silence = (
            self._apologise
            if self._call.exchange.settings.pie_unanswered == "hangup"
            else self._call.proceed
        )
        self._ask("pie", pie(self._facts.get(), self._now(), result), silence, leg)

    def _go_on_without_pie(self, leg: Leg) -> None:
        policy = self._call.exchange.settings.pie_for_apps
        waits = leg.kind == "app" and policy == "wait"
        self.remark("call", tolerated=(remark_on_missing_pie(leg.kind == "app", waits),))
        if not waits:
            self._call.managed_end()

    def detected(self, result: MenuResult, leg: Leg) -> None:
        """Keys came from a conference; what is answered to that is of no effect."""
        if self.wants_pie(leg):
            self._tell("pie", pie(self._facts.get(), self._now(), result), self._route("pie").url)

    def notify(
        self,
        kind: str,
        destination: str = "",
        amd: Amd | None = None,
        error: tuple[int, str] | None = None,
    ) -> None:
        """News, which nobody needs to act on."""
        if self._call.has_backend:
            self._tell(
                "notify",
                notify(self._facts.get(), kind, destination=destination, amd=amd, error=error),
            )

    def refuse(self, finding: Finding) -> None:
        """An answer looked well, but cannot be obeyed in this call, which ends it."""
        self.remark("call", (finding,))
        self.illegal()

    def illegal(self) -> None:
        """An answer cannot be obeyed, which ends the call."""
        self.notify("callingerror", error=(40001, "Illegal SVAML"))
        self._call.end(ILLEGAL_SVAML)

    def dice(self, ending: Ending, duration: int, debit: float) -> None:
        """It is over."""
        body = dice(
            self._facts.last(),
            self._now(),
            result=ending.result,
            reason=ending.reason,
            duration=duration,
            debit=debit,
        )
        self._tell("dice", body, self._route("dice").url, self._reported)

    def _now(self) -> datetime:
        return self._call.exchange.clock.now()

    def _route(self, event: Event) -> Route:
        route: Route = getattr(self._call.origin.events, event)
        return route

    def _context(self, event: Event) -> Context:
        return _CUSTOM[event] if self._call.origin.kind == "custom" else event

    def _ask(self, event: Event, body: bytes, silence: _Silence, leg: Leg | None = None) -> None:
        call, route = self._call, self._route(event)
        turn = call.turn
        if route.inline is not None:
            call.exchange.clock.later(0.0, partial(self._inline, event, turn, route.inline, leg))
            return
        done = partial(self._answered, event, turn, silence, leg)
        call.exchange.delivery.send(
            call.application,
            call.id,
            event,
            body,
            done,
            proper=_proper,
            url=route.url,
            extra_headers=call.origin.extra_headers,
        )

    def _inline(self, event: Event, turn: int, body: bytes, leg: Leg | None) -> None:
        reading, illegal = self._read(event, body)
        if not reading.illegal:  # that was said when the callout came
            self.remark(event, illegal)
        self._obey(event, turn, reading, illegal, leg)

    def _read(self, event: Event, body: bytes) -> tuple[Reading, tuple[Finding, ...]]:
        """An answer, and what is illegal about it in this call"""
        call = self._call
        app_origin = call.origin.kind == "app"
        reading = read(body, self._context(event), call.exchange.settings, app_origin=app_origin)
        return reading, reading.illegal + self._cookie_findings(reading)

    def _with_missing_action(
        self, event: Event, reading: Reading, illegal: tuple[Finding, ...]
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """What is illegal and what is tolerated, with a word on an action that is not there"""
        if reading.action is not None or reading.illegal:
            return illegal, reading.tolerated
        policy = self._policy(event)
        found = (remark_on_missing_action(event, policy),)
        if policy == "error":
            return illegal + found, reading.tolerated
        return illegal, reading.tolerated + found

    def _answered(
        self,
        event: Event,
        turn: int,
        silence: _Silence,
        leg: Leg | None,
        response: Response | None,
        url: str,
    ) -> None:
        call = self._call
        if response is None:
            if call.ended is not None:
                self._after_the_end(event)
            elif turn == call.turn:
                silence()
            return
        reading, illegal = self._read(event, response.body)
        tolerated = reading.tolerated
        if call.ended is None and turn == call.turn:
            illegal, tolerated = self._with_missing_action(event, reading, illegal)
        elif call.ended is None:
            tolerated += (TOO_LATE,)
        told = Told(
            call.id,
            self._now(),
            event,
            url,
            response.status,
            response.body,
            "",
            illegal,
            tolerated,
        )
        call.exchange.happen(told)
        self._obey(event, turn, reading, illegal, leg)

    def _cookie_findings(self, reading: Reading) -> tuple[Finding, ...]:
        new = {item.key: item.value for item in reading.instructions if isinstance(item, SetCookie)}
        return cookie_findings(self._call.cookies, new) if new else ()

    def _obey(
        self,
        event: Event,
        turn: int,
        reading: Reading,
        illegal: tuple[Finding, ...],
        leg: Leg | None,
    ) -> None:
        call = self._call
        if call.ended is not None:
            self._after_the_end(event)
        elif turn != call.turn:
            return
        elif illegal or (action := reading.action or self._without_action(event)) is None:
            self.illegal()
        else:
            call.obey(reading, action, event, leg)

    def _policy(self, event: Event) -> str:
        """What stands for an action that is not there"""
        settings = self._call.exchange.settings
        return {"ice": settings.empty_ice, "ace": settings.empty_ace, "pie": settings.empty_pie}[
            event
        ]

    def _without_action(self, event: Event) -> Continue | Hangup | None:
        policy = self._policy(event)
        return None if policy == "error" else Continue() if policy == "continue" else Hangup()

    def _apologise(self) -> None:
        """Nobody has said what to do: whoever is on the line hears that, and the call ends."""
        leg = self._call.controlled
        if leg is None:
            self._give_up()
        else:
            self._call.performance = apology = Performance(self._call, leg, (), self._give_up)
            leg.line.play((ERROR_PROMPT,), apology.start)

    def _give_up(self) -> None:
        self._call.end(BACKEND_FAILED)

    def _after_the_end(self, event: Event) -> None:
        """The last PIE is followed by DiCE"""
        if event == "pie":
            self._call.tell_the_end()

    def _tell(
        self,
        event: str,
        body: bytes,
        url: str = "",
        report: Callable[[Reading], None] | None = None,
    ) -> None:
        call = self._call
        done = partial(self._taken, event, report)
        call.exchange.delivery.send(
            call.application,
            call.id,
            event,
            body,
            done,
            proper=_anything,
            url=url,
            extra_headers=call.origin.extra_headers,
        )

    def _taken(
        self,
        event: str,
        report: Callable[[Reading], None] | None,
        response: Response | None,
        url: str,
    ) -> None:
        if response is None:
            return
        reading = Reading()
        if event == "pie" and _proper(response.body):
            reading = without_effect(read(response.body, "pie", self._call.exchange.settings))
        elif report is not None and len(response.body) > len(b"{}") and _proper(response.body):
            reading = read(response.body, "dice", self._call.exchange.settings)
            report(reading)
        told = Told(
            self._call.id,
            self._now(),
            event,
            url,
            response.status,
            response.body,
            "",
            reading.illegal,
            reading.tolerated,
        )
        self._call.exchange.happen(told)

    def _reported(self, reading: Reading) -> None:
        for item in reading.instructions:
            if isinstance(item, ReportCallStatus) and item.value.lower() in {"success", "failure"}:
                self._call.report = (item.value.lower(), item.details.strip()[:64])
