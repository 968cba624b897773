"""The beginning of a call, and how it goes on where the backend answers `continue` or nothing."""

from __future__ import annotations

from flowengine.svaml import ConnectConf, PlayFiles, Say
from flowengine.svaml.prompt_notation import split_prompt
from flowengine.switch.calls.activities import join_conference
from flowengine.switch.calls.call_actions import connect_as_dialled
from flowengine.switch.calls.call_callbacks import CallCallbacks
from flowengine.switch.calls.call_ending import BACKEND_FAILED, CALLEE_HUNG_UP, NO_ROUTE
from flowengine.switch.calls.instruction_player import play_instructions
from flowengine.switch.calls.leg import LegKind
from flowengine.switch.calls.outgoing_connection import ConnectPlan, connect_leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.media.sounds import build_sounds
from flowengine.switch.switch_events import Sound

_LEG_KINDS: dict[str, LegKind] = {"username": "app", "sip": "sip", "number": "phone"}


def begin_call(call: SwitchCall, callbacks: CallCallbacks) -> None:
    """Ask the backend what to do with the call, or dial the destination of a callout."""
    callbacks.check_inline()
    if call.caller is not None:
        # before ICE: a caller may hang up while the backend is asked
        call.caller.start_behaviour()
    if call.origin.kind in {"tts", "conference"}:
        dial_destination(call)
    elif callbacks.is_wanted("ice"):
        callbacks.send_ice()
    else:
        _begin_without_backend(call)


def _begin_without_backend(call: SwitchCall) -> None:
    """Go on without a backend: apps and SIP ends are connected as they have dialled, except apps to
    phones; phones reach nobody.
    """
    origin = call.origin
    if origin.kind == "custom":
        dial_destination(call)
    elif origin.kind == "phone":
        call.control.end(NO_ROUTE)
    # a callback URL is mandatory for calls of apps to phones (platform notes, 5)
    elif origin.kind == "app" and origin.to_type == "number":
        call.control.end(BACKEND_FAILED)
    else:
        connect_as_dialled(call)


def dial_destination(call: SwitchCall) -> None:
    """Dial the destination of a callout."""
    origin = call.origin
    kind = _LEG_KINDS[origin.to_type]
    if origin.kind == "tts" and kind == "phone" and not origin.cli:
        call.control.end(
            NO_ROUTE
        )  # without a number to call from, such a call gets an id but goes nowhere
        return
    plan = ConnectPlan(
        max_duration=origin.request.get("maxduration"),
        tones=origin.request.get("dtmf", ""),
        ace=kind != "app",
        rate=call.dialled_rate,
    )
    connect_leg(call, kind, origin.to, plan, cli=origin.cli)


def continue_call(call: SwitchCall) -> None:
    """Connect the callee who has answered, or the one whom the caller has dialled; of a callout,
    carry out its method.
    """
    outgoing = call.outgoing
    if outgoing is None:
        if not call.origin.is_callout and (call.answered_at is None or call.origin.kind != "phone"):
            connect_as_dialled(
                call
            )  # a phone that was answered stands for itself until somebody hangs up
    elif outgoing.leg.state == "gone":
        call.control.end(CALLEE_HUNG_UP)
    elif call.caller is not None:
        # a callee who has answered hears the caller from now on
        outgoing.bridge()
    elif call.origin.kind == "tts":
        _play_callout_text(call)
    elif call.origin.kind == "conference":
        _join_callout_conference(call)


def _play_callout_text(call: SwitchCall) -> None:
    """Play the text of a text-to-speech callout, then hang up."""
    request = call.origin.request
    locale = request.get("locale", "")
    text = (Say(request["text"], locale),) if request.get("text") else ()
    play_instructions(
        call,
        call.controlled_leg,
        (*text, PlayFiles(tuple(split_prompt(request.get("prompts", ""))), locale)),
        call.control.end_by_platform,
    )


def _join_callout_conference(call: SwitchCall) -> None:
    """Put the party that a conference callout has reached into the conference."""
    request, settings = call.origin.request, call.switch.settings
    action = ConnectConf(
        request["conferenceid"], request.get("conferencedtmfoptions"), request.get("mohclass", "")
    )
    greeting: tuple[Sound, ...] = ()
    if request.get("greeting"):
        greeting = build_sounds(Say(request["greeting"], request.get("locale", "")), settings)
    if call.callee is not None:
        join_conference(call, call.callee, action, greeting)
