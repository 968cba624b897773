"""Actions: the one thing that an answer does with the call, after its instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowengine.sinch import normalise
from flowengine.svaml import (
    AnyAction,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    Continue,
    Hangup,
    Park,
    RunMenu,
)
from flowengine.svaml.actions import CallHeader
from flowengine.switch.calls.activities import Conference, Menu, Parking
from flowengine.switch.calls.outgoing import Plan
from flowengine.switch.happenings import Finding

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call
    from flowengine.switch.calls.leg import Leg

_NOBODY = Finding(
    "action",
    "there is nobody to connect to",
    "name the destination: this caller has dialled no number or user that it could be",
)


def perform(call: Call, action: AnyAction, leg: Leg | None = None) -> None:
    """Do what an action says; `leg` is who is asked, where that is not who is controlled."""
    if isinstance(action, RunMenu):
        _run_menu(call, action, leg)
    else:
        _DO[type(action)](call, action)


def connect_as_dialled(call: Call) -> None:
    """What becomes of a call whose backend leaves it as it is, or that has none."""
    origin = call.origin
    if origin.to_type == "conference":
        perform(call, ConnectConf(origin.to))
    elif origin.to_type == "username":
        perform(call, ConnectMxp())
    else:
        perform(call, ConnectPstn())


def _hang_up(call: Call, _action: Hangup) -> None:
    call.managed_end()


def _continue(call: Call, _action: Continue) -> None:
    call.proceed()


def _connect_pstn(call: Call, action: ConnectPstn) -> None:
    number = action.number or (call.origin.to if call.origin.to_type == "number" else "")
    if not number:
        call.callbacks.refuse(_NOBODY)
        return
    call.suppressed = call.suppressed or action.suppress_callbacks
    rate = call.exchange.rate(number)
    ace = not action.suppress_callbacks
    first = (
        call.origin.request if call.callee is None else {}
    )  # a custom callout may say it, instead of its ICE
    longest, keys = (
        action.max_duration or first.get("maxduration"),
        action.dtmf or first.get("dtmf", ""),
    )
    plan = Plan(longest, action.dial_timeout, keys, action.indications, action.amd, ace, rate)
    call.connect("phone", number, plan, cli=_cli(call, action.cli))


def _connect_mxp(call: Call, action: ConnectMxp) -> None:
    origin = call.origin
    user = (
        action.destination.endpoint
        if action.destination
        else origin.to
        if origin.to_type == "username"
        else ""
    )
    if not user:
        call.callbacks.refuse(_NOBODY)
        return
    if action.call_headers:
        call.origin = replace(origin, call_headers=action.call_headers)  # DiCE tells of these, too
        call.callbacks.changed()
    plan = Plan(ace=False, rate=call.exchange.free)
    call.connect("app", user, plan, cli=_cli(call, ""), headers=call.origin.call_headers)


def _connect_sip(call: Call, action: ConnectSip) -> None:
    call.suppressed = call.suppressed or action.suppress_callbacks
    private = tuple(
        CallHeader(key, value)
        for key, value in call.cookies.items()
        if key.upper().startswith("X-")
    )
    plan = Plan(action.max_duration, ace=not action.suppress_callbacks)
    call.connect(
        "sip",
        action.destination.endpoint,
        plan,
        cli=_cli(call, action.cli),
        headers=(*private, *action.call_headers),
    )


def _connect_stream(call: Call, action: ConnectStream) -> None:
    _answer_by_itself(call)
    plan = Plan(action.max_duration, ace=False)
    call.connect("stream", action.destination.endpoint, plan, headers=action.call_headers)


def _connect_conf(call: Call, action: ConnectConf) -> None:
    if (leg := call.controlled) is None:
        call.callbacks.refuse(_NOBODY)
        return
    _answer_by_itself(call)
    call.into_conference(Conference(call, leg, action), action.conference_id)


def _run_menu(call: Call, action: RunMenu, leg: Leg | None) -> None:
    if leg is None or leg.state == "gone":
        leg = call.controlled
    if leg is None:
        call.callbacks.refuse(_NOBODY)
        return
    _answer_by_itself(call)
    call.activity = menu = Menu(call, leg, action)
    menu.start()


def _park(call: Call, action: Park) -> None:
    if (leg := call.controlled) is None:
        call.callbacks.refuse(_NOBODY)
        return
    _answer_by_itself(call)
    if call.outgoing is not None:
        call.outgoing.bridged = False
    call.activity = parking = Parking(call, leg, action)
    parking.start()


def _answer_by_itself(call: Call) -> None:
    if call.exchange.settings.auto_answer:
        call.answer()


def _cli(call: Call, wanted: str) -> str:
    """The number that whoever is called sees; that of a SIP end is shown only where its application
    owns it.
    """
    if wanted and wanted != "incoming":
        return wanted
    cli = call.origin.cli
    if call.origin.kind == "sip":
        number = call.exchange.numbers.get(normalise(cli).e164)
        return (
            cli if number is not None and number.application == call.application_key else "private"
        )
    return cli or call.origin.user


_DO: dict[type, Callable[[Call, Any], None]] = {
    Hangup: _hang_up,
    Continue: _continue,
    ConnectPstn: _connect_pstn,
    ConnectMxp: _connect_mxp,
    ConnectSip: _connect_sip,
    ConnectStream: _connect_stream,
    ConnectConf: _connect_conf,
    Park: _park,
}
