"""How calls begin, and how they go on where the backend says nothing, or `continue`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowengine.svaml import ConnectConf, PlayFiles, Say
from flowengine.svaml.prompt_notation import split_prompt
from flowengine.switch.calls.activities import ConferenceActivity
from flowengine.switch.calls.call_actions import connect_as_dialled
from flowengine.switch.calls.call_ending import BACKEND_FAILED, CALLEE_HUNG_UP, NO_ROUTE
from flowengine.switch.calls.leg import LegKind
from flowengine.switch.calls.outgoing_connection import ConnectPlan
from flowengine.switch.media.sounds import build_sounds
from flowengine.switch.switch_events import Sound

if TYPE_CHECKING:
    from flowengine.switch.calls.switch_call import SwitchCall

_LEG_KINDS: dict[str, LegKind] = {"username": "app", "sip": "sip", "number": "phone"}


def begin_call(call: SwitchCall) -> None:
    """Ask the backend what shall become of the call, or call whom a callout names."""
    call.callbacks.check_inline()
    if call.caller is not None:
        call.caller.start_behaviour()
    if call.origin.kind in {"tts", "conference"}:
        dial_destination(call)
    elif call.callbacks.is_wanted("ice"):
        call.callbacks.send_ice()
    else:
        _begin_without_backend(call)


def _begin_without_backend(call: SwitchCall) -> None:
    """There is no backend: apps and SIP ends are connected as they have dialled, but apps reach no
    phones and phones nobody.
    """
    origin = call.origin
    if origin.kind == "custom":
        dial_destination(call)
    elif origin.kind == "phone":
        call.end(NO_ROUTE)
    elif origin.kind == "app" and origin.to_type == "number":
        call.end(BACKEND_FAILED)
    else:
        connect_as_dialled(call)


def dial_destination(call: SwitchCall) -> None:
    """Call whom a callout names."""
    origin = call.origin
    kind = _LEG_KINDS[origin.to_type]
    if origin.kind == "tts" and kind == "phone" and not origin.cli:
        call.end(NO_ROUTE)  # without a number to call from, such a call gets an id but goes nowhere
        return
    plan = ConnectPlan(
        max_duration=origin.request.get("maxduration"),
        tones=origin.request.get("dtmf", ""),
        ace=kind != "app",
        rate=call.dialled_rate,
    )
    call.connect(kind, origin.to, plan, cli=origin.cli)


def continue_call(call: SwitchCall) -> None:
    """Connect whoever has answered, or whom the caller has dialled; a callout does what it was made
    for.
    """
    outgoing = call.outgoing
    if outgoing is None:
        if not call.origin.is_callout and (call.answered_at is None or call.origin.kind != "phone"):
            connect_as_dialled(
                call
            )  # a phone that was answered stands for itself until somebody hangs up
    elif outgoing.leg.state == "gone":
        call.end(CALLEE_HUNG_UP)
    elif call.caller is not None:
        outgoing.bridge()
    elif call.origin.kind == "tts":
        _play_callout_text(call)
    elif call.origin.kind == "conference":
        _join_conference(call)


def _play_callout_text(call: SwitchCall) -> None:
    """Play what a text-to-speech callout says, then hang up."""
    request = call.origin.request
    locale = request.get("locale", "")
    text = (Say(request["text"], locale),) if request.get("text") else ()
    call.carry_out(
        (*text, PlayFiles(tuple(split_prompt(request.get("prompts", ""))), locale)),
        call.end_by_platform,
    )


def _join_conference(call: SwitchCall) -> None:
    """Let whoever a conference callout has reached into the conference."""
    request, settings = call.origin.request, call.exchange.settings
    action = ConnectConf(
        request["conferenceid"], request.get("conferencedtmfoptions"), request.get("mohclass", "")
    )
    greeting: tuple[Sound, ...] = ()
    if request.get("greeting"):
        greeting = build_sounds(Say(request["greeting"], request.get("locale", "")), settings)
    if call.callee is not None:
        call.join_conference(
            ConferenceActivity(call, call.callee, action), action.conference_id, greeting
        )
