"""The callbacks of one call, and what follows from their answers or from silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from flowengine.sinch import AmdResult
from flowengine.svaml import Continue, Hangup, ReportCallStatus, SetCookie
from flowengine.switch.calls.answer_findings import (
    ANSWER_TOO_LATE,
    describe_missing_action,
    describe_missing_pie,
    mark_without_effect,
)
from flowengine.switch.calls.cached_facts import get_dice_facts, get_facts
from flowengine.switch.calls.call_ending import BACKEND_FAILED, ILLEGAL_SVAML, CallEnding
from flowengine.switch.calls.call_origin import CallbackRoute, EventName
from flowengine.switch.calls.instruction_player import InstructionPlayer
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.reading import AnswerContext, SvamlReading, check_call_cookies, read_answer
from flowengine.switch.switch_events import AnswerReceived, Finding, Sound
from flowengine.switch.wire import (
    MenuEnd,
    Response,
    encode_ace,
    encode_dice,
    encode_ice,
    encode_notify,
    encode_pie,
)

ERROR_PROMPT: Final = Sound("error", "We are sorry, your call cannot be completed.", 3.0)
_CUSTOM_CONTEXTS: Final[dict[EventName, AnswerContext]] = {
    "ice": "custom_ice",
    "ace": "custom_ace",
    "pie": "custom_pie",
    "dice": "dice",
}
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_OnSilence = Callable[[], None]


def _is_possible_svaml(body: bytes) -> bool:
    """Whether it can be SVAML at all: nothing, or a JSON object"""
    if not body.strip():
        return True
    try:
        _decode_object(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _accept_anything(_body: bytes) -> bool:
    return True


class CallCallbacks:
    """All callbacks of one call. An answer counts only if nothing else was done with the call since
    the callback was sent.
    """

    __slots__ = ("_call",)

    def __init__(self, call: SwitchCall) -> None:
        self._call = call

    def is_wanted(self, event: EventName) -> bool:
        """Whether an event is wanted, and has a backend or an inline answer of the callout."""
        route = self._get_route(event)
        # an application without a URL gets callbacks where the callout brought one along
        return route.send and bool(route.inline is not None or route.url or self._call.has_backend)

    def is_pie_wanted(self, leg: Leg) -> bool:
        """Whether the result of a menu on this leg is sent."""
        # PIE "is not issued for data calls": a menu may wait for ever there (platform notes, 8)
        sent = leg.kind != "app" or self._call.switch.settings.pie_for_apps == "send"
        return sent and self.is_wanted("pie")

    def check_inline(self) -> None:
        """Report what is wrong with a callout and with its inline answers, even those that the call
        never comes to.
        """
        self._call.report_findings("callout", tolerated=self._call.origin.findings)
        events: tuple[EventName, ...] = ("ice", "ace", "pie")
        for event in events:
            inline = self._get_route(event).inline
            if inline is not None:
                reading, illegal = self._read_answer(event, inline)
                illegal, tolerated = self._add_missing_action(event, reading, illegal)
                self._call.report_findings(event, illegal, tolerated)

    def send_ice(self) -> None:
        """Send ICE and carry out its answer."""
        self._request_answer(
            "ice", encode_ice(get_facts(self._call), self._get_time()), self._play_error_prompt
        )

    def send_ace(self, amd: AmdResult | None = None) -> None:
        """Send ACE and carry out its answer."""
        silence = (
            self._call.control.proceed
            # no source says what happens; hence settings (platform notes, 7)
            if self._call.switch.settings.ace_unanswered == "connect"
            else self._end_failed
        )
        self._request_answer(
            "ace", encode_ace(get_facts(self._call), self._get_time(), amd), silence
        )

    def send_pie(self, result: MenuEnd, leg: Leg) -> None:
        """Send PIE for a menu on this leg and carry out its answer. The result of a party who has
        hung up is sent, too, and DiCE after that.
        """
        if not self.is_pie_wanted(leg):
            self._skip_pie(leg)
            return
        silence = (
            self._play_error_prompt
            if self._call.switch.settings.pie_unanswered == "hangup"
            else self._call.control.proceed
        )
        self._request_answer(
            "pie", encode_pie(get_facts(self._call), self._get_time(), result), silence, leg
        )

    def _skip_pie(self, leg: Leg) -> None:
        policy = self._call.switch.settings.pie_for_apps
        waits = leg.kind == "app" and policy == "wait"
        self._call.report_findings(
            "call", tolerated=(describe_missing_pie(leg.kind == "app", waits),)
        )
        if not waits:
            self._call.control.end_by_platform()

    def send_conference_keys(self, result: MenuEnd, leg: Leg) -> None:
        """Send PIE for keys in a conference. Its answer has no effect."""
        if self.is_pie_wanted(leg):
            self._send_report(
                "pie",
                encode_pie(get_facts(self._call), self._get_time(), result),
                self._get_route("pie").url,
            )

    def send_notification(
        self,
        kind: str,
        destination: str = "",
        amd: AmdResult | None = None,
        error: tuple[int, str] | None = None,
    ) -> None:
        """Send a notify."""
        if self._call.has_backend:
            self._send_report(
                "notify",
                encode_notify(
                    get_facts(self._call), kind, destination=destination, amd=amd, error=error
                ),
            )

    def refuse_answer(self, finding: Finding) -> None:
        """End the call: its answer is legal, but cannot be obeyed in it."""
        self._call.report_findings("call", (finding,))
        self.end_with_illegal_svaml()

    def end_with_illegal_svaml(self) -> None:
        """End the call with an error: the answer is illegal."""
        self.send_notification("callingerror", error=(40001, "Illegal SVAML"))
        self._call.control.end(ILLEGAL_SVAML)

    def send_dice(self, ending: CallEnding, duration: int, debit: float) -> None:
        """Send DiCE."""
        body = encode_dice(
            get_dice_facts(self._call),
            self._get_time(),
            result=ending.result,
            reason=ending.reason,
            duration=duration,
            debit=debit,
        )
        self._send_report("dice", body, self._get_route("dice").url, self._store_call_status)

    def _get_time(self) -> datetime:
        return self._call.switch.clock.now()

    def _get_route(self, event: EventName) -> CallbackRoute:
        route: CallbackRoute = getattr(self._call.origin.events, event)
        return route

    def _get_context(self, event: EventName) -> AnswerContext:
        return _CUSTOM_CONTEXTS[event] if self._call.origin.kind == "custom" else event

    def _request_answer(
        self, event: EventName, body: bytes, silence: _OnSilence, leg: Leg | None = None
    ) -> None:
        call, route = self._call, self._get_route(event)
        turn = call.revision
        if route.inline is not None:
            # later, as the answer of a backend would be
            call.switch.clock.call_later(
                0.0, partial(self._handle_inline_answer, event, turn, route.inline, leg)
            )
            return
        done = partial(self._handle_answer, event, turn, silence, leg)
        call.switch.delivery.send(
            call.application,
            call.id,
            event,
            body,
            done,
            is_valid=_is_possible_svaml,
            url=route.url,
            extra_headers=call.origin.extra_headers,
        )

    def _handle_inline_answer(
        self, event: EventName, revision: int, body: bytes, leg: Leg | None
    ) -> None:
        reading, illegal = self._read_answer(event, body)
        if not reading.illegal:  # that was said when the callout came
            self._call.report_findings(event, illegal)
        self._perform_answer(event, revision, reading, illegal, leg)

    def _read_answer(
        self, event: EventName, body: bytes
    ) -> tuple[SvamlReading, tuple[Finding, ...]]:
        """An answer, and what is illegal about it in this call"""
        call = self._call
        app_origin = call.origin.kind == "app"
        reading = read_answer(
            body, self._get_context(event), call.switch.settings, app_origin=app_origin
        )
        return reading, reading.illegal + self._check_cookies(reading)

    def _add_missing_action(
        self, event: EventName, reading: SvamlReading, illegal: tuple[Finding, ...]
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """What is illegal and what is tolerated, with a finding where the action is missing"""
        if reading.action is not None or reading.illegal:
            return illegal, reading.tolerated
        policy = self._get_empty_policy(event)
        found = (describe_missing_action(event, policy),)
        if policy == "error":
            return illegal + found, reading.tolerated
        return illegal, reading.tolerated + found

    def _handle_answer(
        self,
        event: EventName,
        revision: int,
        silence: _OnSilence,
        leg: Leg | None,
        response: Response | None,
        url: str,
    ) -> None:
        call = self._call
        if response is None:
            if call.ended is not None:
                self._finish_after_end(event)
            elif revision == call.revision:
                silence()
            return
        reading, illegal = self._read_answer(event, response.body)
        tolerated = reading.tolerated
        if call.ended is None and revision == call.revision:
            illegal, tolerated = self._add_missing_action(event, reading, illegal)
        elif call.ended is None:
            # the platform has gone on; a backend should know that nobody heard its answer
            tolerated += (ANSWER_TOO_LATE,)
        told = AnswerReceived(
            call.id,
            self._get_time(),
            event,
            url,
            response.status,
            response.body,
            "",
            illegal,
            tolerated,
        )
        call.switch.emit(told)
        self._perform_answer(event, revision, reading, illegal, leg)

    def _check_cookies(self, reading: SvamlReading) -> tuple[Finding, ...]:
        new = {item.key: item.value for item in reading.instructions if isinstance(item, SetCookie)}
        return check_call_cookies(self._call.cookies, new) if new else ()

    def _perform_answer(
        self,
        event: EventName,
        revision: int,
        reading: SvamlReading,
        illegal: tuple[Finding, ...],
        leg: Leg | None,
    ) -> None:
        call = self._call
        if call.ended is not None:
            self._finish_after_end(event)
        elif revision != call.revision:
            return
        elif illegal or (action := reading.action or self._choose_default_action(event)) is None:
            self.end_with_illegal_svaml()
        else:
            call.control.perform_answer(reading, action, event, leg)

    def _get_empty_policy(self, event: EventName) -> str:
        """The action that takes the place of a missing one"""
        settings = self._call.switch.settings
        return {"ice": settings.empty_ice, "ace": settings.empty_ace, "pie": settings.empty_pie}[
            event
        ]

    def _choose_default_action(self, event: EventName) -> Continue | Hangup | None:
        policy = self._get_empty_policy(event)
        return None if policy == "error" else Continue() if policy == "continue" else Hangup()

    def _play_error_prompt(self) -> None:
        """Play the platform's error prompt and end the call: no answer was usable."""
        leg = self._call.controlled_leg
        if leg is None:
            self._end_failed()
        else:
            self._call.player = apology = InstructionPlayer(self._call, leg, (), self._end_failed)
            leg.line.play((ERROR_PROMPT,), apology.start)

    def _end_failed(self) -> None:
        self._call.control.end(BACKEND_FAILED)

    def _finish_after_end(self, event: EventName) -> None:
        """Send DiCE after the last PIE"""
        if event == "pie":
            self._call.control.send_dice()

    def _send_report(
        self,
        event: str,
        body: bytes,
        url: str = "",
        report: Callable[[SvamlReading], None] | None = None,
    ) -> None:
        call = self._call
        done = partial(self._handle_report_reply, event, report)
        call.switch.delivery.send(
            call.application,
            call.id,
            event,
            body,
            done,
            is_valid=_accept_anything,
            url=url,
            extra_headers=call.origin.extra_headers,
        )

    def _handle_report_reply(
        self,
        event: str,
        report: Callable[[SvamlReading], None] | None,
        response: Response | None,
        url: str,
    ) -> None:
        if response is None:
            return
        reading = SvamlReading()
        if event == "pie" and _is_possible_svaml(response.body):
            reading = mark_without_effect(
                read_answer(response.body, "pie", self._call.switch.settings)
            )
        elif (
            report is not None
            # most backends answer DiCE with nothing or {}
            and len(response.body) > len(b"{}")
            and _is_possible_svaml(response.body)
        ):
            reading = read_answer(response.body, "dice", self._call.switch.settings)
            report(reading)
        told = AnswerReceived(
            self._call.id,
            self._get_time(),
            event,
            url,
            response.status,
            response.body,
            "",
            reading.illegal,
            reading.tolerated,
        )
        self._call.switch.emit(told)

    def _store_call_status(self, reading: SvamlReading) -> None:
        for item in reading.instructions:
            if isinstance(item, ReportCallStatus) and item.value.lower() in {"success", "failure"}:
                # the platform trims details and cuts them at 64 characters (platform notes, 1.1)
                self._call.status_report = (item.value.lower(), item.details.strip()[:64])
