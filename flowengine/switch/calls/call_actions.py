"""Actions: the one thing that an answer does with the call, after its instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowengine.sinch import parse_number
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
from flowengine.switch.calls.activities import MenuActivity, ParkActivity, join_conference
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.outgoing_connection import ConnectPlan, connect_leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.switch_events import Finding

_NO_DESTINATION = Finding(
    "action",
    "there is nobody to connect to",
    "name the destination: this caller has dialled no number or user that it could be",
)


def perform_action(call: SwitchCall, action: AnyAction, leg: Leg | None = None) -> None:
    """Carry out an action; `leg` is the leg that was asked, where that is not the controlled one."""
    if isinstance(action, RunMenu):
        _run_menu(call, action, leg)
    else:
        _PERFORM_BY_ACTION[type(action)](call, action)


def connect_as_dialled(call: SwitchCall) -> None:
    """Connect a call that its backend leaves as it is, or that has no backend."""
    origin = call.origin
    if origin.to_type == "conference":
        perform_action(call, ConnectConf(origin.to))
    elif origin.to_type == "username":
        perform_action(call, ConnectMxp())
    else:
        perform_action(call, ConnectPstn())


def _hang_up(call: SwitchCall, _action: Hangup) -> None:
    call.control.end_by_platform()


def _continue_call(call: SwitchCall, _action: Continue) -> None:
    call.control.proceed()


def _connect_pstn(call: SwitchCall, action: ConnectPstn) -> None:
    # without a number, the one that an app has dialled (platform notes, 1.2)
    number = action.number or (call.origin.to if call.origin.to_type == "number" else "")
    if not number:
        call.control.refuse_answer(_NO_DESTINATION)
        return
    call.callbacks_suppressed = call.callbacks_suppressed or action.suppress_callbacks
    rate = call.switch.find_rate(number)
    # it suppresses ACE and DiCE (platform notes, 1.2)
    ace = not action.suppress_callbacks
    first = (
        call.origin.request if call.callee is None else {}
    )  # a custom callout may say it, instead of its ICE
    longest, keys = (
        action.max_duration or first.get("maxduration"),
        action.dtmf or first.get("dtmf", ""),
    )
    plan = ConnectPlan(
        longest, action.dial_timeout, keys, action.indications, action.amd, ace, rate
    )
    connect_leg(call, "phone", number, plan, cli=_choose_cli(call, action.cli))


def _connect_mxp(call: SwitchCall, action: ConnectMxp) -> None:
    origin = call.origin
    user = (
        action.destination.endpoint
        if action.destination
        else origin.to
        if origin.to_type == "username"
        else ""
    )
    if not user:
        call.control.refuse_answer(_NO_DESTINATION)
        return
    if action.call_headers:
        call.change_origin(call_headers=action.call_headers)  # DiCE tells of these, too
    # calls to apps have no ACE (platform notes, 5)
    plan = ConnectPlan(ace=False, rate=call.switch.free_rate)
    connect_leg(
        call, "app", user, plan, cli=_choose_cli(call, ""), headers=call.origin.call_headers
    )


def _connect_sip(call: SwitchCall, action: ConnectSip) -> None:
    call.callbacks_suppressed = call.callbacks_suppressed or action.suppress_callbacks
    private = tuple(
        CallHeader(key, value)
        for key, value in call.cookies.items()
        # the older way to send SIP headers: cookies called X-… (platform notes, 1.2)
        if key.upper().startswith("X-")
    )
    plan = ConnectPlan(action.max_duration, ace=not action.suppress_callbacks)
    connect_leg(
        call,
        "sip",
        action.destination.endpoint,
        plan,
        cli=_choose_cli(call, action.cli),
        headers=(*private, *action.call_headers),
    )


def _connect_stream(call: SwitchCall, action: ConnectStream) -> None:
    _auto_answer(call)
    plan = ConnectPlan(action.max_duration, ace=False)
    connect_leg(call, "stream", action.destination.endpoint, plan, headers=action.call_headers)


def _connect_conf(call: SwitchCall, action: ConnectConf) -> None:
    if (leg := call.controlled_leg) is None:
        call.control.refuse_answer(_NO_DESTINATION)
        return
    _auto_answer(call)
    join_conference(call, leg, action)


def _run_menu(call: SwitchCall, action: RunMenu, leg: Leg | None) -> None:
    if leg is None or leg.state == "gone":
        leg = call.controlled_leg
    if leg is None:
        call.control.refuse_answer(_NO_DESTINATION)
        return
    _auto_answer(call)
    call.activity = menu = MenuActivity(call, leg, action)
    menu.start()


def _park(call: SwitchCall, action: Park) -> None:
    if (leg := call.controlled_leg) is None:
        call.control.refuse_answer(_NO_DESTINATION)
        return
    _auto_answer(call)
    if call.outgoing is not None:
        call.outgoing.bridged = False
    call.activity = parking = ParkActivity(call, leg, action)
    parking.start()


def _auto_answer(call: SwitchCall) -> None:
    # runMenu, park, conferences and streams need an answered leg; that the platform answers it by
    # itself is inferred (platform notes, 5)
    if call.switch.settings.auto_answer:
        call.answer()


def _choose_cli(call: SwitchCall, wanted: str) -> str:
    """The number that the callee sees. That of a SIP end is shown only where its application owns
    it.
    """
    if wanted and wanted != "incoming":
        return wanted
    cli = call.origin.cli
    if call.origin.kind == "sip":
        number = call.switch.numbers.get(parse_number(cli).e164)
        return (
            cli if number is not None and number.application == call.application_key else "private"
        )
    return cli or call.origin.user


_PERFORM_BY_ACTION: dict[type, Callable[[SwitchCall, Any], None]] = {
    Hangup: _hang_up,
    Continue: _continue_call,
    ConnectPstn: _connect_pstn,
    ConnectMxp: _connect_mxp,
    ConnectSip: _connect_sip,
    ConnectStream: _connect_stream,
    ConnectConf: _connect_conf,
    Park: _park,
}
